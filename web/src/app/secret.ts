// What follows the `#` of a link that a mail, a person or the server gave: a secret. It is taken out of the address bar, where
// the history would keep it, and is in memory only.

import { href, type Door } from "./places.js";

const held = new Map<Door, string>();

/** The secret with which a page was opened. */
export const secretOf = (door: Door): string | undefined => {
  const inPath = /\/join\/([^/]+)\/?$/.exec(location.pathname)?.[1];
  const found = location.hash.slice(1) || (door === "join" ? inPath : undefined);
  if (found) {
    held.set(door, decodeURIComponent(found));
    history.replaceState(history.state, "", href({ scene: { at: "entry", door } }));
  }
  return held.get(door);
};

/** Whether a link was opened that was not used yet. */
export const holdsSecret = (door: Door): boolean => held.has(door);

/** The secret was used. */
export const forgetSecret = (door: Door): void => void held.delete(door);
