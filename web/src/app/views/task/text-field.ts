// A text of the task that is being edited: kept over reloads, saved when the person leaves it, and never over what somebody else
// wrote meanwhile without asking.

import { useRef, useState } from "preact/hooks";
import { useActing } from "../../acting.js";
import { useDraft } from "../../parts/draft.js";
import { useOpen } from "./context.js";

interface Edit {
  text: string;
  /** What it was when the person began. */
  base: string;
}

export interface TextField {
  /** What everybody sees. */
  readonly current: string;
  /** What the person is writing; `undefined` when they are not. */
  readonly text: string | undefined;
  /** Whether somebody else changed it meanwhile. */
  readonly isContested: boolean;
  /** Whether it is from before the page was loaded. */
  readonly isRestored: boolean;
  begin(text?: string): void;
  type(text: string): void;
  /** Saves what was written, unless it is contested. Whether the field is done. */
  save(): boolean;
  /** Forgets what was written. */
  discard(): void;
  /** Saves what was written over what somebody else wrote. */
  overwrite(): void;
}

export const useTextField = (field: "title" | "description"): TextField => {
  const { task } = useOpen();
  const { act } = useActing();
  const current = task[field] ?? "";
  const [held, set, discard] = useDraft<Edit | null>(`${field} ${task.id}`, null);
  const [restored, setRestored] = useState(held !== null && held.text !== held.base);
  // What the person has not touched follows the others.
  const edit = held && held.text === held.base ? { text: current, base: current } : held;
  // A field that is over still hears that it lost the focus.
  const isOpen = useRef(false);
  isOpen.current = edit !== null;
  const isContested = !!edit && edit.text !== edit.base && current !== edit.base && current !== edit.text;

  const end = () => {
    isOpen.current = false;
    setRestored(false);
    discard();
  };
  const overwrite = () => {
    if (!isOpen.current) return;
    const text = edit?.text.trim() ?? "";
    end();
    if (text === current || (field === "title" && !text)) return;
    act("task.update", { id: task.id, [field]: text || null });
  };
  return {
    current,
    text: edit?.text,
    isContested,
    isRestored: restored && edit !== null,
    begin: (text = current) => set({ text, base: current }),
    type: (text) => set({ text, base: edit?.base ?? current }),
    save() {
      if (!isContested) overwrite();
      return !isContested;
    },
    discard: end,
    overwrite,
  };
};
