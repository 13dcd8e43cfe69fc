// What each event does to the state, by examples.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { EventFrame, Events, Task } from "../../src/sdk/contract.js";
import { fold } from "../../src/sdk/replica/fold.js";
import type { State } from "../../src/sdk/replica/state.js";
import { HOME, ME, OTHER } from "./model.js";
import { stateWith } from "./state.js";

const SPACE = `workspace:${HOME}`;
const USER = `user:${ME}`;

/** The state after events of a stream, from the next one on. */
const after = (state: State, stream: string, ...events: [keyof Events, object][]): State => {
  for (const [event, data] of events) {
    const { seq } = stream === USER ? state.user! : state.workspaces.get(HOME)!;
    const next = fold(state, { type: "event", stream, seq: seq + 1, event, data } as unknown as EventFrame);
    assert(next, event);
    state = next;
  }
  return state;
};
const start = stateWith(3);
const space = (state: State) => state.workspaces.get(HOME)!;
const [task] = [...space(start).tasks] as [Task];
const ada = { id: ME, username: "ada", name: "Ada", photo_url: null };
const bob = { id: OTHER, username: "bob", name: "Bob", photo_url: null };

test("a task is taken when its version is greater or equal", () => {
  const changed = after(start, SPACE, ["task.updated", { ...task, title: "new", version: 3 }]);
  const same = after(changed, SPACE, ["task.moved", { ...task, title: "equal", version: 3 }]);
  const older = after(same, SPACE, ["task.completed", { ...task, title: "old", version: 2 }]);
  assert.deepEqual(
    [changed, same, older].map((state) => space(state).tasks.get(task.id)!.title),
    ["new", "equal", "equal"],
  );
  assert.equal(space(older).seq, space(start).seq + 3);
});

test("what did not change is the same object", () => {
  const next = after(start, SPACE, ["task.updated", { ...task, title: "new", version: 3 }]);
  assert.equal(next.user, start.user);
  assert.equal(space(next).members, space(start).members);
  const others = [...space(start).tasks].filter(({ id }) => id !== task.id);
  for (const other of others) assert.equal(space(next).tasks.get(other.id), other);
  assert.equal(space(start).tasks.get(task.id), task, "the state before is as it was");
});

test("an event that is there already changes nothing, and a gap needs a sync", () => {
  const frame = (seq: number) =>
    ({
      type: "event",
      stream: SPACE,
      seq,
      event: "task.updated",
      data: { ...task, version: 9 },
    }) as unknown as EventFrame;
  assert.equal(fold(start, frame(space(start).seq)), start);
  assert.equal(fold(start, frame(space(start).seq + 2)), undefined);
  assert.equal(fold(start, { ...frame(1), stream: "workspace:other" } as EventFrame), undefined);
  assert.equal(fold(start, { ...frame(1), stream: `user:${OTHER}` } as EventFrame), undefined);
});

test("an event of a newer server, and one whose task was purged, only move the position", () => {
  const next = after(
    start,
    SPACE,
    ["task.sung" as never, { id: task.id }],
    ["task.updated", { id: task.id, purged: true }],
  );
  assert.equal(space(next).seq, space(start).seq + 2);
  assert.equal(space(next).tasks, space(start).tasks);
});

test("a reset needs a sync, of either kind of stream", () => {
  for (const stream of [SPACE, USER]) {
    const { seq } = stream === USER ? start.user! : space(start);
    const frame = { type: "event", stream, seq: seq + 1, event: "stream.reset", data: { message: "much" } };
    assert.equal(fold(start, frame as unknown as EventFrame), undefined);
  }
});

test("a purged task goes away with its comments", () => {
  const next = after(start, SPACE, ["task.purged", { id: task.id, version: 4 }]);
  assert.equal(space(next).tasks.get(task.id), undefined);
  assert.equal(space(next).tasks.size, 2);
});

test("comments and attachments count, whatever the task's version", () => {
  const counts = (comment_count: number, attachment_count: number) => ({
    task: { id: task.id, comment_count, attachment_count },
  });
  const comment = {
    id: "c",
    task_id: task.id,
    body: "b",
    author: ada,
    mentions: [],
    version: 1,
    created_at: "",
    updated_at: "",
  };
  const next = after(
    start,
    SPACE,
    ["comment.created", { ...comment, ...counts(1, 0) }],
    ["attachment.created", { id: "a", ...counts(1, 1) }],
  );
  const held = space(next).tasks.get(task.id)!;
  assert.deepEqual([held.comment_count, held.attachment_count, held.version], [1, 1, task.version]);
  assert.equal(space(next).details.get(task.id), undefined, "nobody asked for them");
  const gone = after(
    next,
    SPACE,
    ["comment.deleted", { ...comment, ...counts(0, 1) }],
    ["attachment.deleted", { id: "a", ...counts(0, 0) }],
  );
  assert.deepEqual(
    [space(gone).tasks.get(task.id)!.comment_count, space(gone).tasks.get(task.id)!.attachment_count],
    [0, 0],
  );
  const nobody = after(start, SPACE, [
    "comment.created",
    { ...comment, task: { id: "unknown", comment_count: 1, attachment_count: 0 } },
  ]);
  assert.equal(space(nobody).tasks, space(start).tasks);
});

test("members, projects and tags come, change and go", () => {
  const project = {
    id: "p",
    workspace_id: HOME,
    name: "P",
    color: null,
    position: "1",
    is_archived: false,
    version: 1,
    created_at: "",
    updated_at: "",
  };
  const tag = { id: "t", workspace_id: HOME, name: "T", color: null, version: 1 };
  const all = after(
    start,
    SPACE,
    ["member.added", { user: bob, role: "viewer", joined_at: "", version: 1, invite_id: "i" }],
    ["member.updated", { user: bob, role: "admin", joined_at: "", version: 2 }],
    ["project.created", project],
    ["project.updated", { ...project, name: "Q", version: 2 }],
    ["tag.created", tag],
    ["tag.updated", { ...tag, name: "U", version: 2 }],
    ["invite.created", { id: "i" }],
    ["invite.revoked", { id: "i" }],
  );
  assert.deepEqual(space(all).members.get(OTHER), { user: bob, role: "admin", joined_at: "", version: 2 });
  assert.deepEqual([space(all).projects.get("p")!.name, space(all).tags.get("t")!.name], ["Q", "U"]);
  const gone = after(
    all,
    SPACE,
    ["member.removed", { user_id: OTHER }],
    ["project.deleted", { id: "p", version: 3 }],
    ["tag.deleted", { id: "t", version: 3 }],
  );
  assert.deepEqual([space(gone).members.size, space(gone).projects.size, space(gone).tags.size], [1, 0, 0]);
});

test("a workspace's new name is in the user's list too, which keeps the role", () => {
  const { workspace } = space(start);
  const next = after(start, SPACE, ["workspace.updated", { ...workspace, name: "New", version: 2 }]);
  const listed = next.user!.workspaces.get(HOME)!;
  assert.deepEqual([listed.name, listed.role], ["New", "owner"]);
  assert.equal("role" in space(next).workspace, false);
  assert.equal(after(next, SPACE, ["workspace.deleted", { id: HOME, version: 3 }]).workspaces.get(HOME), undefined);
});

test("access comes, changes and goes, and takes the workspace along", () => {
  const other = { ...space(start).workspace, id: OTHER, name: "Other" };
  const next = after(
    start,
    USER,
    ["access.granted", { workspace: other, role: "viewer", seq: 4 }],
    ["access.changed", { workspace_id: OTHER, role: "admin" }],
  );
  assert.equal(next.user!.workspaces.get(OTHER)!.role, "admin");
  const lost = after(next, USER, ["access.lost", { workspace_id: HOME, reason: "left" }]);
  assert.deepEqual([lost.user!.workspaces.size, lost.workspaces.size], [2, 0]);
});

test("notifications are the newest hundred, and every event says how many are unread", () => {
  const one = (n: number) => ({
    id: `n${String(n).padStart(3, "0")}`,
    type: "TASK_CREATED",
    title: "",
    message: "",
    is_read: false,
    task_id: null,
    workspace_id: null,
    actor: null,
    version: 1,
    created_at: `2026-01-01T00:00:0${n % 10}.000Z`,
  });
  let state = after(
    start,
    USER,
    ...Array.from({ length: 100 }, (_, i): [keyof Events, object] => [
      "notification.created",
      { ...one(i + 1), unread: i + 1 },
    ]),
  );
  assert.deepEqual([state.user!.notifications.size, state.user!.unread, state.user!.truncated], [100, 100, false]);
  state = after(state, USER, ["notification.created", { ...one(101), unread: 101 }]);
  assert.deepEqual(
    [state.user!.notifications.size, state.user!.notifications.get("n001"), state.user!.truncated],
    [100, undefined, true],
  );
  state = after(state, USER, ["notification.updated", { ...one(1), is_read: true, version: 2, unread: 100 }]);
  assert.equal(state.user!.notifications.get("n001"), undefined, "it is older than all that are held");
  state = after(
    state,
    USER,
    ["notification.deleted", { id: "n050", unread: 99 }],
    ["notification.all_read", { up_to: "2026-01-01T00:00:04.000Z", updated: 50, unread: 49 }],
  );
  assert.deepEqual([state.user!.notifications.size, state.user!.unread], [99, 49]);
  for (const { is_read, created_at, version } of state.user!.notifications)
    assert.deepEqual([is_read, version], created_at <= "2026-01-01T00:00:04.000Z" ? [true, 2] : [false, 1]);
});

test("profile, sessions, tokens and invitations", () => {
  const { user } = start.user!;
  const invite = {
    id: "i",
    workspace: { id: "w", name: "W" },
    email: "",
    role: "member",
    invited_by: bob,
    expires_at: "",
    created_at: "",
  };
  const next = after(
    start,
    USER,
    ["profile.updated", { ...user, name: "Eve", version: 2 }],
    ["profile.updated", { ...user, version: 1 }],
    ["invite.received", invite],
    ["session.created", { id: "s" }],
    ["session.revoked", { id: "s" }],
    ["api_token.created", { id: "a" }],
    ["api_token.revoked", { id: "a" }],
    ["calendar.created", {}],
    ["calendar.revoked", {}],
  );
  assert.equal(next.user!.user.name, "Eve");
  assert.equal(next.user!.invites.size, 1);
  assert.equal(after(next, USER, ["invite.revoked", { id: "i" }]).user!.invites.size, 0);
});
