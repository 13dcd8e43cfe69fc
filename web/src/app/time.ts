// Dates and times as the person reads them: in their zone and locale, by `Intl`. A whole day is stored as midnight UTC of its
// date. Knows no state; the zone is set once the person is known.

/** Milliseconds of a day that has no change of clocks. */
export const DAY = 86_400_000;

let zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
/** The due dates in this zone, by what is due. */
let known = new WeakMap<object, string>();

type Format = Intl.DateTimeFormatOptions;
const formats = new Map<string, Intl.DateTimeFormat>();

/** Formatters are slow to make. */
const format = (options: Format, timeZone = zone): Intl.DateTimeFormat => {
  const key = timeZone + JSON.stringify(options);
  let made = formats.get(key);
  if (!made) formats.set(key, (made = new Intl.DateTimeFormat(undefined, { ...options, timeZone })));
  return made;
};

/** From now on times are in this IANA zone; one that the browser does not know changes nothing. */
export const setZone = (name: string): void => {
  if (name === zone) return;
  try {
    new Intl.DateTimeFormat(undefined, { timeZone: name });
    zone = name;
    known = new WeakMap();
  } catch {
    // A newer zone than the browser's.
  }
};

export const currentZone = (): string => zone;

const PARTS: Format = { year: "numeric", month: "2-digit", day: "2-digit", calendar: "iso8601", numberingSystem: "latn" };

/** The date `YYYY-MM-DD` of a moment in the person's zone. */
export const dateOf = (moment: number, timeZone = zone): string => {
  const parts: Record<string, string> = {};
  for (const { type, value } of format(PARTS, timeZone).formatToParts(moment)) parts[type] = value;
  return `${parts.year!.padStart(4, "0")}-${parts.month}-${parts.day}`;
};

/** Something that may be due. */
export interface Dated {
  due_at: string | null;
  all_day: boolean;
}

/** The date on which something is due, in the person's zone: found out once for each object. */
export const dueDate = (dated: Dated): string | undefined => {
  const { due_at, all_day } = dated;
  if (due_at === null) return undefined;
  if (all_day) return due_at.slice(0, 10);
  let date = known.get(dated);
  if (!date) known.set(dated, (date = dateOf(Date.parse(due_at))));
  return date;
};

/** Whether it should have been done by now. */
export const isOverdue = (dated: Dated, now: number): boolean => {
  const date = dueDate(dated);
  if (!date) return false;
  return dated.all_day ? date < dateOf(now) : Date.parse(dated.due_at!) < now;
};

/** The date so many days later. */
export const addDays = (date: string, days: number): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY).toISOString().slice(0, 10);

const utc = (date: string): number => Date.parse(`${date}T00:00:00Z`);

/** `Today`, `Tomorrow`, a weekday of this week, or a date. */
export const dayName = (date: string, now: number): string => {
  const today = dateOf(now);
  const distance = Math.round((utc(date) - utc(today)) / DAY);
  if (Math.abs(distance) <= 1) return capital(relative.format(distance, "day"));
  if (distance > 1 && distance < 7) return format({ weekday: "long" }, "UTC").format(utc(date));
  const year = date.slice(0, 4) === today.slice(0, 4) ? {} : { year: "numeric" as const };
  return format({ weekday: "short", day: "numeric", month: "short", ...year }, "UTC").format(utc(date));
};

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const capital = (text: string): string => text.charAt(0).toLocaleUpperCase() + text.slice(1);

/** The time of day of a moment. */
export const clockTime = (moment: number): string => format({ hour: "numeric", minute: "2-digit" }).format(moment);

/** When something is due, short: `Today 18:00`, `Fri 4 Dec`. */
export const dueText = (dated: Dated, now: number): string => {
  const date = dueDate(dated);
  if (!date) return "";
  const day = dayName(date, now);
  return dated.all_day ? day : `${day} ${clockTime(Date.parse(dated.due_at!))}`;
};

/** A moment, whole. */
export const fullTime = (moment: number): string => format({ dateStyle: "medium", timeStyle: "short" }).format(moment);

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 365 * DAY],
  ["month", 30 * DAY],
  ["week", 7 * DAY],
  ["day", DAY],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

/** How long ago: `5 minutes ago`. */
export const ago = (moment: number, now: number): string => {
  const distance = moment - now;
  for (const [unit, length] of STEPS)
    if (Math.abs(distance) >= length) return relative.format(Math.trunc(distance / length), unit);
  return relative.format(0, "second");
};

/** How many milliseconds a zone is ahead of UTC at a moment. */
const offsetAt = (moment: number, timeZone = zone): number => {
  const parts: Record<string, number> = {};
  const options: Format = { ...PARTS, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  for (const { type, value } of format(options, timeZone).formatToParts(moment)) parts[type] = Number(value);
  const wall = Date.UTC(parts.year!, parts.month! - 1, parts.day!, parts.hour!, parts.minute!, parts.second!);
  return wall - Math.floor(moment / 1000) * 1000;
};

/**
 * The moment at which clocks of the zone show this date and time (`HH:MM` or `HH:MM:SS`). Where they show it twice, the first one;
 * where they skip it, as much later as they skip.
 */
export const momentOf = (date: string, time: string, timeZone = zone): number => {
  const wall = Date.parse(`${date}T${time}Z`);
  const before = offsetAt(wall - DAY, timeZone);
  const after = offsetAt(wall + DAY, timeZone);
  const isShown = (offset: number): boolean => offsetAt(wall - offset, timeZone) === offset;
  return wall - (!isShown(before) && isShown(after) ? after : before);
};

/** `HH:MM` of a moment in the zone, for an input. */
export const inputTime = (moment: number, timeZone = zone): string =>
  new Date(moment + offsetAt(moment, timeZone)).toISOString().slice(11, 16);
