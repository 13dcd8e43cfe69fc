// A field of several lines in which `@` and the begin of a name list the members to mention.

import { useRef, useState } from "preact/hooks";
import { Options, useOptions, type Option } from "../../parts/completion.js";
import { matching, PersonOption, useMembers } from "./people.js";

const MOST = 6;

/** The `@…` before the place where the person writes. */
const mentionAt = (text: string, caret: number): { from: number; sought: string } | undefined => {
  const found = /(?:^|[\s(])@([\p{L}\p{N}_.-]{0,32})$/u.exec(text.slice(0, caret));
  return found ? { from: caret - found[1]!.length, sought: found[1]! } : undefined;
};

interface Props {
  label: string;
  value: string;
  set: (text: string) => void;
  /** Ctrl-Enter, and Enter with the meta key. */
  submit: () => void;
  cancel?: () => void;
  maxLength: number;
  placeholder?: string;
  focus?: boolean;
}

export const MentionArea = ({ label, value, set, submit, cancel, maxLength, placeholder, focus }: Props) => {
  const members = useMembers();
  const area = useRef<HTMLTextAreaElement | null>(null);
  const [caret, setCaret] = useState<number>();
  const mention = caret === undefined ? undefined : mentionAt(value, caret);
  const take = (username: string, from: number, to: number) => {
    set(`${value.slice(0, from)}${username} ${value.slice(to)}`);
    setCaret(undefined);
    const at = from + username.length + 1;
    requestAnimationFrame(() => area.current?.setSelectionRange(at, at));
  };
  const options: Option[] = !mention
    ? []
    : matching(members, mention.sought)
        .slice(0, MOST)
        .map((user) => ({
          key: user.id,
          content: <PersonOption user={user} />,
          run: () => take(user.username, mention.from, caret!),
        }));
  const isOpen = options.length > 0;
  const list = useOptions(options, isOpen, () => setCaret(undefined));
  const keys = (event: KeyboardEvent) => {
    if (list.keys(event) || event.isComposing) return;
    const isSent = event.key === "Enter" && (event.ctrlKey || event.metaKey);
    if (isSent) submit();
    else if (event.key === "Escape" && cancel) cancel();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <span class="completion">
      <textarea
        ref={(element) => {
          if (element && !area.current && focus) element.focus();
          area.current = element;
        }}
        aria-label={label}
        {...list.about}
        rows={2}
        maxLength={maxLength}
        placeholder={placeholder}
        value={value}
        onInput={({ currentTarget }) => {
          set(currentTarget.value);
          setCaret(currentTarget.selectionStart);
          list.reset();
        }}
        onBlur={() => setCaret(undefined)}
        onClick={() => setCaret(undefined)}
        onKeyDown={keys}
      />
      {isOpen && <Options id={list.id} label={label} options={options} active={list.active} />}
    </span>
  );
};
