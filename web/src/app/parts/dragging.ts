// Dragging tasks to a day with mouse, pen or finger, and moving them by keys. A day is whatever has `data-day`, a task whatever has
// `data-task`. Says what was asked for; changes no task.

import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { watchDrag } from "./drag.js";

/** Carries drags in an element out. Returns what ends it. */
const listen = (root: HTMLElement, drop: (task: string, day: string) => void): (() => void) => {
  const down = (event: PointerEvent) => {
    const target = event.target as Element;
    const task = target.closest<HTMLElement>("[data-task]");
    if (!task || target.closest("button, input")) return;
    watchDrag(event, task, root, () => {
      let over: HTMLElement | undefined;
      const hover = (day: HTMLElement | undefined) => {
        if (day === over) return;
        over?.classList.remove("drop-here");
        day?.classList.add("drop-here");
        over = day;
      };
      const end = () => {
        hover(undefined);
        task.classList.remove("dragged");
      };
      task.classList.add("dragged");
      return {
        over(x, y) {
          const day = document.elementFromPoint(x, y)?.closest<HTMLElement>("[data-day]") ?? undefined;
          hover(day && root.contains(day) ? day : undefined);
          return true;
        },
        drop() {
          const day = over?.dataset["day"];
          end();
          if (day) drop(task.dataset["task"]!, day);
        },
        cancel: end,
        scrollers: () => [root.closest("main") ?? document.documentElement],
      };
    });
  };
  root.addEventListener("pointerdown", down);
  return () => root.removeEventListener("pointerdown", down);
};

/** Lets tasks in an element be dragged to its days. */
export const useDragging = (ref: RefObject<HTMLElement | null>, drop: (task: string, day: string) => void): void => {
  const current = useRef(drop);
  current.current = drop;
  useEffect(() => listen(ref.current!, (task, day) => current.current(task, day)), [ref]);
};

const STEPS: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };

/** The task that a key moves, and by how many days. */
export const keyMove = (event: KeyboardEvent): { task: string; days: number } | undefined => {
  const days = event.shiftKey && !event.ctrlKey && !event.altKey && !event.metaKey ? STEPS[event.key] : undefined;
  const target = event.target as HTMLElement;
  const task = /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) ? undefined : target.closest<HTMLElement>("[data-task]")?.dataset["task"];
  if (!days || !task) return undefined;
  event.preventDefault();
  return { task, days };
};
