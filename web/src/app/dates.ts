// The calendar's arithmetic: months, weeks and days as texts (`2026-12`, `2026-12-04`). Knows no clock and no zone but through
// `time.ts`.

import { DAY, addDays, inputTime, momentOf, type Dated } from "./time.js";

const utc = (date: string): number => Date.parse(`${date}T00:00:00Z`);

export const monthOf = (date: string): string => date.slice(0, 7);

/** Whether a text is a month that a calendar can show. */
export const isMonth = (text: string | null | undefined): text is string => /^(?!0000)\d{4}-(0[1-9]|1[0-2])$/.test(text ?? "");

/** The month so many months later. */
export const addMonths = (month: string, months: number): string => {
  const [year, of] = month.split("-").map(Number) as [number, number];
  const all = year * 12 + of - 1 + months;
  return `${String(Math.floor(all / 12)).padStart(4, "0")}-${String((all % 12) + 1).padStart(2, "0")}`;
};

/** 1 for Monday to 7 for Sunday. */
export const weekdayOf = (date: string): number => new Date(utc(date)).getUTCDay() || 7;

/** Days from one date to another one. */
export const daysBetween = (from: string, to: string): number => Math.round((utc(to) - utc(from)) / DAY);

/** So many dates from one on. */
export const daysFrom = (date: string, count: number): string[] => Array.from({ length: count }, (_, i) => addDays(date, i));

/** The weeks that show a month whole, each with seven dates. */
export const weeksOf = (month: string, firstDay: number): string[][] => {
  const first = `${month}-01`;
  const last = addDays(`${addMonths(month, 1)}-01`, -1);
  const begin = addDays(first, -((weekdayOf(first) - firstDay + 7) % 7));
  const weeks: string[][] = [];
  for (let at = begin; at <= last; at = addDays(at, 7)) weeks.push(daysFrom(at, 7));
  return weeks;
};

interface WeekInfo {
  firstDay?: number;
}

/** The day on which weeks begin where the person is: 1 for Monday, which it is where the browser does not know. */
export const firstDayOf = (locale: string): number => {
  try {
    const known = new Intl.Locale(locale) as Intl.Locale & { getWeekInfo?: () => WeekInfo; weekInfo?: WeekInfo };
    return (known.getWeekInfo?.() ?? known.weekInfo)?.firstDay ?? 1;
  } catch {
    return 1;
  }
};

/** What makes something due on a date: at the same time of day, if it had one. */
export const dueOn = (dated: Dated, date: string): { due_at: string; all_day: boolean } =>
  dated.due_at === null || dated.all_day
    ? { due_at: `${date}T00:00:00.000Z`, all_day: true }
    : { due_at: new Date(momentOf(date, inputTime(Date.parse(dated.due_at)))).toISOString(), all_day: false };

const MEANT = {
  month: { month: "long", year: "numeric" },
  day: { weekday: "long", day: "numeric", month: "long", year: "numeric" },
  agenda: { weekday: "short", day: "numeric", month: "short" },
  short: { day: "numeric", month: "short" },
  weekday: { weekday: "short" },
  wholeWeekday: { weekday: "long" },
} satisfies Record<string, Intl.DateTimeFormatOptions>;

const formats = new Map<string, Intl.DateTimeFormat>();

/** A date as people read it. */
export const dateText = (date: string, as: keyof typeof MEANT): string => {
  let format = formats.get(as);
  if (!format) formats.set(as, (format = new Intl.DateTimeFormat(undefined, { ...MEANT[as], timeZone: "UTC" })));
  return format.format(utc(date.length === 7 ? `${date}-01` : date));
};
