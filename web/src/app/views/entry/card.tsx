// The frame of pages outside of the board: a card in the middle of the page.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { BASE } from "../../places.js";

export const Card = ({ title, wide, children }: { title: string; wide?: boolean; children: ComponentChildren }) => {
  const heading = useRef<HTMLHeadingElement>(null);
  // Another page: a screen reader begins at its heading, unless the page has put the focus somewhere.
  useEffect(() => {
    if (document.activeElement === document.body || !document.activeElement) heading.current?.focus();
  }, [title]);
  return (
    <main class="entry">
      <div class={wide ? "entry-card wide" : "entry-card"}>
        <p class="entry-brand">
          <img src={new URL("icon.svg", BASE).href} alt="" width={28} height={28} />
          <span class="brand">Taskwire</span>
        </p>
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {children}
      </div>
    </main>
  );
};
