// Where the focus goes when a task is opened and closed. Owns what opened the panel.

import { useEffect } from "preact/hooks";
import { place } from "../../places.js";
import { TITLE } from "./title.js";

/** What had the focus when the panel was opened, and whether one task follows another in it. */
let opener: HTMLElement | undefined;
let follows = false;

const rowOf = (task: string): HTMLElement | null =>
  document.querySelector<HTMLElement>(`[data-task="${CSS.escape(task)}"] a`);

/** Puts the focus on the title of a task that the person opened, and back when it is closed. A page that is loaded keeps its own. */
export const useFocus = (task: string, isThere: boolean): void => {
  useEffect(() => {
    if (!isThere) return;
    const active = document.activeElement;
    const isInside = !!active?.closest(".panel");
    const isOpened = active instanceof HTMLElement && active !== document.body && !isInside;
    if (isOpened) opener = active;
    if (isOpened || follows) document.getElementById(TITLE)?.focus();
    follows = false;
  }, [isThere]);
  useEffect(
    () => () => {
      const active = document.activeElement;
      const isInside = !active || active === document.body || !!active.closest(".panel");
      const next = place.peek().task;
      follows = !!next && next !== task && isInside;
      if (next || !isInside) return;
      const back = opener?.isConnected ? opener : rowOf(task);
      opener = undefined;
      (back ?? document.getElementById("main"))?.focus();
    },
    [],
  );
};
