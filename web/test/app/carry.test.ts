// Carrying a card over the board by keys.

import assert from "node:assert/strict";
import test from "node:test";
import type { Task } from "../../src/sdk/contract.js";
import { carryBy, indexOf, moveTo, spotOf, without, type Shown, type Spot } from "../../src/app/views/board/carry.js";

const column = (key: string, ...ids: string[]): Shown => ({
  stage: { key, name: key, kind: "open", color: null },
  tasks: ids.map((id) => ({ id }) as Task),
});
const COLUMNS = [column("one", "a", "b", "c"), column("two", "x"), column("three")];

const carried = (id: string, ...keys: string[]): Spot =>
  keys.reduce((spot, key) => carryBy(key, COLUMNS, id, spot) ?? spot, spotOf(COLUMNS, id)!);

test("keys carry a card up, down and aside", () => {
  assert.deepEqual(moveTo(COLUMNS, "a", carried("a", "ArrowDown")), { id: "a", before: "c" });
  assert.deepEqual(moveTo(COLUMNS, "a", carried("a", "End")), { id: "a", after: "c" });
  assert.deepEqual(moveTo(COLUMNS, "c", carried("c", "Home")), { id: "c", before: "a" });
  assert.deepEqual(moveTo(COLUMNS, "c", carried("c", "ArrowRight")), { id: "c", stage: "two", after: "x" });
  assert.deepEqual(moveTo(COLUMNS, "a", carried("a", "ArrowRight")), { id: "a", stage: "two", before: "x" });
  assert.deepEqual(moveTo(COLUMNS, "a", carried("a", "ArrowRight", "ArrowRight")), { id: "a", stage: "three" });
});

test("a card does not leave the board, and one that is put back where it was is not moved", () => {
  assert.equal(moveTo(COLUMNS, "a", carried("a", "ArrowUp", "ArrowLeft")), undefined);
  assert.equal(moveTo(COLUMNS, "b", carried("b", "ArrowDown", "ArrowUp")), undefined);
  assert.equal(moveTo(COLUMNS, "c", carried("c", "ArrowDown", "ArrowDown")), undefined);
});

test("a place stays where it is when the task below it goes away", () => {
  const spot = carried("a", "ArrowDown");
  const others = without(COLUMNS[0]!.tasks, "a").filter(({ id }) => id !== "c");
  assert.equal(indexOf(others, spot), 1);
});
