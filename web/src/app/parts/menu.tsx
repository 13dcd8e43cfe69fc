// A button that opens a list of choices (WAI-ARIA Authoring Practices, menu button): arrows move, Escape and a click elsewhere close.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

export interface Choice {
  label: string;
  run: () => void;
  icon?: ComponentChildren;
  /** For choices of which one or several hold. */
  checked?: boolean;
  bad?: boolean;
}

interface Props {
  /** What the button says to screen readers; its content when left out. */
  label?: string;
  children: ComponentChildren;
  choices: readonly Choice[];
  class?: string;
  disabled?: boolean;
}

export const Menu = ({ label, children, choices, class: kind = "quiet", disabled }: Props) => {
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLSpanElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();

  useEffect(() => {
    if (!isOpen) return;
    root.current?.querySelector<HTMLElement>("[role^=menuitem]")?.focus();
    const away = (event: Event) => root.current?.contains(event.target as Node) || setOpen(false);
    document.addEventListener("pointerdown", away);
    return () => document.removeEventListener("pointerdown", away);
  }, [isOpen]);

  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const move = (event: KeyboardEvent) => {
    const items = [...(root.current?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const steps: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
    const next = steps[event.key];
    if (event.key === "Escape" || event.key === "Tab") close();
    else if (next !== undefined) items.at(next % items.length)?.focus();
    else return;
    event.stopPropagation();
    if (event.key !== "Tab") event.preventDefault();
  };

  return (
    <span class="menu" ref={root}>
      <button
        type="button"
        ref={button}
        class={kind}
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        disabled={disabled}
        onClick={() => setOpen(!isOpen)}
      >
        {children}
      </button>
      {isOpen && (
        <span class="menu-list" role="menu" id={id} onKeyDown={move}>
          {choices.map((choice) => (
            <button
              type="button"
              key={choice.label}
              role={choice.checked === undefined ? "menuitem" : "menuitemcheckbox"}
              aria-checked={choice.checked}
              tabIndex={-1}
              class={choice.bad ? "bad" : ""}
              onClick={() => (close(), choice.run())}
            >
              {choice.icon}
              <span>{choice.label}</span>
              {choice.checked && <span class="menu-check">✓</span>}
            </button>
          ))}
        </span>
      )}
    </span>
  );
};
