// What an event did to a task, in words.

import assert from "node:assert/strict";
import { test } from "node:test";
import { deeds, type Names } from "../../src/app/views/task/deeds.js";
import type { EventFrame, Task } from "../../src/sdk/contract.js";

const TASK: Task = {
  id: "t",
  workspace_id: "w",
  project_id: null,
  parent_id: null,
  title: "Pick apples",
  description: null,
  completed: false,
  completed_at: null,
  stage: "todo",
  blocked_by: [],
  priority: "none",
  due_at: null,
  all_day: false,
  remind_at: null,
  recurrence: null,
  position: "a",
  tags: [],
  assignee_ids: [],
  comment_count: 0,
  attachment_count: 0,
  is_deleted: false,
  deleted_at: null,
  version: 1,
  created_by: "u",
  created_at: "2026-01-01T00:00:00.000Z",
  updated_at: "2026-01-01T00:00:00.000Z",
};

const NAMES: Names = {
  stage: (key) => `stage ${key}`,
  project: (id) => `project ${id}`,
  person: (id) => `person ${id}`,
  task: (id) => `task ${id}`,
};

const NOW = Date.parse("2026-01-01T12:00:00Z");

const frame = (event: string, data: object): EventFrame =>
  ({ type: "event", stream: "workspace:w", seq: 1, event, at: TASK.created_at, actor: { kind: "server" }, data }) as unknown as EventFrame;

const did = (change: Partial<Task>, event = "task.updated", before: Task | undefined = TASK): string[] =>
  deeds(frame(event, { ...TASK, ...change }), before, NAMES, NOW);

test("each change of a field is said", () => {
  assert.deepEqual(did({ title: "Pick pears" }), ["renamed it to “Pick pears”"]);
  assert.deepEqual(did({ stage: "doing" }, "task.moved"), ["moved it to stage doing"]);
  assert.deepEqual(did({ priority: "high" }), ["set the priority to High"]);
  assert.deepEqual(did({ due_at: "2026-01-02T00:00:00.000Z", all_day: true }), ["set the due date to Tomorrow"]);
  assert.deepEqual(did({ recurrence: "FREQ=DAILY" }), ["made it repeat: every day"]);
  assert.deepEqual(did({ assignee_ids: ["a", "b"] }), ["assigned person a", "assigned person b"]);
  assert.deepEqual(did({ tags: ["home"] }), ["added the tag home"]);
  assert.deepEqual(did({ blocked_by: ["x"] }), ["said that “task x” blocks it"]);
  assert.deepEqual(did({ project_id: "p" }), ["moved it to the project project p"]);
  assert.deepEqual(did({ parent_id: "x" }), ["put it below “task x”"]);
  assert.deepEqual(did({ description: "More" }), ["changed the description"]);
  assert.deepEqual(did({ position: "b" }, "task.moved"), ["changed its place"]);
});

test("what is taken away is said", () => {
  const before = { ...TASK, due_at: "2026-01-02T09:00:00.000Z", tags: ["home"], assignee_ids: ["a"], project_id: "p" };
  assert.deepEqual(did({}, "task.updated", before), [
    "took it out of its project",
    "removed the due date",
    "unassigned person a",
    "removed the tag home",
  ]);
});

test("a completed task is not also said to have another stage", () => {
  assert.deepEqual(did({ completed: true, stage: "done" }, "task.completed"), ["completed it"]);
});

test("what was before may not be known, nor what is now", () => {
  assert.deepEqual(did({}, "task.completed", undefined), ["completed it"]);
  assert.deepEqual(did({}, "task.updated", undefined), ["changed it"]);
  assert.deepEqual(deeds(frame("task.updated", { id: "t", purged: true }), TASK, NAMES, NOW), ["changed it"]);
});

test("comments and files are told by their events", () => {
  assert.deepEqual(deeds(frame("comment.created", { id: "c", task_id: "t" }), TASK, NAMES, NOW), ["wrote a comment"]);
  assert.deepEqual(deeds(frame("attachment.created", { id: "f", task_id: "t", name: "a.txt" }), TASK, NAMES, NOW), [
    "added the file a.txt",
  ]);
});
