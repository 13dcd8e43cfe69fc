// A list of which only what is seen is in the page: 100,000 rows scroll like 100. All rows have the same height; the list scrolls
// with the nearest element that scrolls. Keeps the row that has the focus in the page, and the focus in it. Knows no task.

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { useKeptFocus } from "./kept-focus.js";

interface Props<T> {
  items: readonly T[];
  /** In pixels. */
  rowHeight: number;
  keyOf: (item: T) => string;
  children: (item: T, index: number) => ComponentChildren;
  label: string;
  /** The key of a row that is in the page wherever it is, so that it can be gone to. */
  kept?: string | undefined;
}

const MARGIN = 12;

const scrollerOf = (element: HTMLElement): HTMLElement => {
  for (let at = element.parentElement; at; at = at.parentElement)
    if (/auto|scroll/.test(getComputedStyle(at).overflowY)) return at;
  return document.documentElement;
};

export const VirtualList = <T,>({ items, rowHeight, keyOf, children, label, kept }: Props<T>) => {
  const root = useRef<HTMLUListElement>(null);
  const [seen, setSeen] = useState({ from: 0, to: 40 });
  const [focused, setFocused] = useState<string>();

  useLayoutEffect(() => {
    const list = root.current!;
    const scroller = scrollerOf(list);
    const measure = () => {
      const top = scroller.getBoundingClientRect().top - list.getBoundingClientRect().top;
      const from = Math.max(0, Math.floor(top / rowHeight) - MARGIN);
      const to = Math.max(from, Math.ceil((top + scroller.clientHeight) / rowHeight) + MARGIN);
      setSeen((held) => (held.from === from && held.to === to ? held : { from, to }));
    };
    measure();
    const target = scroller === document.documentElement ? document : scroller;
    target.addEventListener("scroll", measure, { passive: true });
    const resized = new ResizeObserver(measure);
    resized.observe(scroller);
    // What stands above the list may grow.
    for (const content of scroller.children) resized.observe(content);
    return () => {
      target.removeEventListener("scroll", measure);
      resized.disconnect();
    };
  }, [rowHeight, items.length]);

  const rows: [T, number][] = items.slice(seen.from, seen.to).map((item, i) => [item, seen.from + i]);
  for (const key of new Set([focused, kept])) {
    const held = key === undefined ? -1 : items.findIndex((item) => keyOf(item) === key);
    if (held >= 0 && (held < seen.from || held >= seen.to)) rows.push([items[held]!, held]);
  }
  useKeptFocus(root);
  return (
    <ul
      class="virtual-list"
      ref={root}
      tabIndex={-1}
      aria-label={label}
      style={{ height: `${items.length * rowHeight}px` }}
      onFocusIn={(event) => setFocused((event.target as Element).closest<HTMLElement>("[data-key]")?.dataset["key"])}
    >
      {rows.map(([item, i]) => (
        <li
          key={keyOf(item)}
          data-key={keyOf(item)}
          aria-setsize={items.length}
          aria-posinset={i + 1}
          style={{ transform: `translateY(${i * rowHeight}px)`, height: `${rowHeight}px` }}
        >
          {children(item, i)}
        </li>
      ))}
    </ul>
  );
};
