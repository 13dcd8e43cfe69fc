// Changes in words: with the names that the server has, and those of what was made here.

import assert from "node:assert/strict";
import test from "node:test";
import { inWords } from "../../src/app/changes/words.js";
import { Table, type Operation, type Replica } from "../../src/sdk/index.js";

const NOW = Date.parse("2026-11-27T09:00:00Z");

/** A state with a workspace in which these things are; only what the words need. */
const stateOf = (): Replica => {
  const table = (...items: { id: string }[]) => Table.of(items, ({ id }) => id);
  const ada = { user: { id: "ada", name: "Ada Byron" } };
  const space = {
    workspace: { id: "w", name: "Garden club", stages: [{ key: "doing", name: "In work" }] },
    tasks: table({ id: "milk", title: "Milk", workspace_id: "w" } as { id: string }),
    projects: table({ id: "fair", name: "Summer fair" } as { id: string }),
    tags: table(),
    members: Table.of([ada], ({ user }) => user.id),
  };
  const workspaces = Table.of([space], () => "w");
  return { epoch: "e", user: { workspaces: table(space.workspace) }, workspaces } as unknown as Replica;
};

const op = (name: string, data: object, more: object = {}): Operation =>
  ({ op_id: `op ${name}`, name, data, created_at: "", phase: "waiting", ...more }) as unknown as Operation;

const CASES: [string, object, string][] = [
  ["task.create", { title: "Bread" }, "Add “Bread”"],
  ["task.update", { id: "milk", title: "Oat milk" }, "Change the title of “Milk” to “Oat milk”"],
  ["task.update", { id: "milk", due_at: "2026-11-28T00:00:00.000Z", all_day: true }, "Make “Milk” due Tomorrow"],
  ["task.update", { id: "milk", due_at: null, all_day: false }, "Remove the date of “Milk”"],
  ["task.update", { id: "milk", priority: "high", tags: [] }, "Change the priority, tags of “Milk”"],
  ["task.update", { id: "milk", priority: "high" }, "Change the priority of “Milk” to High"],
  ["task.update", { id: "milk", description: "x" }, "Change the description of “Milk”"],
  ["task.update", { id: "milk", stage: "doing" }, "Move “Milk” to “In work”"],
  ["task.move", { id: "milk", project_id: "fair" }, "Move “Milk” to “Summer fair”"],
  ["task.move", { id: "milk", before: "other" }, "Change the place of “Milk”"],
  ["task.complete", { id: "milk", completed: true }, "Complete “Milk”"],
  ["task.complete", { id: "milk", completed: false }, "Reopen “Milk”"],
  ["task.delete", { id: "gone" }, "Delete a task"],
  ["task.assign", { id: "milk", add: ["ada"] }, "Assign “Milk” to Ada Byron"],
  ["comment.create", { task_id: "made", body: "one\ntwo" }, "Write “one two” on “Eggs”"],
  ["project.update", { id: "fair", name: "Fair" }, "Rename “Summer fair” to “Fair”"],
  ["project.archive", { id: "fair" }, "Archive “Summer fair”"],
  ["member.add", { workspace_id: "w", username: "ben" }, "Add ben to “Garden club”"],
  ["profile.update", { preferences: {} }, "Change your settings"],
  ["notification.mark", { is_read: false }, "Mark a notification as unread"],
  [
    "batch",
    {
      ops: [
        { type: "task.complete", data: { id: "milk" } },
        { type: "task.delete", data: { id: "milk" } },
      ],
    },
    "Complete “Milk”, and 1 change with it",
  ],
  ["calendar.revoke", {}, "Another change (calendar.revoke)"],
];

test("a change is told in words", () => {
  const state = stateOf();
  const made = op("task.create", { id: "made", title: "Eggs" });
  for (const [name, data, words] of CASES) assert.equal(inWords(op(name, data), state, [made], NOW), words);
  const undo = op("task.delete", { id: "made" }, { undoes: "x" });
  assert.equal(inWords(undo, state, [made], NOW), "Undo: Delete “Eggs”");
  const long = inWords(op("task.create", { title: "word ".repeat(40) }), state, [], NOW);
  assert.match(long, /^Add “.{50,60}…”$/);
});
