// Groups of tasks, pages of notifications, the scale of a chart, and which changes concern a view.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { EventFrame, Notification, Task } from "../../src/sdk/contract.js";
import type { Scene } from "../../src/app/places.js";
import { concerns, isByOther } from "../../src/app/parts/others.js";
import { setZone } from "../../src/app/time.js";
import { count } from "../../src/app/views/dashboard/count.js";
import { named, perDay, ticks } from "../../src/app/views/dashboard/scale.js";
import { after, below } from "../../src/app/views/inbox/pages.js";
import { bySoon } from "../../src/app/views/mine/groups.js";

beforeEach(() => setZone("UTC"));

test("tasks are grouped by how soon they are due", () => {
  const due = (id: string, due_at: string | null) => ({ id, due_at, all_day: true, priority: "none", position: id }) as Task;
  const day = (date: string) => `${date}T00:00:00.000Z`;
  const tasks = [
    due("later", day("2026-12-09")),
    due("none", null),
    due("week", day("2026-12-07")),
    due("tomorrow", day("2026-12-01")),
    due("today", day("2026-11-30")),
    due("old", day("2026-11-29")),
  ];
  const groups = bySoon(tasks, "2026-11-30").map(({ tasks }) => tasks.map(({ id }) => id));
  assert.deepEqual(groups, [["old"], ["today"], ["tomorrow"], ["week"], ["later"], ["none"]]);
});

const notice = (id: string, created_at: string, is_read = false) => ({ id, created_at, is_read, type: "MENTION" }) as Notification;

test("a page of notifications goes on behind what is held", () => {
  const held = [notice("c", "3"), notice("b", "2")];
  const page = [notice("c", "3"), notice("b", "2"), notice("x", "2"), notice("a", "1")];
  assert.deepEqual(below(held, page).map(({ id }) => id), ["x", "a"]);
  assert.deepEqual(below([], page).length, 4);
});

test("older notifications follow what happens to them", () => {
  const items = [notice("b", "2"), notice("a", "1")];
  const event = (event: string, data: object) => ({ event, data }) as unknown as EventFrame;
  assert.deepEqual(after(items, event("notification.deleted", { id: "b", unread: 0 })).map(({ id }) => id), ["a"]);
  assert.deepEqual(after(items, event("notification.all_read", { up_to: "1" })).map(({ is_read }) => is_read), [false, true]);
  const updated = after(items, event("notification.updated", { ...items[0], is_read: true, unread: 1 }));
  assert.deepEqual(updated, [{ ...items[0], is_read: true }, items[1]]);
  // A purged task takes the payload along.
  assert.deepEqual(after(items, event("notification.updated", { id: "b", forgotten: true })), items);
});

test("a chart has few round lines up to at least the most", () => {
  assert.deepEqual(ticks(0), [0, 1]);
  assert.deepEqual(ticks(3), [0, 1, 2, 3]);
  assert.deepEqual(ticks(12), [0, 5, 10, 15]);
  for (const most of [1, 7, 19, 99, 100, 101, 4321, 1e6]) {
    const lines = ticks(most);
    assert.ok(lines.at(-1)! >= most && lines.length <= 6);
  }
  assert.deepEqual(named(7, 6), [0, 2, 4, 6]);
  assert.deepEqual(named(1), [0]);
  const created = [{ date: "2026-11-29", count: 2 }, { date: "2026-11-30", count: 0 }];
  assert.deepEqual(perDay(created, [{ date: "2026-11-30", count: 4 }]), [
    { date: "2026-11-29", created: 2, completed: 0 },
    { date: "2026-11-30", created: 0, completed: 4 },
  ]);
});

test("changes by others concern the views that show them", () => {
  const by = (actor: object) => isByOther({ actor } as EventFrame, "me");
  assert.ok(!by({ kind: "user", id: "me", name: "Me" }));
  assert.ok(by({ kind: "user", id: "you", name: "You" }) && by({ kind: "server" }) && by({ kind: "operator" }));
  const inside = { at: "workspace", workspace: "w", project: "p", layout: "board" } as Scene;
  const about = (scene: Scene, stream: string, event: string, data: object) =>
    concerns(scene, { stream, event, data } as unknown as EventFrame, "me");
  assert.ok(about(inside, "workspace:w", "task.updated", { project_id: "p" }));
  assert.ok(!about(inside, "workspace:w", "task.updated", { project_id: null }));
  assert.ok(!about(inside, "workspace:v", "task.updated", { project_id: "p" }));
  assert.ok(about({ at: "mine" }, "workspace:v", "task.updated", { assignee_ids: ["me"] }));
  assert.ok(!about({ at: "mine" }, "workspace:v", "task.updated", { assignee_ids: [] }));
  assert.ok(!about({ at: "settings", part: "profile" }, "workspace:v", "task.updated", {}));
});

test("tasks of a project are counted as the server counts those of a workspace", () => {
  const task = (more: Partial<Task>) =>
    ({ id: Math.random().toString(), completed: false, completed_at: null, is_deleted: false, due_at: null, all_day: true, priority: "none", project_id: "p", assignee_ids: [], created_at: "2026-11-29T12:00:00Z", ...more }) as Task;
  const tasks = [
    task({ due_at: "2026-11-29T00:00:00Z", priority: "high", assignee_ids: ["a", "b"] }),
    task({ due_at: "2026-11-30T08:00:00Z", all_day: false, assignee_ids: ["a"] }),
    task({ due_at: "2026-11-30T00:00:00Z" }),
    task({ completed: true, completed_at: "2026-11-30T01:00:00Z", due_at: "2026-11-01T00:00:00Z", created_at: "2025-01-01T00:00:00Z" }),
    task({ is_deleted: true }),
  ];
  const stats = count(tasks, Date.parse("2026-11-30T10:00:00Z"), 7);
  const { created_per_day, completed_per_day, ...rest } = stats;
  assert.deepEqual(rest, {
    total: 4,
    pending: 3,
    completed: 1,
    overdue: 2,
    due_today: 2,
    deleted: 1,
    by_priority: [{ key: "high", count: 1 }, { key: "none", count: 2 }],
    by_project: [{ key: "p", count: 3 }],
    by_assignee: [{ key: "a", count: 2 }, { key: "b", count: 1 }, { key: null, count: 1 }],
  });
  assert.equal(created_per_day.length, 7);
  assert.deepEqual(created_per_day.slice(-2).map(({ count }) => count), [3, 0]);
  assert.deepEqual(completed_per_day.at(-1), { date: "2026-11-30", count: 1 });
});
