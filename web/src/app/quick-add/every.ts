// How often a task repeats, as people type it: a rule of RFC 5545, or words like `month`, `2 weeks`, `last friday`. The server checks
// the rule; this only translates words, as `tw` does.

import { WEEKDAYS } from "./phrase.js";

export const CODES = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"] as const;
const UNITS: readonly (readonly [code: string, one: string, adverb: string])[] = [
  ["HOURLY", "hour", "hourly"],
  ["DAILY", "day", "daily"],
  ["WEEKLY", "week", "weekly"],
  ["MONTHLY", "month", "monthly"],
  ["YEARLY", "year", "yearly"],
];
const PLACES: Record<string, number> = { first: 1, second: 2, third: 3, fourth: 4, fifth: 5, last: -1 };

const frequency = (unit: string): string | undefined =>
  UNITS.find(([, one, adverb]) => unit === one || unit === `${one}s` || unit === adverb)?.[0];

/** A day of the week: its name, its plural, or the beginning of its name. */
const dayOf = (text: string): string | undefined => {
  const word = text.endsWith("days") ? text.slice(0, -1) : text;
  return word.length < 3 ? undefined : CODES[WEEKDAYS.findIndex((name) => name.startsWith(word))];
};

const read = (words: readonly string[]): string | undefined => {
  const [first, second] = words;
  if (first === undefined) return undefined;
  if (words.length === 1) {
    if (["weekday", "weekdays", "workday"].includes(first)) return "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR";
    const unit = frequency(first);
    if (unit) return `FREQ=${unit}`;
  }
  if (words.length === 2 && (first === "other" || /^\d+$/.test(first))) {
    const unit = frequency(second!);
    const number = first === "other" ? 2 : Number(first);
    return unit && number <= 65_535 ? `FREQ=${unit};INTERVAL=${number}` : undefined;
  }
  if ((words.length === 2 || words.slice(2).join(" ") === "of the month") && Object.hasOwn(PLACES, first)) {
    if (second === "day") return `FREQ=MONTHLY;BYMONTHDAY=${PLACES[first]}`;
    const day = dayOf(second!);
    return day && `FREQ=MONTHLY;BYDAY=${PLACES[first]}${day}`;
  }
  const days = words.map(dayOf);
  return days.includes(undefined) ? undefined : `FREQ=WEEKLY;BYDAY=${days.join(",")}`;
};

/** The rule that a text means. */
export const ruleOf = (text: string): string | undefined => {
  if (/FREQ=/i.test(text)) return text.trim();
  const words = text.trim().toLowerCase().replaceAll(",", " ").replaceAll(" and ", " ").split(/\s+/);
  return read(words.filter((word) => word && word !== "every"));
};
