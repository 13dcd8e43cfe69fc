// The arithmetic of a chart: where its lines are, and what stands beside them. Pure.

import type { DayCount } from "../../../sdk/contract.js";

/** Round steps from 0 to at least the most: at most `lines` of them. */
export const ticks = (most: number, lines = 4): number[] => {
  const rough = Math.max(1, most) / lines;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, [1, 2, 5, 10].find((factor) => factor * power >= rough)! * power);
  return Array.from({ length: Math.ceil(Math.max(1, most) / step) + 1 }, (_, i) => i * step);
};

export interface DayBars {
  date: string;
  created: number;
  completed: number;
}

/** Both counts of each day. */
export const perDay = (created: readonly DayCount[], completed: readonly DayCount[]): DayBars[] => {
  const done = new Map(completed.map(({ date, count }) => [date, count]));
  return created.map(({ date, count }) => ({ date, created: count, completed: done.get(date) ?? 0 }));
};

/** Which days are named below the chart: about so many, the last one among them. */
export const named = (count: number, about = 6): number[] => {
  const step = Math.max(1, Math.ceil(count / about));
  const all: number[] = [];
  for (let at = count - 1; at >= 0; at -= step) all.unshift(at);
  return all;
};
