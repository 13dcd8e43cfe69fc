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
  for (const element of [ghost, ...ghost.querySelectorAll("*")])
    for (const name of ["id", "data-key", "data-task"]) element.removeAttribute(name);
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

interface Point {
  x: number;
  y: number;
}

/** A drag that goes on: the picture, scrolling, what is under the pointer. `lost` is told when there is nothing to drag any more. */
const carry = (item: HTMLElement, root: HTMLElement, pointer: number, from: Point, begin: () => Dragging, lost: () => void) => {
  const ghost = ghostOf(item);
  const drag = begin();
  let at = from;
  let frame = 0;
  const step = () => {
    ghost.move(at.x - from.x, at.y - from.y);
    scrollAtEdges(drag.scrollers(at.x, at.y), at.x, at.y);
    if (root.isConnected && drag.over(at.x, at.y)) frame = requestAnimationFrame(step);
    else lost();
  };
  document.documentElement.classList.add("dragging");
  root.setPointerCapture(pointer);
  getSelection()?.removeAllRanges();
  frame = requestAnimationFrame(step);
  return {
    to: (point: Point) => void (at = point),
    end(how: "drop" | "cancel") {
      cancelAnimationFrame(frame);
      if (how === "drop") drag.over(at.x, at.y);
      ghost.remove();
      document.documentElement.classList.remove("dragging");
      if (root.hasPointerCapture(pointer)) root.releasePointerCapture(pointer);
      swallowClick();
      drag[how]();
    },
  };
};

/**
 * Follows a press on `item` until it is let go. `begin` is called when it becomes a drag. `root` stays in the page meanwhile,
 * whatever is drawn in it.
 */
export const watchDrag = (down: PointerEvent, item: HTMLElement, root: HTMLElement, begin: () => Dragging): void => {
  if (down.button || !down.isPrimary) return;
  const isTouch = down.pointerType !== "mouse";
  const from = { x: down.clientX, y: down.clientY };
  const ends = new AbortController();
  const { signal } = ends;
  let carried: ReturnType<typeof carry> | undefined;

  const end = (how: "drop" | "cancel") => {
    ends.abort();
    clearTimeout(pressing);
    carried?.end(how);
  };
  const start = () => {
    carried = carry(item, root, down.pointerId, from, begin, () => end("cancel"));
  };
  const pressing = isTouch ? setTimeout(start, LONG_PRESS) : undefined;
  const mine = (run: (event: PointerEvent) => void) => (event: PointerEvent) => event.pointerId === down.pointerId && run(event);
  const move = ({ clientX: x, clientY: y }: PointerEvent) => {
    const distance = Math.hypot(x - from.x, y - from.y);
    if (!carried && isTouch && distance > SLACK) end("cancel");
    else if (!carried && !isTouch && distance > STARTS_AFTER) start();
    carried?.to({ x, y });
  };
  const press = (event: KeyboardEvent) => {
    if (!carried || event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    end("cancel");
    // The button is still down.
    addEventListener("pointerup", swallowClick, { once: true });
  };

  addEventListener("pointermove", mine(move), { signal });
  addEventListener("pointerup", mine((event) => (move(event), end("drop"))), { signal });
  addEventListener("pointercancel", mine(() => end("cancel")), { signal });
  addEventListener("keydown", press, { signal, capture: true });
  // A finger that drags does not scroll, and a long press opens no menu.
  item.addEventListener("touchmove", (event) => carried && event.preventDefault(), { signal, passive: false });
  addEventListener("contextmenu", (event) => isTouch && event.preventDefault(), { signal });
  addEventListener("dragstart", (event) => event.preventDefault(), { signal });
};
