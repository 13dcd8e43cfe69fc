// Dragging by pointer: when a press becomes a drag (at once with a mouse, after a while with a finger, which else scrolls), the
// picture that follows the pointer, scrolling at edges, Escape. Does not know what is dragged, nor where it may go.

/** What one drag does. */
export interface Dragging {
  /** The pointer is here: asked again and again, as what is under it may change. `false` ends the drag. */
  over(x: number, y: number): boolean;
  drop(): void;
  cancel(): void;
  /** What scrolls when the pointer is near its edge. */
  scrollers(x: number, y: number): Iterable<Element>;
}

const STARTS_AFTER = 5;
const LONG_PRESS = 350;
const SLACK = 8;
const EDGE = 56;
const FASTEST = 18;

/** How fast to scroll at a distance from the two ends. */
const pull = (at: number, from: number, to: number): number => {
  const edge = Math.min(EDGE, (to - from) / 4);
  const depth = at < from + edge ? (at - from - edge) / edge : at > to - edge ? (at - to + edge) / edge : 0;
  return Math.max(-1, Math.min(1, depth)) * FASTEST;
};

const scrollAtEdges = (elements: Iterable<Element>, x: number, y: number): void => {
  for (const element of elements) {
    const { left, right, top, bottom } = element.getBoundingClientRect();
    const across = element.scrollWidth > element.clientWidth ? pull(x, left, right) : 0;
    const down = element.scrollHeight > element.clientHeight ? pull(y, top, bottom) : 0;
    if (across || down) element.scrollBy({ left: across, top: down, behavior: "instant" });
  }
};

/** The picture of what is dragged. */
const ghostOf = (item: HTMLElement): { move(x: number, y: number): void; remove(): void } => {
  const { left, top, width, height } = item.getBoundingClientRect();
  const ghost = item.cloneNode(true) as HTMLElement;
  ghost.classList.add("ghost");
  ghost.inert = true;
  ghost.setAttribute("aria-hidden", "true");
  for (const name of ["data-key", "id"]) ghost.removeAttribute(name);
  Object.assign(ghost.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px`, transform: "" });
  document.body.append(ghost);
  return { move: (x, y) => void (ghost.style.translate = `${x}px ${y}px`), remove: () => ghost.remove() };
};

/** A drag has ended in a click, which is not meant. */
const swallowClick = (): void => {
  const swallow = (event: Event) => (event.preventDefault(), event.stopPropagation());
  addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => removeEventListener("click", swallow, { capture: true }));
};

/**
 * Follows a press on `item` until it is let go. `begin` is called when it becomes a drag. `root` stays in the page meanwhile,
 * whatever is drawn in it.
 */
export const watchDrag = (down: PointerEvent, item: HTMLElement, root: HTMLElement, begin: () => Dragging): void => {
  if (down.button || !down.isPrimary) return;
  const isTouch = down.pointerType !== "mouse";
  let at = { x: down.clientX, y: down.clientY };
  const from = at;
  let drag: Dragging | undefined;
  let ghost: ReturnType<typeof ghostOf> | undefined;
  let frame = 0;
  const ends = new AbortController();

  const end = (how: "drop" | "cancel") => {
    ends.abort();
    clearTimeout(pressing);
    cancelAnimationFrame(frame);
    ghost?.remove();
    if (!drag) return;
    document.documentElement.classList.remove("dragging");
    if (root.hasPointerCapture(down.pointerId)) root.releasePointerCapture(down.pointerId);
    swallowClick();
    drag[how]();
  };

  const step = () => {
    ghost!.move(at.x - from.x, at.y - from.y);
    scrollAtEdges(drag!.scrollers(at.x, at.y), at.x, at.y);
    if (drag!.over(at.x, at.y)) frame = requestAnimationFrame(step);
    else end("cancel");
  };

  const start = () => {
    ghost = ghostOf(item);
    drag = begin();
    document.documentElement.classList.add("dragging");
    root.setPointerCapture(down.pointerId);
    getSelection()?.removeAllRanges();
    step();
  };

  const move = (event: PointerEvent) => {
    if (event.pointerId !== down.pointerId) return;
    at = { x: event.clientX, y: event.clientY };
    const distance = Math.hypot(at.x - from.x, at.y - from.y);
    if (drag) return;
    if (isTouch && distance > SLACK) end("cancel");
    else if (!isTouch && distance > STARTS_AFTER) start();
  };
  const up = (event: PointerEvent) => {
    if (event.pointerId !== down.pointerId) return;
    at = { x: event.clientX, y: event.clientY };
    if (drag) drag.over(at.x, at.y);
    end("drop");
  };
  const press = (event: KeyboardEvent) => {
    if (!drag || event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    end("cancel");
  };
  const pressing = isTouch ? setTimeout(start, LONG_PRESS) : undefined;
  const { signal } = ends;
  addEventListener("pointermove", move, { signal });
  addEventListener("pointerup", up, { signal });
  addEventListener("pointercancel", (event) => event.pointerId === down.pointerId && end("cancel"), { signal });
  addEventListener("keydown", press, { signal, capture: true });
  // A finger that drags does not scroll, and a long press opens no menu.
  item.addEventListener("touchmove", (event) => drag && event.preventDefault(), { signal, passive: false });
  addEventListener("contextmenu", (event) => isTouch && event.preventDefault(), { signal });
  addEventListener("dragstart", (event) => event.preventDefault(), { signal });
};
