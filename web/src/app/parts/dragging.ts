// Dragging tasks to a day with mouse, pen or finger, and moving them by keys. A day is whatever has `data-day`, a task whatever has
// `data-task`. Says what was asked for; changes no task.

import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** So far a pointer moves before it drags. */
const SLOP = 6;
/** So long a finger rests on a task before it drags: sooner it scrolls. */
const LONG = 350;
/** So near the edge of what scrolls, dragging scrolls. */
const EDGE = 48;

interface Drag {
  task: HTMLElement;
  pointer: number;
  from: { x: number; y: number };
  ghost: HTMLElement | undefined;
  over: HTMLElement | undefined;
  timer: ReturnType<typeof setTimeout> | undefined;
}

const ghostOf = (task: HTMLElement): HTMLElement => {
  const ghost = task.cloneNode(true) as HTMLElement;
  for (const element of [ghost, ...ghost.querySelectorAll<HTMLElement>("*")])
    for (const name of ["id", "data-task", "data-key"]) element.removeAttribute(name);
  ghost.inert = true;
  ghost.ariaHidden = "true";
  ghost.classList.add("drag-ghost");
  ghost.style.width = `${task.offsetWidth}px`;
  document.body.append(ghost);
  return ghost;
};

const scroll = (root: HTMLElement, y: number): void => {
  const scroller = root.closest("main");
  if (!scroller) return;
  const { top, bottom } = scroller.getBoundingClientRect();
  if (y < top + EDGE) scroller.scrollBy(0, -EDGE / 4);
  else if (y > bottom - EDGE) scroller.scrollBy(0, EDGE / 4);
};

/** Carries drags in an element out. Returns what ends it. */
const listen = (root: HTMLElement, drop: (task: string, day: string) => void): (() => void) => {
  let drag: Drag | undefined;

  const hover = (day: HTMLElement | undefined) => {
    if (!drag || drag.over === day) return;
    drag.over?.classList.remove("drop-here");
    day?.classList.add("drop-here");
    drag.over = day;
  };
  const end = () => {
    if (!drag) return;
    clearTimeout(drag.timer);
    hover(undefined);
    drag.ghost?.remove();
    drag.task.classList.remove("dragged");
    drag = undefined;
    // A click that does not come must not cost the next one.
    setTimeout(() => removeEventListener("click", swallow, { capture: true }));
  };
  const lift = () => {
    if (!drag || drag.ghost) return;
    drag.ghost = ghostOf(drag.task);
    drag.task.classList.add("dragged");
    // The click that follows a drag opens nothing.
    addEventListener("click", swallow, { capture: true, once: true });
  };
  const swallow = (event: Event) => (event.preventDefault(), event.stopPropagation());

  const down = (event: PointerEvent) => {
    const task = (event.target as Element).closest<HTMLElement>("[data-task]");
    if (event.button || !task || (event.target as Element).closest("button, input")) return;
    end();
    drag = { task, pointer: event.pointerId, from: { x: event.clientX, y: event.clientY }, ghost: undefined, over: undefined, timer: undefined };
    if (event.pointerType === "touch") drag.timer = setTimeout(lift, LONG);
  };
  const move = (event: PointerEvent) => {
    if (!drag || event.pointerId !== drag.pointer) return;
    const { clientX: x, clientY: y } = event;
    if (!drag.ghost) {
      if (Math.hypot(x - drag.from.x, y - drag.from.y) < SLOP) return;
      if (event.pointerType === "touch") return end();
      lift();
    }
    drag.ghost!.style.transform = `translate(${x + 8}px, ${y + 8}px)`;
    const day = document.elementFromPoint(x, y)?.closest<HTMLElement>("[data-day]") ?? undefined;
    hover(day && root.contains(day) ? day : undefined);
    scroll(root, y);
  };
  const up = (event: PointerEvent) => {
    if (!drag || event.pointerId !== drag.pointer) return;
    const { task, over, ghost } = drag;
    end();
    if (ghost && over) drop(task.dataset["task"]!, over.dataset["day"]!);
  };
  const key = (event: KeyboardEvent) => {
    if (!drag?.ghost || event.key !== "Escape") return;
    event.stopPropagation();
    end();
  };
  /** While a finger drags, the page stays. */
  const still = (event: Event) => drag?.ghost && event.preventDefault();

  root.addEventListener("pointerdown", down);
  root.addEventListener("dragstart", swallow);
  root.addEventListener("touchmove", still, { passive: false });
  root.addEventListener("contextmenu", still);
  addEventListener("pointermove", move);
  addEventListener("pointerup", up);
  addEventListener("pointercancel", end);
  addEventListener("keydown", key, { capture: true });
  return () => {
    end();
    root.removeEventListener("pointerdown", down);
    root.removeEventListener("dragstart", swallow);
    root.removeEventListener("touchmove", still);
    root.removeEventListener("contextmenu", still);
    removeEventListener("pointermove", move);
    removeEventListener("pointerup", up);
    removeEventListener("pointercancel", end);
    removeEventListener("keydown", key, { capture: true });
  };
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
