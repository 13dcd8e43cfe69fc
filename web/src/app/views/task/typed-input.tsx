// An input of a date or a time. What is chosen is saved at once; what is typed when the person leaves it, because a date that is
// half typed is a date too. What others change does not touch what is being typed.

import { useRef, useState } from "preact/hooks";

interface Props {
  type: "date" | "time";
  label: string;
  value: string;
  save: (value: string) => void;
  disabled?: boolean;
  id?: string;
}

export const TypedInput = ({ type, label, value, save, disabled, id }: Props) => {
  const [draft, set] = useState<string>();
  const typed = useRef(false);
  const end = (input: HTMLInputElement, isTaken: boolean) => {
    typed.current = false;
    const text = input.value;
    // A date of which a part is missing is none, and no reason to take away the one that is there.
    const isWhole = !input.validity.badInput && input.validity.valid;
    set(undefined);
    if (isTaken && isWhole && text !== value) save(text);
    else if (input.value !== value) input.value = value;
  };
  return (
    <input
      type={type}
      id={id}
      aria-label={label}
      disabled={disabled}
      min={type === "date" ? "1970-01-01" : undefined}
      max={type === "date" ? "9999-12-31" : undefined}
      value={draft ?? value}
      onInput={(event) => set(event.currentTarget.value)}
      onChange={(event) => typed.current || end(event.currentTarget, true)}
      onBlur={(event) => end(event.currentTarget, true)}
      onKeyDown={(event) => {
        if (event.key === "Enter") end(event.currentTarget, true);
        else if (event.key === "Escape") end(event.currentTarget, false);
        else if (event.key !== "Tab") typed.current = true;
      }}
    />
  );
};
