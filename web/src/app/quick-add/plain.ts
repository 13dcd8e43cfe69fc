// The ranges of a line that are text, whatever they say, while the line is edited. Pure.

import type { Range } from "./words.js";

/** Where an edit changed a line: up to `from` and from `to` on it is as it was, `by` further. */
const editOf = (before: string, after: string): { from: number; to: number; by: number } => {
  const most = Math.min(before.length, after.length);
  let from = 0;
  while (from < most && before[from] === after[from]) from++;
  let same = 0;
  while (same < most - from && before[before.length - 1 - same] === after[after.length - 1 - same]) same++;
  return { from, to: before.length - same, by: after.length - before.length };
};

/** The ranges after an edit: they move with their text, and one whose text changed is gone. */
export const moved = (ranges: readonly Range[], before: string, after: string): Range[] => {
  const edit = editOf(before, after);
  return ranges.flatMap((range) => {
    if (range.to <= edit.from) return [range];
    return range.from >= edit.to ? [{ from: range.from + edit.by, to: range.to + edit.by }] : [];
  });
};
