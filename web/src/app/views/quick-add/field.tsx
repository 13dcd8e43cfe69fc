// The line of quick add: what was understood is marked in it, names behind signs are completed, Backspace takes back what was
// understood. Knows what the line means, not what becomes of it.

import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../../parts/icons.js";
import { complete, completed, type Completion, type Named, type Signs } from "../../quick-add/complete.js";
import type { Part } from "../../quick-add/line.js";
import { T } from "../../texts.js";

interface Props {
  text: string;
  parts: readonly Part[];
  signs: Signs;
  error: string | undefined;
  change: (text: string) => void;
  takeBack: (part: Part) => void;
  /** `next`: whether another line follows. */
  send: (next: boolean) => void;
}

/** The line with what was understood in marks. */
const Marked = ({ text, parts }: Pick<Props, "text" | "parts">) => {
  const ranges = parts.flatMap(({ is, ranges }) => ranges.map((range) => ({ is, ...range })));
  const pieces = [];
  let at = 0;
  for (const { is, from, to } of ranges.sort((a, b) => a.from - b.from)) {
    pieces.push(text.slice(at, from), <mark class={`is-${is}`}>{text.slice(from, to)}</mark>);
    at = to;
  }
  return (
    <div class="quick-marks" aria-hidden="true">
      {pieces}
      {text.slice(at)}{" "}
    </div>
  );
};

const ICONS = { project: "list", tag: "tag", person: "user", priority: "flag" } as const;

const Suggestions = ({ id, options, active, choose }: { id: string; options: readonly Named[]; active: number; choose: (option: Named) => void }) => (
  <ul class="suggestions" role="listbox" id={id} aria-label={T.quickAdd.suggestions}>
    {options.map((option, i) => (
      <li
        key={option.is + option.name}
        id={`${id}-${i}`}
        role="option"
        aria-selected={i === active}
        onMouseDown={(event) => event.preventDefault()}
        onClick={() => choose(option)}
      >
        <Icon name={ICONS[option.is]} size={16} />
        <span class="nav-label">{option.label ?? option.name}</span>
        <span class="quiet-text">{option.is === "person" ? `@${option.name}` : T.quickAdd.kinds[option.is]}</span>
      </li>
    ))}
  </ul>
);

/** The part that ends at the caret, or one blank before it. */
const partBefore = (parts: readonly Part[], text: string, caret: number): Part | undefined =>
  parts.find(({ ranges }) => ranges.some(({ to }) => to === caret || (to === caret - 1 && /\s/.test(text[to] ?? ""))));

export const Field = ({ text, parts, signs, error, change, takeBack, send }: Props) => {
  const element = useRef<HTMLTextAreaElement>(null);
  const [caret, setCaret] = useState(text.length);
  const [active, setActive] = useState(0);
  const [dismissed, dismiss] = useState<string>();
  const caretWanted = useRef<number | undefined>(undefined);
  const id = useId();

  const found = complete(text, caret, signs);
  const open: Completion | undefined = found && dismissed !== text.slice(found.from, found.to) ? found : undefined;
  const place = open ? Math.min(active, open.options.length - 1) : 0;

  useLayoutEffect(() => {
    if (caretWanted.current === undefined) return;
    element.current?.setSelectionRange(caretWanted.current, caretWanted.current);
    setCaret(caretWanted.current);
    caretWanted.current = undefined;
  });
  useLayoutEffect(() => element.current?.setSelectionRange(text.length, text.length), []);

  const follow = () => setCaret(element.current?.selectionEnd ?? 0);
  const choose = (option: Named) => {
    const { line, caret } = completed(text, open!, option, signs);
    caretWanted.current = caret;
    setActive(0);
    change(line);
  };
  const type = () => {
    follow();
    setActive(0);
    change(element.current!.value.replace(/\s*\n\s*/g, " "));
  };

  /** Keys that choose a suggestion. Whether it was one. */
  const pressInSuggestions = (event: KeyboardEvent): boolean => {
    if (!open) return false;
    const { length } = open.options;
    if (event.key === "ArrowDown") setActive((place + 1) % length);
    else if (event.key === "ArrowUp") setActive((place - 1 + length) % length);
    else if (event.key === "Escape") dismiss(text.slice(open.from, open.to));
    else if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || (event.key === "Tab" && !event.shiftKey)) choose(open.options[place]!);
    else return false;
    return true;
  };
  const press = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    const { selectionStart, selectionEnd } = element.current!;
    const before = selectionStart === selectionEnd && !open ? partBefore(parts, text, selectionEnd) : undefined;
    if (pressInSuggestions(event)) event.preventDefault();
    else if (event.key === "Enter") {
      event.preventDefault();
      send(event.ctrlKey || event.metaKey);
    } else if (event.key === "Backspace" && before && !event.ctrlKey && !event.altKey && !event.metaKey) {
      event.preventDefault();
      takeBack(before);
    }
  };

  return (
    <div class="quick-field">
      <label class="sr-only" for={`${id}-line`}>
        {T.quickAdd.what}
      </label>
      <div class="quick-line">
        <Marked text={text} parts={parts} />
        <textarea
          id={`${id}-line`}
          ref={element}
          rows={1}
          autofocus
          autocomplete="off"
          spellcheck={false}
          enterkeyhint="done"
          placeholder={T.quickAdd.placeholder}
          value={text}
          aria-autocomplete="list"
          aria-controls={open ? `${id}-list` : undefined}
          aria-activedescendant={open ? `${id}-list-${place}` : undefined}
          aria-invalid={error ? true : undefined}
          aria-describedby={error ? `${id}-error` : undefined}
          onInput={type}
          onKeyDown={press}
          onKeyUp={follow}
          onClick={follow}
        />
      </div>
      {open && <Suggestions id={`${id}-list`} options={open.options} active={place} choose={choose} />}
      <span class="sr-only" role="status">
        {open ? T.quickAdd.suggested(open.options.length) : ""}
      </span>
      {error && (
        <p class="field-error" id={`${id}-error`} role="alert">
          {error}
        </p>
      )}
    </div>
  );
};
