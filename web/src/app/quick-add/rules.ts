// The words of a line that say how often a task repeats, and the first date that they choose.

import { addDays, dateOf } from "../time.js";
import { parseDue, weekdayOf, type Due, type Now } from "./due.js";
import { CODES, ruleOf } from "./every.js";
import { isFree, isLast, said, take, together, type Range, type Word } from "./words.js";

/** `every first monday of the month`, and days between commas. */
const LONGEST = 9;
/** A month that has a fifth Friday comes after at most three that have none. */
const LOOK_AHEAD = 130;
const ADVERBS = new Set(["daily", "weekly", "monthly", "yearly"]);

/** The longest rule after an `every`. */
const ruleAfter = (words: readonly Word[], at: number): { every: string; length: number } | undefined => {
  const run = together(words, at + 1, LONGEST);
  if (words[at]!.ends) return undefined;
  for (let length = run.length; length; length--) {
    const text = said(run.slice(0, length));
    if (/[=]|\bevery\b/.test(text)) continue;
    const every = ruleOf(text);
    if (every && !/INTERVAL=0$/.test(every)) return { every, length };
  }
  return undefined;
};

/** Finds the rule, and takes its words. The last one counts; a word like `daily` only at the end. */
export const findRules = (words: readonly Word[]): { every: string; ranges: Range[] } | undefined => {
  for (let at = words.length - 1; at >= 0; at--) {
    const word = words[at]!;
    if (!isFree(word)) continue;
    if (ADVERBS.has(word.core) && isLast(words, at)) return { every: ruleOf(word.core)!, ranges: take([word]) };
    const found = word.core === "every" ? ruleAfter(words, at) : undefined;
    if (found) return { every: found.every, ranges: take(words.slice(at, at + 1 + found.length)) };
  }
  return undefined;
};

const isLastOfMonth = (date: string, days: number): boolean => addDays(date, days).slice(5, 7) !== date.slice(5, 7);

/** Whether a rule of days chooses a date; `undefined` for a rule that leaves the first one open. */
const chooses = (rule: string): ((date: string) => boolean) | undefined => {
  const [frequency, choice] = rule.split(";");
  if (rule === "FREQ=DAILY") return () => true;
  const [kind, days] = choice?.split("=") ?? [];
  if (kind === "BYMONTHDAY")
    return days === "-1" ? (date) => isLastOfMonth(date, 1) : (date) => Number(date.slice(8)) === Number(days);
  if (kind !== "BYDAY" || !days) return undefined;
  const codeOf = (date: string) => CODES[weekdayOf(date)]!;
  if (frequency === "FREQ=WEEKLY") return (date) => days.split(",").includes(codeOf(date));
  const place = Number(days.slice(0, -2));
  const isInPlace = (date: string) =>
    place < 0 ? isLastOfMonth(date, 7) : Math.ceil(Number(date.slice(8)) / 7) === place;
  return (date) => codeOf(date) === days.slice(-2) && isInPlace(date);
};

/**
 * When a task is due that repeats like this, where the line says no day: on the first such day that is still to come. Today is one
 * only of `every day`, and with a time of day that is still to come.
 */
export const firstOf = (rule: string, clock: string, now: Now): Due | undefined => {
  const isChosen = chooses(rule);
  if (!isChosen) return clock ? parseDue(clock, now) : undefined;
  const today = dateOf(now.at, now.zone);
  for (let days = clock || rule === "FREQ=DAILY" ? 0 : 1; days < LOOK_AHEAD; days++) {
    const date = addDays(today, days);
    if (!isChosen(date)) continue;
    const due = parseDue(`${date} ${clock}`, now);
    if (due && (due.allDay || due.at > now.at)) return due;
  }
  return undefined;
};
