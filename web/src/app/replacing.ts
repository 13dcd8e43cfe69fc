// Another password replaces the session by another one. The tabs of the browser tell each other, so that none of them takes the end
// of the old session for the end of the person's. Knows neither passwords nor connections.

import { BASE } from "./places.js";

/** A tab that is closed meanwhile says no end: the others wait no longer than this. */
const LONGEST = 15_000;

const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(`taskwire ${BASE.pathname} replacing`) : undefined;

let current: Promise<unknown> = Promise.resolve();

/** Resolves when no session is being replaced, in this tab or another one. */
export const replaced = (): Promise<unknown> => current;

/** Does what replaces the session: first the change, then what goes on after it. */
export const replace = (change: () => Promise<void>, goOn: () => Promise<void>): Promise<void> => {
  channel?.postMessage("begin");
  const done = change()
    .finally(() => channel?.postMessage("end"))
    .then(goOn);
  current = done.catch(() => {});
  return done;
};

/** Goes on after another tab has replaced the session. */
export const followReplacing = (goOn: () => Promise<void>): void => {
  let end = () => {};
  channel?.addEventListener("message", ({ data }) => {
    if (data === "end") return end();
    current = new Promise<void>((resolve) => {
      const late = setTimeout(resolve, LONGEST);
      end = () => {
        clearTimeout(late);
        void goOn().then(resolve);
      };
    });
  });
};
