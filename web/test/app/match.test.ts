// How the command palette finds things.

import assert from "node:assert/strict";
import test from "node:test";
import { fitOf, searchOf } from "../../src/app/commands/match.js";

const order = (query: string, ...texts: string[]): string[] => {
  const search = searchOf(texts, (text) => text, query, 10);
  search.step(1_000);
  return search.found().map(({ item }) => item);
};

test("a beginning is before the beginning of a word, that before a middle, that before letters", () => {
  assert.deepEqual(order("wat", "Underwater", "Boil water", "Water plants", "Wash a tent", "Milk"), [
    "Water plants",
    "Boil water",
    "Underwater",
    "Wash a tent",
  ]);
  assert.deepEqual(order("plants water", "Water the plants", "Water"), ["Water the plants"]);
  assert.equal(fitOf("xyz", "milk"), 0);
  assert.equal(fitOf("ma", "m" + "-".repeat(20) + "a"), 0, "letters far from each other are no match");
});

test("a hundred thousand titles are looked through in steps that keep to their time", () => {
  let now = 0;
  const clock = () => (now += 1);
  const titles = Array.from({ length: 100_000 }, (_, i) => `Task ${i} of the orchard`);
  const search = searchOf(titles, (text) => text, "task 99999", 5);
  let steps = 1;
  while (!search.step(5, clock)) steps++;
  assert.ok(steps > 50, String(steps));
  assert.equal(search.found()[0]!.item, "Task 99999 of the orchard");
});
