// A line of text with a list of what it may mean (WAI-ARIA Authoring Practices, combobox with a listbox): arrows choose, Enter
// takes, Escape closes. Knows no task; what is found is the caller's.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useState } from "preact/hooks";

export interface Option {
  key: string;
  /** What is shown, and read. */
  content: ComponentChildren;
  run: () => void;
}

/** The list below a field. The focus stays in the field. */
export const Options = ({ id, label, options, active }: { id: string; label: string; options: readonly Option[]; active: number }) => {
  useEffect(() => {
    document.getElementById(`${id}-${active}`)?.scrollIntoView({ block: "nearest" });
  }, [id, active]);
  return (
    <ul class="options" role="listbox" id={id} aria-label={label}>
      {options.map(({ key, content, run }, i) => (
        <li
          key={key}
          id={`${id}-${i}`}
          role="option"
          aria-selected={i === active}
          onPointerDown={(event) => event.preventDefault()}
          onClick={run}
        >
          {content}
        </li>
      ))}
    </ul>
  );
};

/** Which option is the active one, and the keys that change it. `keys` says whether it took the key. */
export const useOptions = (options: readonly Option[], isOpen: boolean, close: () => void) => {
  const id = useId();
  const [at, set] = useState(0);
  const active = Math.min(at, options.length - 1);
  const keys = (event: KeyboardEvent): boolean => {
    if (!isOpen || event.isComposing) return false;
    if (event.key === "ArrowDown") set((active + 1) % Math.max(1, options.length));
    else if (event.key === "ArrowUp") set((active - 1 + options.length) % Math.max(1, options.length));
    else if (event.key === "Enter" && options[active]) options[active].run();
    else if (event.key === "Escape") close();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
  return {
    id,
    active,
    keys,
    reset: () => set(0),
    /** What the field says of its list. */
    about: {
      "aria-autocomplete": "list",
      "aria-controls": isOpen ? id : undefined,
      "aria-activedescendant": isOpen && options.length ? `${id}-${active}` : undefined,
    } as const,
  };
};

interface Props {
  label: string;
  placeholder?: string;
  /** What a text may mean, the likeliest first. */
  find: (text: string) => Option[];
  /** Said when nothing is found. */
  none: string;
  disabled?: boolean;
  maxLength?: number;
}

export const Combobox = ({ label, placeholder, find, none, disabled, maxLength }: Props) => {
  const [text, setText] = useState("");
  const [isOpen, setOpen] = useState(false);
  const done = (run: () => void) => () => {
    run();
    setText("");
    setOpen(false);
  };
  const options = isOpen ? find(text.trim()).map((option) => ({ ...option, run: done(option.run) })) : [];
  const list = useOptions(options, isOpen, () => setOpen(false));
  const open = () => {
    list.reset();
    setOpen(true);
  };
  return (
    <span class="completion">
      <input
        type="text"
        role="combobox"
        aria-label={label}
        aria-expanded={isOpen}
        {...list.about}
        autocomplete="off"
        placeholder={placeholder ?? label}
        value={text}
        disabled={disabled}
        maxLength={maxLength}
        onInput={(event) => (setText(event.currentTarget.value), open())}
        onClick={open}
        onBlur={() => setOpen(false)}
        onKeyDown={(event) => {
          if (list.keys(event)) return;
          if (event.key === "ArrowDown") {
            open();
            event.preventDefault();
          }
        }}
      />
      {isOpen && options.length > 0 && <Options id={list.id} label={label} options={options} active={list.active} />}
      {isOpen && !options.length && text.trim() && (
        <span class="options none" role="status">
          {none}
        </span>
      )}
    </span>
  );
};
