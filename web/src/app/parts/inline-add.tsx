// Adds tasks one after the other in a line: Enter adds and goes on, Escape closes. What is typed outlasts closing and a reload.

import { useEffect, useRef, useState } from "preact/hooks";
import { LIMITS } from "../../sdk/contract.js";
import { T } from "../texts.js";
import { useDraft } from "./draft.js";
import { Icon } from "./icons.js";

interface Props {
  /** The draft is kept under this name. */
  name: string;
  /** Where the tasks go, for screen readers. */
  label: string;
  add: (title: string) => void;
  /** Told when the line opens and closes. */
  opened?: (isOpen: boolean) => void;
}

export const InlineAdd = ({ name, label, add, opened }: Props) => {
  const [title, type, clear] = useDraft(`add ${name}`, "");
  const [isOpen, setOpen] = useState(title !== "");
  const input = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const back = useRef(false);

  useEffect(() => opened?.(isOpen), [isOpen]);
  useEffect(() => {
    if (!isOpen && back.current) button.current?.focus();
    back.current = false;
  }, [isOpen]);

  const open = () => {
    setOpen(true);
    // After it is drawn, in the same task: phones then show their keyboard.
    queueMicrotask(() => requestAnimationFrame(() => input.current?.focus()));
  };
  const close = () => {
    back.current = true;
    setOpen(false);
  };
  const submit = (event: Event) => {
    event.preventDefault();
    if (!title.trim()) return;
    add(title.trim());
    clear();
    input.current?.focus();
  };
  const press = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    close();
  };

  if (!isOpen)
    return (
      <button type="button" class="quiet inline-add" ref={button} aria-label={label} onClick={open}>
        <Icon name="plus" size={16} />
        {T.project.add}
      </button>
    );
  return (
    <form class="inline-add" onSubmit={submit}>
      <input
        ref={input}
        aria-label={label}
        placeholder={T.project.title}
        maxLength={LIMITS.title}
        autocomplete="off"
        enterkeyhint="enter"
        value={title}
        onInput={(event) => type(event.currentTarget.value)}
        onKeyDown={press}
        onBlur={(event) => !title.trim() && !event.currentTarget.form?.contains(event.relatedTarget as Node) && setOpen(false)}
      />
      <button type="submit" class="primary">
        {T.project.addOne}
      </button>
      <button type="button" class="quiet icon-button" aria-label={T.close} onClick={close}>
        <Icon name="close" size={16} />
      </button>
    </form>
  );
};
