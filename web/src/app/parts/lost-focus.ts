// Where the focus goes when what has it leaves the page: to the same task elsewhere, else to what took its place, else to the
// whole. Moves nothing while something has the focus.

import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

const ROW = "[data-task], [data-key]";

interface Held {
  element: HTMLElement;
  /** The task of the row in which it was, and the row's place among all. */
  task: string | undefined;
  index: number;
  /** What it was in its row, and which of these: the same thing is looked for in another one. */
  what: string;
  nth: number;
}

const hold = (root: HTMLElement, element: HTMLElement): Held => {
  const row = element.closest<HTMLElement>(ROW);
  const rows = [...root.querySelectorAll<HTMLElement>(ROW)];
  const what = element.localName;
  const nth = row ? [...row.querySelectorAll(what)].indexOf(element) : 0;
  return { element, task: row?.dataset["task"], index: row ? rows.indexOf(row) : -1, what, nth };
};

const into = (row: HTMLElement | undefined, { what, nth }: Held): boolean => {
  const inside = row?.querySelectorAll<HTMLElement>(what)[nth] ?? row?.querySelector<HTMLElement>("a, button:not([disabled])");
  const target = row?.matches("a, button") ? row : inside;
  target?.focus();
  return !!target;
};

const restore = (root: HTMLElement, held: Held): void => {
  const { task, index } = held;
  const rows = [...root.querySelectorAll<HTMLElement>(ROW)];
  if (task && into(rows.find((row) => row.dataset["task"] === task), held)) return;
  if (index >= 0 && into(rows[Math.min(index, rows.length - 1)], held)) return;
  root.focus({ preventScroll: true });
};

/** Keeps the focus in an element that may itself be focused. */
export const useLostFocus = (ref: RefObject<HTMLElement | null>): void => {
  useEffect(() => {
    const root = ref.current!;
    let held: Held | undefined;
    const take = ({ target }: FocusEvent) => (held = target === root ? undefined : hold(root, target as HTMLElement));
    const leave = ({ relatedTarget }: FocusEvent) => {
      if (relatedTarget && !root.contains(relatedTarget as Node)) held = undefined;
    };
    const check = () => {
      if (!held || held.element.isConnected) return;
      const lost = held;
      held = undefined;
      if (!document.activeElement || document.activeElement === document.body) restore(root, lost);
    };
    const changes = new MutationObserver(check);
    changes.observe(root, { childList: true, subtree: true });
    root.addEventListener("focusin", take);
    root.addEventListener("focusout", leave);
    return () => {
      changes.disconnect();
      root.removeEventListener("focusin", take);
      root.removeEventListener("focusout", leave);
    };
  }, [ref]);
};
