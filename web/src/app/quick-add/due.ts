// Dates as people type them: what the words of a phrase mean at a moment in a time zone. The caller passes both.

import { addDays, dateOf, DAY, inputTime, momentOf } from "../time.js";
import { hasDateAndDistance, HOUR, read, type Clock, type Day, type Phrase, type Step } from "./phrase.js";

/** When a task is due: a moment, or a whole day, which is midnight UTC of its date. */
export interface Due {
  at: number;
  allDay: boolean;
}

/** When and where somebody types. */
export interface Now {
  /** In milliseconds since 1970. */
  at: number;
  /** An IANA time zone. */
  zone: string;
}

/** The last moment that a due date can have: the end of the year 9999. */
const LAST = 253_402_300_799_999;
/** What is said without a year is looked for in so many of them: after 2096 a 29th of February is in 2104. */
const STEPS = 8;

const utc = (date: string): number => Date.parse(`${date}T00:00:00Z`);

const pad = (number: number, length = 2): string => String(number).padStart(length, "0");

/** The date, if there is such a day. */
const dateAt = (year: number, month: number, day: number): string | undefined => {
  const date = `${pad(year, 4)}-${pad(month)}-${pad(day)}`;
  const at = utc(date);
  return Number.isFinite(at) && new Date(at).toISOString().startsWith(date) ? date : undefined;
};

/** From Monday, which is 0. */
export const weekdayOf = (date: string): number => (new Date(utc(date)).getUTCDay() + 6) % 7;

/** The date so many months later; where the month is shorter, its last day. */
const addMonths = (date: string, months: number): string | undefined => {
  const [year, month, day] = date.split("-").map(Number) as [number, number, number];
  const count = year * 12 + month - 1 + months;
  if (count >= 120_000) return undefined;
  const of = (day: number) => dateAt(Math.floor(count / 12), (count % 12) + 1, day);
  for (let last = day; last > 27; last--) if (of(last)) return of(last);
  return of(day);
};

/** The parts of a distance: units fall, and none comes twice. */
const isInOrder = (distance: readonly Step[]): boolean =>
  distance.every(([, unit], i) => i === 0 || distance[i - 1]![1] < unit);

/** A moment as a date and a time on the wall. */
interface Wall {
  date: string;
  time: string;
}

/** Now and a distance; `undefined` where no calendar reaches. Days count on the wall, hours do not. */
const ahead = (distance: readonly Step[], { at, zone }: Now): (Wall & { at: number }) | undefined => {
  const by = [0, 0, 0, 0, 0, 0];
  for (const [number, unit] of distance) by[unit] = number;
  const [years, months, weeks, days, hours, minutes] = by as [number, number, number, number, number, number];
  const today = dateOf(at, zone);
  let moment = at;
  if (years || months || weeks || days) {
    if ((weeks * 7 + days) * DAY > LAST) return undefined;
    const date = addMonths(today, years * 12 + months);
    const later = date && utc(date) + (weeks * 7 + days) * DAY;
    if (!later || later > LAST) return undefined;
    moment = momentOf(new Date(later).toISOString().slice(0, 10), inputTime(at, zone), zone) + (at % 60_000);
  }
  moment += hours * 3_600_000 + minutes * 60_000;
  return moment > LAST ? undefined : { at: moment, date: dateOf(moment, zone), time: inputTime(moment, zone) };
};

/** The date of a day as it is said, from a day on. */
const dayFrom = (day: Day | undefined, base: string): string | undefined => {
  if (!day) return base;
  if (day.is === "ahead") return addDays(base, day.days);
  if (day.is === "date") return dateAt(day.year ?? Number(base.slice(0, 4)), day.month, day.day);
  const distance = (day.weekday - weekdayOf(base) + 7) % 7;
  return addDays(base, day.next && distance === 0 ? 7 : distance);
};

const clockText = ([hour, minute, second]: Clock): string => `${pad(hour)}:${pad(minute)}:${pad(second)}`;

const dueOn = (date: string, clock: Clock | undefined, zone: string): Due =>
  clock ? { at: momentOf(date, clockText(clock), zone), allDay: false } : { at: utc(date), allDay: true };

/** The day from which the words are read next, where they leave open which one is meant. */
const nextBase = ({ day, clock, distance }: Phrase): ((base: string, steps: number) => string | undefined) | undefined => {
  if (day?.is === "weekday" && !day.next) return (base, steps) => addDays(base, 7 * steps);
  if (day?.is === "date" && day.year === undefined && !distance.length) return (base, steps) => addMonths(base, 12 * steps);
  if (!day && clock && !distance.length) return addDays;
  return undefined;
};

const find = (phrase: Phrase, now: Now): Due | undefined => {
  const { day, clock, distance } = phrase;
  const exact = distance.some(([, unit]) => unit >= HOUR);
  const base = isInOrder(distance) ? ahead(distance, now) : undefined;
  if (!base) return undefined;
  if (!day && !clock) {
    if (!distance.length) return undefined;
    return exact ? { at: base.at, allDay: false } : dueOn(base.date, undefined, now.zone);
  }
  if (exact) return undefined; // `2 hours friday`
  const step = nextBase(phrase);
  const today = dateOf(now.at, now.zone);
  for (let steps = 0; steps <= (step ? STEPS : 0); steps++) {
    const from = step ? step(base.date, steps) : base.date;
    const date = from && dayFrom(day, from);
    if (!date) continue;
    const due = dueOn(date, clock, now.zone);
    const isAhead = clock ? due.at > now.at : day?.is === "weekday" ? date > today : date >= today;
    if (!step || isAhead) return due;
  }
  return undefined;
};

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;

/**
 * Reads a time in RFC 3339, a date, a day, a time of day, or a distance from now. A weekday, a time of day and a day without
 * its year mean the first one that is still to come: on a Friday, `friday` is in a week. `undefined` if it is none of them.
 */
export const parseDue = (text: string, now: Now): Due | undefined => {
  const phrase = read(text.trim());
  if (phrase && hasDateAndDistance(phrase)) return undefined;
  const due = MOMENT.test(text.trim()) ? { at: Date.parse(text.trim()), allDay: false } : phrase && find(phrase, now);
  return due && due.at >= 0 && due.at <= LAST ? due : undefined;
};
