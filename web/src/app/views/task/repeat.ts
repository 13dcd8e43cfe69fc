// How a task repeats: an RRULE (RFC 5545, section 3.3.10) as what a picker shows, and in words. Rules that the picker does not
// know stay as they are. Pure.

import { T } from "../../texts.js";
import { dateOf } from "../../time.js";

export const WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"] as const;
export type Weekday = (typeof WEEKDAYS)[number];
const WORKDAYS = WEEKDAYS.slice(0, 5);

/** On which day of a month: the date (-1 is the last), a weekday of it counted from its begin or end, or its last workday. */
export type MonthDay = { date: number } | { nth: number; weekday: Weekday } | "last workday";

export type End = { is: "never" } | { is: "on"; date: string } | { is: "after"; count: number };

/** What the picker knows. */
export interface Repeat {
  every: "day" | "weekday" | "week" | "month" | "year";
  /** Every so many of them. */
  interval: number;
  /** Of a week. None: that of the task. */
  days: readonly Weekday[];
  /** Of a month, or of `month` in a year. None: that of the task. */
  on: MonthDay | undefined;
  month: number | undefined;
  end: End;
}

export const plain = (every: Repeat["every"]): Repeat => ({
  every,
  interval: 1,
  days: [],
  on: undefined,
  month: undefined,
  end: { is: "never" },
});

const KNOWN = new Set(["FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "COUNT", "UNTIL", "WKST"]);
const EVERY: Record<string, Repeat["every"]> = { DAILY: "day", WEEKLY: "week", MONTHLY: "month", YEARLY: "year" };

const partsOf = (rule: string): Map<string, string> =>
  new Map(
    rule
      .toUpperCase()
      .replace(/^RRULE:/, "")
      .split(";")
      .map((part) => part.split("=", 2) as [string, string]),
  );

const endOf = (parts: Map<string, string>): End | undefined => {
  const until = parts.get("UNTIL");
  const count = parts.get("COUNT");
  if (count) return { is: "after", count: Number(count) };
  if (!until) return { is: "never" };
  const found = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?$/.exec(until);
  if (!found) return undefined;
  const [, year, month, day, hour, minute, second, utc] = found;
  const date = `${year}-${month}-${day}`;
  return { is: "on", date: utc ? dateOf(Date.parse(`${date}T${hour}:${minute}:${second}Z`)) : date };
};

const isWorkdays = (days: readonly string[]): boolean =>
  days.length === WORKDAYS.length && WORKDAYS.every((day) => days.includes(day));

/** The day of a month that the BY parts say; `null` when they say something that the picker has no place for. */
const monthDayOf = (parts: Map<string, string>): MonthDay | undefined | null => {
  const byDay = parts.get("BYDAY");
  const byDate = parts.get("BYMONTHDAY");
  const place = parts.get("BYSETPOS");
  if (byDay && byDate) return null;
  if (byDate) return /^([1-9]|[12]\d|3[01]|-1)$/.test(byDate) && !place ? { date: Number(byDate) } : null;
  if (!byDay) return place ? null : undefined;
  if (isWorkdays(byDay.split(",")) && place === "-1") return "last workday";
  const found = /^([+-]?\d)?(MO|TU|WE|TH|FR|SA|SU)$/.exec(byDay);
  const nth = Number(found?.[1] ?? place);
  if (!found || (found[1] && place) || ![1, 2, 3, 4, 5, -1].includes(nth)) return null;
  return { nth, weekday: found[2] as Weekday };
};

/** What a rule says, if the picker knows all of it. */
export const parse = (rule: string): Repeat | undefined => {
  const parts = partsOf(rule);
  const every = EVERY[parts.get("FREQ") ?? ""];
  const end = endOf(parts);
  const interval = Number(parts.get("INTERVAL") ?? 1);
  if (!every || !end || [...parts.keys()].some((name) => !KNOWN.has(name))) return undefined;
  if (parts.has("WKST") && parts.get("WKST") !== "MO") return undefined;
  const has = (...names: string[]) => names.some((name) => parts.has(name));
  const made = { ...plain(every), interval, end };
  const days = (parts.get("BYDAY") ?? "").split(",").filter(Boolean);
  if (every === "day" || every === "week") {
    if (has("BYMONTHDAY", "BYMONTH", "BYSETPOS") || !days.every((day) => WEEKDAYS.includes(day as Weekday))) return undefined;
    if (isWorkdays(days) && interval === 1) return { ...made, every: "weekday" };
    if (every === "day") return days.length ? undefined : made;
    return { ...made, days: WEEKDAYS.filter((day) => days.includes(day)) };
  }
  const on = monthDayOf(parts);
  const month = parts.get("BYMONTH");
  if (on === null) return undefined;
  if (every === "month") return month ? undefined : { ...made, on };
  if (!month) return on ? undefined : made;
  return /^([1-9]|0[1-9]|1[0-2])$/.test(month) && on ? { ...made, on, month: Number(month) } : undefined;
};

const byMonthDay = (on: MonthDay | undefined): string[] => {
  if (!on) return [];
  if (on === "last workday") return [`BYDAY=${WORKDAYS.join()}`, "BYSETPOS=-1"];
  return ["date" in on ? `BYMONTHDAY=${on.date}` : `BYDAY=${on.nth}${on.weekday}`];
};

/** The rule of what the picker shows. */
export const ruleOf = ({ every, interval, days, on, month, end }: Repeat): string => {
  const freq = { day: "DAILY", weekday: "WEEKLY", week: "WEEKLY", month: "MONTHLY", year: "YEARLY" }[every];
  const parts = [`FREQ=${freq}`];
  if (interval > 1 && every !== "weekday") parts.push(`INTERVAL=${interval}`);
  if (every === "weekday") parts.push(`BYDAY=${WORKDAYS.join()}`);
  if (every === "week" && days.length) parts.push(`BYDAY=${WEEKDAYS.filter((day) => days.includes(day)).join()}`);
  if (every === "year" && month && on) parts.push(`BYMONTH=${month}`, ...byMonthDay(on));
  if (every === "month") parts.push(...byMonthDay(on));
  if (end.is === "on") parts.push(`UNTIL=${end.date.replaceAll("-", "")}`);
  if (end.is === "after") parts.push(`COUNT=${end.count}`);
  return parts.join(";");
};

const inUtc = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(undefined, { ...options, timeZone: "UTC" });
const lists = new Intl.ListFormat(undefined, { type: "conjunction" });

/** The name of a weekday. 1 January 2024 was a Monday. */
export const weekdayName = (day: Weekday, style: "long" | "short" = "long"): string =>
  inUtc({ weekday: style }).format(Date.UTC(2024, 0, 1 + WEEKDAYS.indexOf(day)));

const dateName = (date: string): string => inUtc({ dateStyle: "medium" }).format(Date.parse(date));

const R = T.panel.repeat;

/** A day of a month in words. */
export const monthDayWords = (on: MonthDay): string => {
  if (on === "last workday") return R.lastWorkday;
  if ("date" in on) return on.date === -1 ? R.lastDay : R.nthDay(on.date);
  return on.nth === -1 ? R.lastOf(weekdayName(on.weekday)) : R.nthOf(on.nth, weekdayName(on.weekday));
};

const onWords = ({ every, days, on, month }: Repeat): string => {
  if (every === "week" && days.length) return R.on(lists.format(days.map((day) => weekdayName(day))));
  if (every === "month" && on) return R.on(monthDayWords(on));
  if (every !== "year" || !on || !month) return "";
  if (typeof on === "object" && "date" in on && on.date > 0)
    return R.on(inUtc({ day: "numeric", month: "long" }).format(Date.UTC(2024, month - 1, on.date)));
  return R.on(R.ofMonth(monthDayWords(on), inUtc({ month: "long" }).format(Date.UTC(2024, month - 1))));
};

/** What the picker shows, in words. */
export const wordsOf = (repeat: Repeat): string => {
  const { every, interval, end } = repeat;
  const often = every === "weekday" ? R.weekday : R.every[every](interval);
  const ends = end.is === "on" ? R.until(dateName(end.date)) : end.is === "after" ? R.times(end.count) : "";
  return `${often}${onWords(repeat)}${ends}`;
};

/** A rule in words; as it is when it is unknown. */
export const inWords = (rule: string): string => {
  const known = parse(rule);
  return known ? wordsOf(known) : rule;
};
