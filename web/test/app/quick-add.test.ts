// What lines, dates and rules mean: the table of cases that `tw` reads too, and what only the board has, ranges and plain text.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { parseDue, type Due } from "../../src/app/quick-add/due.js";
import { ruleOf } from "../../src/app/quick-add/every.js";
import { complete, completed, type Signs } from "../../src/app/quick-add/complete.js";
import { readLine, type Known } from "../../src/app/quick-add/line.js";
import { moved } from "../../src/app/quick-add/plain.js";

interface Line {
  text: string;
  title: string;
  due?: string;
  every?: string;
  priority?: string;
  project?: string;
  tags?: string[];
  people?: string[];
}

interface Table {
  known: Known;
  dates: { now: string; zone: string; read: [string, string][]; refused: string[] };
  rules: { read: [string, string][]; refused: string[] };
  lines: { what: string; now: string; zone: string; lines: Line[] }[];
}

const TABLE = JSON.parse(readFileSync("../tests/quick-add.json", "utf8")) as Table;
const FRIDAY = { at: Date.parse("2026-11-27T09:00:00Z"), zone: "Europe/Zurich" };

const said = (due: Due | undefined): string | undefined =>
  due && (due.allDay ? new Date(due.at).toISOString().slice(0, 10) : new Date(due.at).toISOString().replace(":00.000Z", "Z"));

test("a date is read as people mean it, and what is none is refused", () => {
  const { now, zone, read, refused } = TABLE.dates;
  const then = { at: Date.parse(now), zone };
  for (const [text, expected] of read) assert.equal(said(parseDue(text, then)), expected, text);
  for (const text of refused) assert.equal(said(parseDue(text, then)), undefined, text);
});

test("words become rules", () => {
  for (const [text, expected] of TABLE.rules.read) assert.equal(ruleOf(text), expected, text);
  for (const text of TABLE.rules.refused) assert.equal(ruleOf(text), undefined, text);
});

for (const { what, now, zone, lines } of TABLE.lines)
  test(`a line of a task: ${what}`, () => {
    for (const { text, ...expected } of lines) {
      const { parts, due, ...line } = readLine(text, { at: Date.parse(now), zone }, TABLE.known);
      const read = { ...line, ...(due && { due: said(due) }) };
      assert.deepEqual(read, { tags: [], people: [], ...expected }, text);
      for (const { ranges } of parts)
        for (const { from, to } of ranges) assert.equal(text.slice(from, to), text.slice(from, to).trim(), text);
    }
  });

test("each part says where it is, and where it is taken back its words are text", () => {
  const text = "tomorrow call Ben 9am every week #home";
  const partsOf = (plain: { from: number; to: number }[]) =>
    readLine(text, FRIDAY, TABLE.known, plain).parts.map(({ is, ranges }) => [is, ...ranges.map(({ from, to }) => text.slice(from, to))]);
  assert.deepEqual(partsOf([]), [
    ["due", "tomorrow", "9am"],
    ["every", "every week"],
    ["project", "#home"],
  ]);
  const tomorrow = { from: 0, to: 8 };
  assert.deepEqual(partsOf([tomorrow])[0], ["due", "9am"]);
  const { title, due } = readLine(text, FRIDAY, TABLE.known, [tomorrow, { from: 18, to: 21 }, { from: 33, to: 38 }]);
  assert.equal(title, "tomorrow call Ben 9am #home");
  assert.equal(due, undefined);
});

test("plain text stays plain while the rest of the line is edited", () => {
  const friday = { from: 5, to: 11 };
  assert.deepEqual(moved([friday], "Call friday", "Call Ben friday"), [{ from: 9, to: 15 }]);
  assert.deepEqual(moved([friday], "Call friday", "Call friday now"), [friday]);
  assert.deepEqual(moved([friday], "Call friday", "Call frida"), []);
  assert.deepEqual(moved([friday], "Call friday", ""), []);
});

test("a name is completed by its beginning, a word of it, or the person's name", () => {
  const signs: Signs = {
    "#": [
      { is: "project", name: "Summer fair" },
      { is: "project", name: "Home" },
      { is: "tag", name: "home" },
      { is: "tag", name: "bills" },
    ],
    "/": [{ is: "project", name: "Home" }],
    "@": [{ is: "person", name: "ada", label: "Ada Byron" }],
    "!": [{ is: "priority", name: "high" }],
  };
  const choose = (line: string, place = 0, caret = line.length) => {
    const found = complete(line, caret, signs);
    return found && completed(line, found, found.options[place]!, signs).line;
  };
  assert.equal(choose("Pay #su"), 'Pay #"Summer fair" ');
  assert.equal(choose("Pay #fai"), 'Pay #"Summer fair" ');
  assert.equal(choose('Pay #"summer f'), 'Pay #"Summer fair" ');
  assert.equal(choose("Pay #ho"), "Pay /Home ", "the tag of the same name is said by the other sign");
  assert.equal(choose("Pay #ho", 1), "Pay #home ");
  assert.equal(choose("Pay #b friday", 0, 6), "Pay #bills friday");
  assert.equal(choose("ask @byr"), "ask @ada ");
  assert.equal(choose("ask @"), "ask @ada ");
  assert.equal(choose("Pay !h"), "Pay !high ");
  for (const nothing of ["Pay", "Pay #bills", "a#b", "Pay #zzz", "ask ada@by", "Pay /etc/ho"]) assert.equal(choose(nothing), undefined, nothing);
});
