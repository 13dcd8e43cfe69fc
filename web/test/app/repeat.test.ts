// Rules of repetition: what the picker makes of them, and their words.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inWords, parse, ruleOf } from "../../src/app/views/task/repeat.js";

/** Rules that the picker makes, and reads as it made them. */
const KNOWN: [rule: string, words: RegExp][] = [
  ["FREQ=DAILY", /^Every day$/],
  ["FREQ=DAILY;INTERVAL=3", /^Every 3 days$/],
  ["FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", /^Every weekday$/],
  ["FREQ=WEEKLY", /^Every week$/],
  ["FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", /^Every 2 weeks on Monday and Thursday$/],
  ["FREQ=MONTHLY;BYMONTHDAY=1", /^Every month on the 1st$/],
  ["FREQ=MONTHLY;BYMONTHDAY=22", /^Every month on the 22nd$/],
  ["FREQ=MONTHLY;BYMONTHDAY=-1", /^Every month on the last day$/],
  ["FREQ=MONTHLY;BYDAY=-1FR", /^Every month on the last Friday$/],
  ["FREQ=MONTHLY;BYDAY=2TU", /^Every month on the second Tuesday$/],
  ["FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", /^Every month on the last weekday$/],
  ["FREQ=YEARLY;INTERVAL=2", /^Every 2 years$/],
  ["FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24", /^Every year on (24 December|December 24)$/],
  ["FREQ=YEARLY;BYMONTH=5;BYDAY=2SU", /^Every year on the second Sunday of May$/],
  ["FREQ=DAILY;COUNT=5", /^Every day, 5 times$/],
  ["FREQ=WEEKLY;BYDAY=WE;UNTIL=20271231", /^Every week on Wednesday, until .*31.*2027/],
];

for (const [rule, words] of KNOWN)
  test(`${rule} is known, and made again as it was`, () => {
    assert.equal(ruleOf(parse(rule)!), rule);
    assert.match(inWords(rule), words);
  });

test("other ways to write a known rule are understood", () => {
  assert.match(inWords("rrule:freq=weekly;byday=fr,mo"), /^Every week on Monday and Friday$/);
  assert.match(inWords("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR"), /^Every weekday$/);
  assert.match(inWords("FREQ=MONTHLY;BYDAY=FR;BYSETPOS=-1"), /^Every month on the last Friday$/);
  assert.match(inWords("FREQ=WEEKLY;WKST=MO"), /^Every week$/);
  assert.match(inWords("FREQ=DAILY;UNTIL=20301224T120000Z"), /^Every day, until .*24.*2030/);
});

/** Rules of which the picker would lose a part. */
const OTHERS = [
  "FREQ=HOURLY;INTERVAL=3",
  "FREQ=MONTHLY;BYMONTHDAY=1,15",
  "FREQ=MONTHLY;BYMONTHDAY=-2",
  "FREQ=MONTHLY;BYDAY=MO,TU",
  "FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR",
  "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
  "FREQ=YEARLY;BYMONTH=1,2;BYMONTHDAY=31",
  "FREQ=YEARLY;BYMONTH=2",
  "FREQ=DAILY;BYHOUR=9,18",
  "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=MO",
  "FREQ=DAILY;BYMONTH=7",
  "FREQ=WEEKLY;BYDAY=MO,FR;BYSETPOS=1",
  "every day",
];

for (const rule of OTHERS)
  test(`${rule} is shown as it is`, () => {
    assert.equal(parse(rule), undefined);
    assert.equal(inWords(rule), rule);
  });
