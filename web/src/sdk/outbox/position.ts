// Places in an order, as the server makes them: texts that are compared as they are, with always one between two others.
// Read one as a fraction in base 36. What a client predicts here is shown until the server's own place comes.

const BASE = 36;

/** The place after all that have an older id. */
export const atEnd = (id: string): string => `${id.replaceAll("-", "").slice(0, 24)}1`;

/** A place between two others; without the first from the beginning, without the second up to the end. */
export const between = (before = "", after = ""): string => {
  let made = "";
  let bounded = after > before;
  for (let i = 0; ; i++) {
    const low = parseInt(before[i] ?? "0", BASE);
    const high = bounded && i < after.length ? parseInt(after[i]!, BASE) : BASE;
    if (high - low > 1) return made + ((low + high) >> 1).toString(BASE);
    if (high > low && bounded && i + 1 < after.length) return made + after[i];
    made += low.toString(BASE);
    if (high > low) bounded = false;
  }
};

export interface Placed {
  id: string;
  position: string;
}

/** The order of places; ties by id. */
export const byPosition = (a: Placed, b: Placed): number =>
  a.position < b.position || (a.position === b.position && a.id < b.id) ? -1 : 1;

/** The nearest neighbour of a place on one side: after it for 1, before it for -1. */
export const neighbour = <P extends Placed>(
  of: Placed,
  side: 1 | -1,
  among: Iterable<P>,
  but?: string,
): P | undefined => {
  let nearest: P | undefined;
  for (const other of among)
    if (other.id !== but && other.id !== of.id && byPosition(other, of) === side)
      if (!nearest || byPosition(other, nearest) !== side) nearest = other;
  return nearest;
};

/** The place right before or right after an anchor, for the entity `id`. */
export const beside = (anchor: Placed, side: 1 | -1, among: Iterable<Placed>, id: string, now: string): string => {
  const other = neighbour(anchor, side, among, id);
  if (side < 0) return between(other?.position, anchor.position);
  if (other) return between(anchor.position, other.position);
  const end = atEnd(now);
  return end > anchor.position ? end : between(anchor.position);
};
