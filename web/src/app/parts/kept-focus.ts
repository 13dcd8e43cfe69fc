// Keeps the focus where it was while entries (`data-key`) are drawn again: an entry that changes its place leaves the page for a
// moment, and with it the focus would go. Where the entry is gone, the next one has the focus.

import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";

const entryOf = (element: Element | null | undefined) => element?.closest<HTMLElement>("[data-key]") ?? undefined;

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
  const held = isInside ? entryOf(active) : undefined;
  const others = held ? [held.nextElementSibling, held.previousElementSibling] : [];
  useLayoutEffect(() => {
    if (!isInside || document.activeElement === active) return;
    if (active.isConnected) active.focus({ preventScroll: true });
    if (document.activeElement === active) return;
    const places = [held && entry(root.current, held.dataset["key"] ?? ""), ...others];
    if (!places.some((place) => place?.isConnected && focusEntry(place))) root.current?.focus({ preventScroll: true });
  });
};
