// The words of a date, sorted: a distance (`3 weeks`), a time of day (`9am`), and a day (`next monday`). Refuses words that it does
// not know. Does not calculate. The same language as `tw`'s; a table of cases holds for both (tests/quick-add.json).

export const WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;
export const MONTHS = [
  "january",
  "february",
  "march",
  "april",
  "may",
  "june",
  "july",
  "august",
  "september",
  "october",
  "november",
  "december",
] as const;
const NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
/** Words that stand between the others and mean nothing here. */
export const FILLERS = new Set(["on", "in", "of", "the", "and"]);
/** The names of units, without the `s` of the plural, the longest unit first. */
const UNITS = [
  ["year", "yr", "y"],
  ["month", "mo"],
  ["week", "wk", "w"],
  ["day", "d"],
  ["hour", "hr", "h"],
  ["minute", "min", "m"],
] as const;
/** The places of the units above. */
export const YEAR = 0;
export const HOUR = 4;
/** Longer texts are not dates. */
const LONGEST = 80;

/** So many of a unit. */
export type Step = readonly [number: number, unit: number];

/** A day as it is said. */
export type Day =
  | { is: "ahead"; days: 0 | 1 }
  | { is: "weekday"; weekday: number; next: boolean }
  | { is: "date"; day: number; month: number; year?: number };

/** A time of day. */
export type Clock = readonly [hour: number, minute: number, second: number];

/** What was said: any part may be missing. */
export interface Phrase {
  distance: Step[];
  clock?: Clock;
  day?: Day;
  /** Whether `next year` is among the words; it is in the distance too. */
  nextYear: boolean;
}

export type Word =
  | { is: "number"; text: string }
  | { is: "unit"; unit: number; text: string }
  | { is: "clock"; text: string }
  | { is: "half"; text: string }
  | { is: "weekday" | "month" | "ahead"; place: number }
  | { is: "date"; text: string }
  | { is: "next" | "this" | "at" | "filler" };

/** One letter has no plural: `ms` are not minutes. */
const unitOf = (text: string): number => {
  const one = text.length > 2 && text.endsWith("s") ? text.slice(0, -1) : text;
  return UNITS.findIndex((names) => (names as readonly string[]).includes(one));
};

/** The parts of a piece of text without blanks: `+3d` is a number and a unit, `2026-12-24t18:00` a date and a time. */
const partsOf = (text: string): string[] => {
  const both = /^(\d{4}-\d\d-\d\d)t(.*)$/.exec(text);
  if (both) return [both[1]!, both[2]!];
  const [, number, unit] = /^\+?(\d+)(.*)$/.exec(text) ?? [];
  if (number === undefined || (unit && unitOf(unit) < 0)) return [text];
  return unit ? [number, unit] : [number];
};

const placeOf = (names: readonly string[], text: string): number =>
  names.findIndex((name) => name === text || (text.length === 3 && name.startsWith(text)));

/** Digits, also with the ending of `1st` and `24th`, or a number as a word. */
const numberOf = (text: string): string | undefined => {
  const place = NUMBERS.indexOf(text);
  return place < 0 ? /^(\d{1,9})(?:st|nd|rd|th)?$/.exec(text)?.[1] : String(place + 1);
};

/** Whether this is a number that is not in digits. */
export const isWritten = (text: string): boolean => NUMBERS.includes(text) || text === "a" || text === "an";

const CLOCK = /^\d{1,2}(:\d\d){0,2}(am|pm)$|^\d{1,2}(:\d\d){1,2}$/;

const wordOf = (text: string): Word | undefined => {
  if (text === "today" || text === "tomorrow") return { is: "ahead", place: text === "today" ? 0 : 1 };
  if (text === "next" || text === "this" || text === "at") return { is: text };
  if (text === "am" || text === "pm") return { is: "half", text };
  if (text === "a" || text === "an") return { is: "number", text: "1" };
  if (text === "noon") return { is: "clock", text: "12:00" };
  if (FILLERS.has(text)) return { is: "filler" };
  const weekday = placeOf(WEEKDAYS, text);
  if (weekday >= 0) return { is: "weekday", place: weekday };
  const month = placeOf(MONTHS, text);
  if (month >= 0) return { is: "month", place: month };
  const unit = unitOf(text);
  if (unit >= 0) return { is: "unit", unit, text };
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return { is: "date", text };
  if (CLOCK.test(text)) return { is: "clock", text };
  const number = numberOf(text);
  return number === undefined ? undefined : { is: "number", text: number };
};

/** All words of a text in lower case; `undefined` if one is unknown. */
export const wordsOf = (text: string): Word[] | undefined => {
  const words = text.replaceAll(",", " ").split(" ").filter(Boolean).flatMap(partsOf).map(wordOf);
  return words.includes(undefined) ? undefined : (words as Word[]);
};

/** `9`, `9am`, `18:00:30` as a time of day. */
const clockOf = (text: string): Clock | undefined => {
  const [, first, minute = "0", second = "0", half] = /^(\d+)(?::(\d\d))?(?::(\d\d))?(am|pm)?$/.exec(text) ?? [];
  let hour = Number(first);
  if (half) {
    if (hour < 1 || hour > 12) return undefined;
    hour = (hour % 12) + (half === "pm" ? 12 : 0);
  }
  const isTime = first !== undefined && hour < 24 && Number(minute) < 60 && Number(second) < 60;
  return isTime ? [hour, Number(minute), Number(second)] : undefined;
};

/** Takes the first words into a phrase; returns how many, 0 if their meaning is unclear. */
const take = (phrase: Phrase, [first, second, third]: (Word | undefined)[]): number => {
  const at = (text: string, length: number): number => {
    if (phrase.clock) return 0;
    const clock = clockOf(text);
    if (clock) phrase.clock = clock;
    return clock ? length : 0;
  };
  const on = (day: Day, length: number): number => {
    if (phrase.day) return 0;
    phrase.day = day;
    return length;
  };
  if (!first) return 0;
  if (second?.is === "unit" && (first.is === "number" || first.is === "next")) {
    phrase.nextYear ||= first.is === "next" && second.text === "year";
    phrase.distance.push([first.is === "number" ? Number(first.text) : 1, second.unit]);
    return 2;
  }
  const isHour = (word: Word | undefined) => word?.is === "number" || word?.is === "clock";
  if (isHour(first) && second?.is === "half") return at((first as { text: string }).text + second.text, 2);
  if (first.is === "at" && isHour(second)) {
    const { text } = second as { text: string };
    return third?.is === "half" ? at(text + third.text, 3) : at(text, 2);
  }
  if (first.is === "clock") return at(first.text, 1);
  const [number, month] = first.is === "month" ? [second, first] : [first, second];
  if (number?.is === "number" && month?.is === "month" && number.text.length <= 2) {
    const year = third?.is === "number" && third.text.length === 4 ? Number(third.text) : undefined;
    const day = { is: "date" as const, day: Number(number.text), month: month.place + 1 };
    return year === undefined ? on(day, 2) : on({ ...day, year }, 3);
  }
  if (first.is === "weekday") return on({ is: "weekday", weekday: first.place, next: false }, 1);
  if ((first.is === "next" || first.is === "this") && second?.is === "weekday")
    return on({ is: "weekday", weekday: second.place, next: first.is === "next" }, 2);
  if (first.is === "ahead") return on({ is: "ahead", days: first.place as 0 | 1 }, 1);
  if (first.is === "date") {
    const [year, month, day] = first.text.split("-").map(Number);
    return on({ is: "date", day: day!, month: month!, year: year! }, 1);
  }
  return 0;
};

/** The words of this text; `undefined` if one is unknown, or in a place where its meaning is unclear. */
export const read = (text: string): Phrase | undefined => {
  if (text.length > LONGEST || /[^\x00-\x7f]/.test(text)) return undefined;
  let words = wordsOf(text.toLowerCase())?.filter(({ is }) => is !== "filler");
  const phrase: Phrase = { distance: [], nextYear: false };
  while (words?.length) {
    const taken = take(phrase, words);
    if (!taken) return undefined;
    words = words.slice(taken);
  }
  return words && phrase;
};

/** Whether a distance stands beside a date, like `1 jan in 2 weeks`: it is unclear from when to count. */
export const hasDateAndDistance = ({ day, distance, nextYear }: Phrase): boolean => {
  if (day?.is !== "date" || !distance.length) return false;
  const isNextYear = nextYear && distance.length === 1 && distance[0]![0] === 1 && distance[0]![1] === YEAR;
  return day.year !== undefined || !isNextYear;
};
