// The words of a line that say when a task is due. A title has words that are dates elsewhere: `sun hat`, `one week of rain`, `at 3 Main
// Street`. So a line asks for more than a date alone: a distance has `in` or `+` in front, a bare hour stands at the end.

import { parseDue, type Due, type Now } from "./due.js";
import { FILLERS, isWritten, wordsOf, type Word as DateWord } from "./phrase.js";
import { isFree, isLast, said, take, together, type Range, type Word } from "./words.js";

const LONGEST = 12;
/** Short names of days that are also other words. */
const ALSO_WORDS = new Set(["mon", "wed", "sat", "sun"]);
/** Words before a date that belong to it. */
const LEADS = new Set(["by", "due"]);

/** A date in a line. */
interface Found {
  words: readonly Word[];
  at: number;
  text: string;
  hasDay: boolean;
  hasClock: boolean;
}

const kindsOf = (text: string): DateWord["is"][] => (wordsOf(text) ?? []).map(({ is }) => is);

/** Whether each distance is one that people mean: with `in`, `+` or `next` in front. */
const countsFromNow = (run: readonly Word[]): boolean => {
  let isCounting = false;
  for (const [i, { core }] of run.entries()) {
    const kinds = kindsOf(core);
    if (core === "next") isCounting = kindsOf(run[i + 1]?.core ?? "")[0] === "unit" && run[i + 1]!.core.length > 1;
    else if (core === "in" || /^\+\d/.test(core)) isCounting = true;
    if (kinds.includes("unit") && !isCounting) return false;
    if (kinds.some((kind) => ["weekday", "month", "date", "ahead", "clock", "at"].includes(kind))) isCounting = false;
  }
  return true;
};

/** Whether a run of words may begin like this. */
const begins = (run: readonly Word[], hasDay: boolean, hasMonth: boolean): boolean => {
  const [first, second] = [run[0]!.core, run[1]?.core ?? ""];
  if (first === "of" || first === "and") return false;
  if (first === "in") return isWritten(second) || /^\d/.test(second);
  if (first === "the") return hasMonth || second === "next";
  return first !== "on" || hasDay;
};

/** Whether a bare hour, or a short name of a day, stands where it is meant as one. */
const isMeant = (words: readonly Word[], at: number, run: readonly Word[], hasDay: boolean): boolean => {
  const isAtEnd = isLast(words, at + run.length - 1);
  const [first, second, third] = run.map(({ core }) => core).filter((core) => !FILLERS.has(core));
  if (run.length === 1 && first === "noon") return false;
  if (run.length === 1 && ALSO_WORDS.has(first!)) return isAtEnd || LEADS.has(words[at - 1]?.core ?? "");
  return hasDay || isAtEnd || first !== "at" || kindsOf(second ?? "")[0] === "clock" || third !== undefined;
};

const dateIn = (words: readonly Word[], at: number, run: readonly Word[], now: Now): Found | undefined => {
  if (FILLERS.has(run.at(-1)!.core)) return undefined;
  const text = said(run);
  const kinds = kindsOf(text);
  const hasMonth = kinds.includes("month");
  const isDay = kinds.some((kind) => ["weekday", "month", "date", "ahead"].includes(kind)) || /^\d{4}-/.test(text);
  const hasDay = isDay || kinds.includes("unit");
  const hasClock = kinds.some((kind) => ["clock", "half", "at"].includes(kind)) || !kinds.length;
  if (hasMonth && run.some(({ core }) => isWritten(core))) return undefined;
  if (!begins(run, isDay, hasMonth) || !countsFromNow(run) || !isMeant(words, at, run, hasDay)) return undefined;
  return parseDue(text, now) && { words: run, at, text, hasDay, hasClock };
};

/** All dates, each as long as it may be. */
const datesIn = (words: readonly Word[], now: Now): Found[] => {
  const found: Found[] = [];
  for (let at = 0; at < words.length; at++) {
    const run = together(words, at, LONGEST);
    for (let length = run.length; length; length--) {
      const date = dateIn(words, at, run.slice(0, length), now);
      if (!date) continue;
      found.push(date);
      at += length - 1;
      break;
    }
  }
  return found;
};

/** Takes the words of a date, and those in front that belong to it. */
const takeDate = (words: readonly Word[], { at, words: run }: Found): Range[] => {
  let from = at;
  while (from > 0 && isFree(words[from - 1]) && LEADS.has(words[from - 1]!.text.toLowerCase())) from--;
  return take(words.slice(from, at + run.length));
};

/**
 * Finds the date, and takes its words. The last day counts, and the last time of day if that day has none. `first` says when a task
 * is due that repeats, at a time of day.
 */
export const findDates = (
  words: readonly Word[],
  now: Now,
  first?: (clock: string) => Due | undefined,
): { due: Due; ranges: Range[] } | undefined => {
  const found = datesIn(words, now);
  const day = found.filter(({ hasDay }) => hasDay).at(-1);
  const clock = day?.hasClock ? undefined : found.filter(({ hasDay }) => !hasDay).at(-1);
  const both = day && clock && parseDue(`${day.text} ${clock.text}`, now);
  const parts = [day, !day || both ? clock : undefined].filter((part) => part !== undefined);
  const due = day ? (both ?? parseDue(day.text, now)) : first ? first(clock?.text ?? "") : clock && parseDue(clock.text, now);
  if (!due) return undefined;
  const ranges = parts.sort((a, b) => a.at - b.at).flatMap((part) => takeDate(words, part));
  return { due, ranges };
};
