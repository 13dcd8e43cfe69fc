// Months, weeks and days of the calendar.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { addMonths, daysBetween, dueOn, firstDayOf, isMonth, weekdayOf, weeksOf } from "../../src/app/dates.js";
import { dateOf, dueDate, setZone } from "../../src/app/time.js";

beforeEach(() => setZone("Europe/Zurich"));

test("months are counted over years", () => {
  assert.equal(addMonths("2026-12", 1), "2027-01");
  assert.equal(addMonths("2026-01", -1), "2025-12");
  assert.equal(addMonths("2026-05", 25), "2028-06");
  assert.ok(isMonth("2026-02"));
  for (const text of ["2026-13", "2026-00", "2026-1", "0000-01", "", null, undefined, "2026-12-01"]) assert.ok(!isMonth(text));
});

test("weekdays are those of the calendar", () => {
  assert.equal(weekdayOf("2026-11-30"), 1);
  assert.equal(weekdayOf("2024-02-29"), 4);
  assert.equal(weekdayOf("2026-12-06"), 7);
});

test("weeks show a month whole, from the day on which weeks begin", () => {
  for (const first of [1, 6, 7])
    for (let month = "2023-11"; month < "2028-04"; month = addMonths(month, 1)) {
      const weeks = weeksOf(month, first);
      const days = weeks.flat();
      assert.ok(weeks.every((week) => week.length === 7 && weekdayOf(week[0]!) === first));
      assert.ok(days.every((day, i) => !i || daysBetween(days[i - 1]!, day) === 1));
      assert.ok(weeks[0]!.includes(`${month}-01`));
      const next = `${addMonths(month, 1)}-01`;
      assert.ok(weeks.at(-1)!.some((day) => day.startsWith(month)));
      assert.ok(!days.slice(0, -7).includes(next));
    }
  assert.equal(weeksOf("2027-02", 1).length, 4);
  assert.equal(weeksOf("2026-08", 7).length, 6);
});

test("the first day of the week is that of the locale, Monday where nothing is known", () => {
  assert.equal(firstDayOf("en-US"), 7);
  assert.equal(firstDayOf("de-CH"), 1);
  assert.equal(firstDayOf("ar-EG"), 6);
  assert.equal(firstDayOf("not a locale"), 1);
});

test("what has a time keeps it on another day, also over a change of clocks", () => {
  const dated = { due_at: "2026-10-23T16:30:00.000Z", all_day: false };
  assert.deepEqual(dueOn(dated, "2026-10-26"), { due_at: "2026-10-26T17:30:00.000Z", all_day: false });
  assert.deepEqual(dueOn({ due_at: "2026-10-23T00:00:00.000Z", all_day: true }, "2026-10-26"), {
    due_at: "2026-10-26T00:00:00.000Z",
    all_day: true,
  });
  assert.deepEqual(dueOn({ due_at: null, all_day: false }, "2026-10-26"), { due_at: "2026-10-26T00:00:00.000Z", all_day: true });
});

test("a due date is that of the person's zone, also when the zone changes", () => {
  const late = { due_at: "2026-12-04T20:00:00.000Z", all_day: false };
  assert.equal(dueDate(late), "2026-12-04");
  setZone("Asia/Tokyo");
  assert.equal(dueDate(late), "2026-12-05");
  assert.equal(dueDate({ due_at: "2026-12-04T00:00:00.000Z", all_day: true }), "2026-12-04");
  setZone("America/Los_Angeles");
  assert.equal(dueDate({ due_at: "2026-12-04T00:00:00.000Z", all_day: true }), "2026-12-04");
  assert.equal(dateOf(Date.parse("2026-12-04T03:00:00Z")), "2026-12-03");
});
