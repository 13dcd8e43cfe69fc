// The rows of the list: nesting, groups, and where a dragged row comes.

import assert from "node:assert/strict";
import test from "node:test";
import type { Stage, Task } from "../../src/sdk/contract.js";
import { dropAt, heightOf, moveOf, outline, siblings, withoutRow, type Row, type TaskRow } from "../../src/app/views/list/outline.js";

const STAGES: Stage[] = [
  { key: "todo", name: "To do", kind: "open", color: null },
  { key: "done", name: "Done", kind: "done", color: null },
];
const task = (id: string, more: Partial<Task> = {}): Task =>
  ({ id, parent_id: null, title: id, stage: "todo", priority: "none", assignee_ids: [], completed: false, ...more }) as Task;

/** a > (b > c), d; e */
const TASKS = [task("a"), task("b", { parent_id: "a" }), task("c", { parent_id: "b" }), task("d", { parent_id: "a" }), task("e")];
const NONE = { by: "none", groups: [], stages: STAGES } as const;
const STAGED = { by: "stage", groups: STAGES.map(({ key, name }) => ({ value: key, label: name })), stages: STAGES } as const;
const drawn = (rows: readonly Row[]) =>
  rows.map((row) => (row.kind === "group" ? `# ${row.group.value} ${row.count}` : " ".repeat(row.depth) + row.task.id));
const rows = (closed: string[] = []) => outline(TASKS, NONE, new Set(closed));
const rowOf = (all: readonly Row[], id: string) =>
  all.find((row): row is TaskRow => row.kind === "task" && row.task.id === id)!;

test("subtasks stand below their parents, two levels deep", () => {
  assert.deepEqual(drawn(rows()), ["a", " b", "  c", " d", "e"]);
  assert.deepEqual(drawn(rows(["b"])), ["a", " b", " d", "e"]);
  assert.deepEqual(drawn(rows(["a"])), ["a", "e"]);
});

test("a subtask whose parent is not shown stands by itself", () => {
  assert.deepEqual(drawn(outline(TASKS.slice(1), NONE, new Set())), ["b", " c", "d", "e"]);
});

test("tasks of several people are in the group of each", () => {
  const shared = [task("a", { assignee_ids: ["1", "2"] }), task("b")];
  const groups = ["1", "2", ""].map((value) => ({ value, label: value }));
  const found = outline(shared, { by: "assignee", groups, stages: STAGES }, new Set());
  assert.deepEqual(drawn(found), ["# 1 1", "a", "# 2 1", "a", "#  1", "b"]);
  assert.equal(new Set(found.map(({ key }) => key)).size, found.length);
});

test("groups of stages are shown when they are empty, closed ones without what is in them", () => {
  assert.deepEqual(drawn(outline([task("a")], STAGED, new Set())), ["# todo 1", "a", "# done 0"]);
  assert.deepEqual(drawn(outline([task("a")], STAGED, new Set(["group todo"]))), ["# todo 1", "# done 0"]);
});

test("siblings have the same parent", () => {
  assert.deepEqual(siblings(rows(), "d").map(({ key }) => key), ["b", "d"]);
  assert.deepEqual(siblings(rows(), "e").map(({ key }) => key), ["a", "e"]);
});

/** What is asked for when a row is let go above the one at `line` of the others. */
const dropped = (id: string, line: number) => {
  const all = rows();
  return moveOf(all, rowOf(all, id), dropAt(withoutRow(all, id), line, heightOf(TASKS, id)), STAGES);
};

test("a dragged row becomes a sibling of the one below it", () => {
  assert.deepEqual(dropped("e", 0), { id: "e", before: "a" });
  assert.deepEqual(dropped("e", 1), { id: "e", parent_id: "a", before: "b" });
  assert.deepEqual(dropped("e", 2), { id: "e", parent_id: "b", before: "c" });
  assert.deepEqual(dropped("d", 3), { id: "d", parent_id: null, before: "e" });
  assert.deepEqual(dropped("a", 1), { id: "a", after: "e" });
});

test("a dragged row that stays where it is asks for nothing", () => {
  assert.equal(dropped("a", 0), undefined);
  assert.equal(dropped("b", 1), undefined);
  assert.equal(dropped("e", 4), undefined);
});

test("a row is not nested deeper than two levels with what is below it", () => {
  const more = [...TASKS, task("f"), task("g", { parent_id: "f" })];
  const all = outline(more, NONE, new Set());
  const drop = dropAt(withoutRow(all, "f"), 2, heightOf(more, "f"));
  assert.deepEqual(moveOf(all, rowOf(all, "f"), drop, STAGES), { id: "f", parent_id: "a", before: "b" });
  assert.equal(heightOf(more, "a"), 2);
});

test("a row that is let go in another stage moves there, also where that is empty", () => {
  const all = outline([task("a"), task("b")], STAGED, new Set());
  const rest = withoutRow(all, "a");
  assert.deepEqual(moveOf(all, rowOf(all, "a"), dropAt(rest, rest.length, 0), STAGES), { id: "a", stage: "done" });
  assert.deepEqual(moveOf(all, rowOf(all, "a"), dropAt(rest, 2, 0), STAGES), { id: "a", after: "b" });
});
