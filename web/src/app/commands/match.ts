// How well a text fits what somebody typed, and the best of very many texts, found in short steps so that typing never waits. Pure.

/** How well one text fits: higher is better, 0 is not at all. Both are in lower case. */
export const fitOf = (query: string, text: string): number => {
  const at = text.indexOf(query);
  if (at >= 0) {
    const isWordStart = at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1]!);
    return 600 + (at === 0 ? 300 : isWordStart ? 200 : 0) - Math.min(at, 50) - Math.min(text.length - query.length, 100) / 2;
  }
  const words = query.split(" ").filter(Boolean);
  if (words.length > 1 && words.every((word) => text.includes(word))) return 500 - Math.min(text.length, 200) / 2;
  return lettersFit(query, text);
};

/** All letters in their order, not far from each other: `wtr` in `water`. */
const lettersFit = (query: string, text: string): number => {
  if (query.length < 2 || query.includes(" ")) return 0;
  const from = text.indexOf(query[0]!);
  let last = from;
  let gaps = 0;
  for (let i = 1; i < query.length && last >= 0; i++) {
    const at = text.indexOf(query[i]!, last + 1);
    if (at < 0) return 0;
    gaps += at - last - 1;
    last = at;
  }
  return last < 0 || gaps > 2 * query.length ? 0 : 200 - 10 * gaps - Math.min(from, 50);
};

/** Something that was found. */
export interface Found<T> {
  item: T;
  fit: number;
}

/** Keeps the best. */
export const best = <T>(most: number) => {
  let held: Found<T>[] = [];
  return {
    add(item: T, fit: number): void {
      if (fit <= 0 || (held.length === most && fit <= held[most - 1]!.fit)) return;
      held.push({ item, fit });
      held.sort((a, b) => b.fit - a.fit);
      held = held.slice(0, most);
    },
    all: (): readonly Found<T>[] => held,
  };
};

/** How often the clock is read. */
const STRIDE = 256;

/** Looks for the best of many for some milliseconds each time it is asked; says whether it is through. */
export const searchOf = <T>(items: Iterable<T>, textOf: (item: T) => string, query: string, most: number) => {
  const source = items[Symbol.iterator]();
  const found = best<T>(most);
  const wanted = query.toLowerCase();
  return {
    found: found.all,
    step(milliseconds: number, clock = () => performance.now()): boolean {
      const end = clock() + milliseconds;
      for (let n = 1; ; n++) {
        const next = source.next();
        if (next.done) return true;
        found.add(next.value, fitOf(wanted, textOf(next.value).toLowerCase()));
        if (n % STRIDE === 0 && clock() >= end) return false;
      }
    },
  };
};
