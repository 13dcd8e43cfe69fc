// Keys of the keyboard, as people know them.

import { T } from "../texts.js";

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);

const NAMES: Record<string, string> = { Mod: isMac ? "⌘" : "Ctrl", Escape: "Esc", ArrowUp: "↑", ArrowDown: "↓" };

const nameOf = (key: string): string => NAMES[key] ?? (key.length === 1 ? key.toUpperCase() : key);

/** `keys` as the table of shortcuts writes them: `Mod+k`, or `g t` for one after the other. */
export const Keys = ({ keys }: { keys: string }) => (
  <span class="keys">
    {keys.split(" ").map((press, i) => (
      <>
        {i > 0 && <span class="quiet-text"> {T.commands.then} </span>}
        {press.split(/\+(?=.)/).map((key) => (
          <kbd key={key}>{nameOf(key)}</kbd>
        ))}
      </>
    ))}
  </span>
);
