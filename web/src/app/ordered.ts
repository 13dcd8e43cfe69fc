// Entities of a table that pass a test, in an order, kept up to date: a change of one of 100,000 costs one pass without
// comparisons, not another sort. The array stays the same object as long as nothing in it changed. Knows no entity.

import type { Table } from "../sdk/index.js";

type Bucket<V> = ReadonlyMap<string, V>;
const EMPTY: Bucket<never> = new Map<string, never>();

/** Merges two sorted arrays, without what is gone from the first. */
const merge = <V>(held: readonly V[], gone: ReadonlySet<V>, come: readonly V[], compare: (a: V, b: V) => number): V[] => {
  const all: V[] = [];
  let next = 0;
  for (const value of held) {
    if (gone.size && gone.has(value)) continue;
    while (next < come.length && compare(come[next]!, value) < 0) all.push(come[next++]!);
    all.push(value);
  }
  while (next < come.length) all.push(come[next++]!);
  return all;
};

/** A function from a table to those of it that pass, in this order. The order has to be total. */
export const ordered = <V>(test: (value: V) => boolean, compare: (a: V, b: V) => number) => {
  let from: Table<V> | undefined;
  let held: readonly V[] = [];

  const differences = (before: Table<V>, after: Table<V>) => {
    const gone = new Set<V>();
    const come: V[] = [];
    const length = Math.max(before.buckets.length, after.buckets.length);
    for (let i = 0; i < length; i++) {
      const was: Bucket<V> = before.buckets[i] ?? EMPTY;
      const is: Bucket<V> = after.buckets[i] ?? EMPTY;
      if (was === is) continue;
      for (const [id, value] of was) if (is.get(id) !== value && test(value)) gone.add(value);
      for (const [id, value] of is) if (was.get(id) !== value && test(value)) come.push(value);
    }
    return { gone, come };
  };

  return (table: Table<V>): readonly V[] => {
    if (table === from) return held;
    const { gone, come } = from ? differences(from, table) : { gone: new Set<V>(), come: table.filter(test) };
    from = table;
    if (gone.size || come.length) held = merge(held, gone, come.sort(compare), compare);
    return held;
  };
};
