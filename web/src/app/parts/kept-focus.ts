// Keeps the focus where it was while entries (`data-key`) are drawn again: an entry that changes its place leaves the page for a
// moment, and with it the focus would go. What to do when the entry is gone, others know (lost-focus.ts).

import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";

/** The entry with this key. */
export const entry = (root: HTMLElement | null, key: string): HTMLElement | null =>
  root?.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`) ?? null;

/** What has the focus of an entry: its link, or what says so. */
export const focusEntry = (of: Element | null | undefined): boolean => {
  const link = of?.querySelector<HTMLElement>("a, [data-focus]");
  link?.focus({ preventScroll: true });
  return !!link;
};

export const useKeptFocus = (root: RefObject<HTMLElement | null>): void => {
  const active = document.activeElement;
  const isInside = active instanceof HTMLElement && active !== root.current && !!root.current?.contains(active);
  const key = isInside ? active.closest<HTMLElement>("[data-key]")?.dataset["key"] : undefined;
  useLayoutEffect(() => {
    if (!isInside || document.activeElement === active) return;
    if (active.isConnected) active.focus({ preventScroll: true });
    else if (key) focusEntry(entry(root.current, key));
  });
};
