// The sheet of shortcuts: the table of them, and the keys that fields and lists have of their own.

import { Dialog } from "../../parts/dialog.js";
import { Keys } from "../../parts/keys.js";
import { setSingleKeys, shortcuts, singleKeys, type Shortcut } from "../../shell/shortcuts.js";
import { T } from "../../texts.js";

type Row = readonly [keys: string, text: string];

const rowsOf = (group: Shortcut["group"]): Row[] =>
  shortcuts(() => {})
    .filter((shortcut) => shortcut.group === group)
    .map(({ keys, does }) => [keys, T.commands[does]]);

const GROUPS: readonly (readonly [string, readonly Row[]])[] = [
  [T.commands.everywhere, rowsOf("everywhere")],
  [T.commands.going, rowsOf("going")],
  [
    T.commands.inQuickAdd,
    [
      ["Enter", T.commands.addAndClose],
      ["Mod+Enter", T.commands.addAndNext],
      ["Tab", T.commands.chooseSuggestion],
      ["Backspace", T.commands.takeBack],
    ],
  ],
  [
    T.commands.inLists,
    [
      ["ArrowUp/ArrowDown", T.commands.moveFocus],
      ["Enter", T.commands.open],
      ["Space", T.commands.complete],
      ["Alt+ArrowUp/Alt+ArrowDown", T.commands.move],
      ["ArrowLeft/ArrowRight", T.commands.fold],
    ],
  ],
  [
    T.commands.onBoard,
    [
      ["Space", T.commands.carry],
      ["ArrowUp/ArrowDown/ArrowLeft/ArrowRight", T.commands.carryTo],
    ],
  ],
  [T.commands.inDialogs, [["Escape", T.commands.closeDialog]]],
];

export default function Help({ close }: { close: () => void }) {
  return (
    <Dialog title={T.commands.shortcuts} close={close} wide>
      <div class="shortcut-groups">
        {GROUPS.map(([name, rows]) => (
          <section key={name}>
            <h3>{name}</h3>
            <dl>
              {rows.map(([keys, text]) => (
                <div key={keys}>
                  <dt>{text}</dt>
                  <dd>
                    <Keys keys={keys} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <label class="single-keys">
        <input type="checkbox" checked={singleKeys.value} onChange={(event) => setSingleKeys(event.currentTarget.checked)} />
        <span>
          {T.commands.singleKeys}
          <span class="field-hint">{T.commands.singleKeysHint}</span>
        </span>
      </label>
    </Dialog>
  );
}
