// The example of a team: the same operations each time, which the server takes in one batch.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { CreateTask } from "../../src/sdk/contract.js";
import { LIMITS } from "../../src/sdk/contract.js";
import { EXAMPLE, exampleTasks } from "../../src/app/views/entry/example.js";

const made = () => {
  let n = 0;
  const where = { workspace: "w", projects: ["p0", "p1", "p2"], me: "me", today: "2026-11-30" };
  return exampleTasks(where, () => `id${n++}`);
};
const tasks = () => made().map(({ data }) => data as CreateTask);

test("it is the same each time, and fits in one batch", () => {
  assert.deepEqual(made(), made());
  assert.ok(made().length >= 30 && made().length <= LIMITS.batch);
});

test("it names only what was made before", () => {
  const known = new Set<string>();
  for (const { id, parent_id, blocked_by, project_id } of tasks()) {
    for (const other of [parent_id, ...(blocked_by ?? [])]) assert.ok(!other || known.has(other));
    assert.match(project_id!, /^p[0-2]$/);
    known.add(id!);
  }
});

test("dates count from today, also over the end of a month", () => {
  const due = (title: string) => tasks().find((task) => task.title === title)!;
  assert.deepEqual([due("Draw the poster").due_at, due("Draw the poster").all_day], ["2026-12-04T00:00:00.000Z", true]);
  assert.deepEqual([due("Order brake pads").due_at, due("Order brake pads").all_day], ["2026-11-30T14:00:00.000Z", false]);
});

test("titles are unique and short enough, colours are written as the server wants them", () => {
  const titles = tasks().map(({ title }) => title);
  assert.equal(new Set(titles).size, titles.length);
  assert.ok(titles.every((title) => title.length <= LIMITS.title));
  assert.ok(EXAMPLE.projects.every(({ color }) => /^#[0-9a-f]{6}$/.test(color)));
});
