// A name that is changed where it stands: Enter or leaving it saves, Escape takes it back. What others change meanwhile does not
// touch what is being typed.

import { useRef, useState } from "preact/hooks";

interface Props {
  label: string;
  value: string;
  save: (value: string) => void;
  maxLength: number;
  disabled?: boolean;
}

export const InlineText = ({ label, value, save, maxLength, disabled = false }: Props) => {
  const [typed, type] = useState<string>();
  const given = useRef(false);
  const commit = () => {
    const text = typed?.trim();
    if (text && text !== value && !given.current) save(text);
    type(undefined);
  };
  const press = (event: KeyboardEvent & { currentTarget: HTMLInputElement }) => {
    if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
    event.preventDefault();
    event.stopPropagation();
    given.current = event.key === "Escape";
    commit();
    given.current = false;
  };
  return (
    <input
      class="inline-text"
      aria-label={label}
      value={typed ?? value}
      maxLength={maxLength}
      disabled={disabled}
      autocomplete="off"
      onInput={(event) => type(event.currentTarget.value)}
      onBlur={commit}
      onKeyDown={press}
    />
  );
};
