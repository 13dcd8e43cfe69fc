// Adds tasks one after the other in a line: Enter adds and goes on, Escape closes. What is typed outlasts closing and a reload.

import { useEffect, useRef, useState } from "preact/hooks";
import { keep, recall } from "../kept.js";
import { T } from "../texts.js";
import { Icon } from "./icons.js";

/** Titles are not longer. */
const LONGEST = 200;

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
  const key = `add ${name}`;
  const [title, setTitle] = useState(() => recall(key) ?? "");
  const [isOpen, setOpen] = useState(title !== "");
  const input = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const back = useRef(false);

  useEffect(() => opened?.(isOpen), [isOpen]);
  useEffect(() => {
    if (!isOpen && back.current) button.current?.focus();
    back.current = false;
  }, [isOpen]);

  const type = (text: string) => {
    setTitle(text);
    keep(key, text);
  };
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
    type("");
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
        maxLength={LONGEST}
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
