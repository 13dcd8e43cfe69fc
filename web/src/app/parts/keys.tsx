// Keys of the keyboard, as people know them.

import { Fragment } from "preact";
import { T } from "../texts.js";

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);

const NAMES: Record<string, string> = {
  Mod: isMac ? "⌘" : "Ctrl",
  Alt: isMac ? "⌥" : "Alt",
  Escape: "Esc",
  ArrowUp: "↑",
  ArrowDown: "↓",
  ArrowLeft: "←",
  ArrowRight: "→",
};

const nameOf = (key: string): string => NAMES[key] ?? (key.length === 1 ? key.toUpperCase() : key);

/** Keys that are pressed together. */
const Press = ({ keys }: { keys: string }) => (
  <>
    {keys.split(/\+(?=.)/).map((key) => (
      <kbd key={key}>{nameOf(key)}</kbd>
    ))}
  </>
);

/** `keys` as the table of shortcuts writes them: `Mod+k`, `g t` for one after the other, `ArrowUp/ArrowDown` for one of them. */
export const Keys = ({ keys }: { keys: string }) => {
  const isOneOf = keys.length > 1 && keys.includes("/");
  return (
    <span class="keys">
      {keys.split(isOneOf ? "/" : " ").map((press, i) => (
        <Fragment key={press}>
          {i > 0 && <span class={isOneOf ? "sr-only" : "quiet-text"}> {isOneOf ? T.commands.or : T.commands.then} </span>}
          <Press keys={press} />
        </Fragment>
      ))}
    </span>
  );
};
