// Which tasks pass a filter, and their orders.

import assert from "node:assert/strict";
import test from "node:test";
import { COMPARE, fitting, isFiltering, NO_FILTER, NOBODY, passes, placeAt, stageOf, type Filter } from "../../src/app/arrange.js";
import type { Task } from "../../src/sdk/contract.js";

const task = (id: string, more: Partial<Task> = {}): Task =>
  ({ id, title: id, position: id, project_id: null, assignee_ids: [], tags: [], priority: "none", due_at: null, ...more }) as Task;
const found = (tasks: Task[], filter: Partial<Filter>, project?: string) =>
  tasks.filter(passes({ ...NO_FILTER, ...filter }, project)).map(({ id }) => id).join("");

const TASKS = [
  task("a", { title: "Call the Press", assignee_ids: ["u"], project_id: "p" }),
  task("b", { title: "Press apples", priority: "high", tags: ["home"] }),
  task("c", { is_deleted: true }),
];

test("a filter asks for all that it has", () => {
  assert.equal(found(TASKS, {}), "ab");
  assert.equal(found(TASKS, {}, "p"), "a");
  assert.equal(found(TASKS, { text: "press" }), "ab");
  assert.equal(found(TASKS, { text: " PRESS  call " }), "a");
  assert.equal(found(TASKS, { assignee: "u" }), "a");
  assert.equal(found(TASKS, { assignee: NOBODY }), "b");
  assert.equal(found(TASKS, { priority: "high", tag: "home" }), "b");
  assert.equal(found(TASKS, { priority: "high", assignee: "u" }), "");
});

test("a new task fits the filter", () => {
  const filter = { text: "x", assignee: "u", priority: "low", tag: "home" } as const;
  assert.deepEqual(fitting(filter), { assignee_ids: ["u"], priority: "low", tags: ["home"] });
  assert.deepEqual(fitting({ ...NO_FILTER, assignee: NOBODY }), {});
  assert.ok(isFiltering(filter) && !isFiltering(NO_FILTER));
});

test("tasks are sorted by their own order, date, priority, title and change", () => {
  const tasks = [
    task("a", { title: "task 10", due_at: "2030-01-02T12:00:00.000Z", priority: "low", updated_at: "2" }),
    task("b", { title: "Task 9", due_at: "2030-01-02T00:00:00.000Z", all_day: true, priority: "urgent", updated_at: "3" }),
    task("c", { title: "task 10", updated_at: "1" }),
  ];
  const sorted = (sort: keyof typeof COMPARE) => [...tasks].sort(COMPARE[sort]).map(({ id }) => id).join("");
  assert.equal(sorted("order"), "abc");
  assert.equal(sorted("due"), "bac");
  assert.equal(sorted("priority"), "bac");
  assert.equal(sorted("title"), "bac");
  assert.equal(sorted("updated"), "bac");
});

test("a task is in a stage that there is", () => {
  const stages = [
    { key: "x", name: "X", kind: "open", color: null },
    { key: "z", name: "Z", kind: "done", color: null },
  ] as const;
  assert.equal(stageOf(stages, task("a", { stage: "x" })), "x");
  assert.equal(stageOf(stages, task("a", { stage: "old" })), "x");
  assert.equal(stageOf(stages, task("a", { stage: "", completed: true })), "z");
});

test("a place is told by the task after it, at the end by the one before", () => {
  assert.deepEqual(placeAt(TASKS, 0), { before: "a" });
  assert.deepEqual(placeAt(TASKS, 3), { after: "c" });
  assert.deepEqual(placeAt([], 0), {});
});
