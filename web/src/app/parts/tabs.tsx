// The parts of a view as links, of which one is shown. Where they do not all fit, the shown one is in sight.

import { useEffect, useRef } from "preact/hooks";

export interface Tab {
  label: string;
  href: string;
  current: boolean;
}

export const Tabs = ({ label, tabs }: { label: string; tabs: readonly Tab[] }) => {
  const nav = useRef<HTMLElement>(null);
  const shown = tabs.findIndex(({ current }) => current);
  useEffect(() => {
    nav.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [shown]);
  return (
    <nav class="tabs" aria-label={label} ref={nav}>
      {tabs.map(({ label, href, current }) => (
        <a key={href} href={href} aria-current={current ? "page" : undefined}>
          {label}
        </a>
      ))}
    </nav>
  );
};
