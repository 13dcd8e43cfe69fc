// Days for tests: accounts of tests are in UTC.

const DAY = 86_400_000;

/** The date so many days from today. */
export const day = (distance: number): string => new Date(Date.now() + distance * DAY).toISOString().slice(0, 10);

/** Due on that day, the whole of it. */
export const onDay = (date: string) => ({ due_at: `${date}T00:00:00.000Z`, all_day: true });

/** Due so many days from today. */
export const due = (distance: number) => onDay(day(distance));
