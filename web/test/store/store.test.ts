// The store with a connection that a test answers by hand: who is told, what is sent together, in which order, and again.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { EventFrame, Failure, Task, Welcome } from "../../src/sdk/contract.js";
import { Lost, Refused, type Link, type Listener, type State as Connection } from "../../src/sdk/link.js";
import { undoable } from "../../src/sdk/outbox/undo.js";
import { onRecords } from "../../src/sdk/storage/records.js";
import { EMPTY } from "../../src/sdk/replica/state.js";
import { openStore, type StoreOptions } from "../../src/sdk/store.js";
import { settle, testClock } from "../support/clock.js";
import { HOME, ME, Model, TEAM } from "./model.js";
import { inMemory } from "./records.js";
import { stateWith } from "./state.js";

interface Call {
  name: string;
  params: Record<string, unknown>;
  op_id: string | undefined;
  answer(data: unknown, at?: Record<string, number>): Promise<void>;
  refuse(code: Failure["code"], more?: Partial<Failure>): Promise<void>;
  lose(): Promise<void>;
}

const LIMITS = { frame_bytes: 65536, in_flight: 64, batch: 100, streams: 256, ops_per_second: 50, burst: 200 };

/** A store with a hundred tasks that is synced, and its connection. */
const open = async (options: StoreOptions = {}, count = 100) => {
  const clock = testClock();
  const storage = onRecords(inMemory());
  await storage.save(EMPTY, stateWith(count), new Map());
  const store = await openStore({ storage, clock, ...options });
  let listener: Listener = {};
  let state: Connection = { kind: "online" };
  const calls: Call[] = [];
  const link: Link = {
    get state() {
      return state;
    },
    call: (name, params, options) =>
      new Promise((resolve, reject) => {
        const after = (then: () => void) => async () => (then(), await settle());
        calls.push({
          name,
          params: params as Record<string, unknown>,
          op_id: options?.op_id,
          answer: (data, at = {}) => after(() => resolve({ data, at, replayed: false } as never))(),
          refuse: (code, more) =>
            after(() =>
              reject(
                new Refused({ code, message: code, retryable: false, retry_after_ms: null, request_id: "", ...more }),
              ),
            )(),
          lose: after(() => reject(new Lost("cut"))),
        });
      }),
    listen: (to) => ((listener = to), () => {}),
  };
  const welcome = (streams: object[] = [], epoch = "e", user = ME) =>
    listener.welcome?.({ epoch, limits: LIMITS, user: { id: user }, streams } as unknown as Welcome);
  const both = [
    { stream: `user:${ME}`, seq: 0, resumed: true },
    { stream: `workspace:${HOME}`, seq: 1, resumed: true },
  ];
  store.attach(link);
  welcome(both);
  await settle();
  const event = (stream: string, seq: number, event: string, data: object, op_id?: string) =>
    listener.event?.({ type: "event", stream, seq, event, data, op_id } as unknown as EventFrame);
  const turn = (to: Connection) => {
    state = to;
    listener.state?.(to);
  };
  const tasks = [...store.state.workspaces.get(HOME)!.tasks].sort((a, b) => (a.id < b.id ? -1 : 1)) as Task[];
  const take = () => calls.splice(0);
  const phases = () => store.state.operations.map(({ phase }) => phase);
  const shown = (id: string) => store.state.workspaces.get(HOME)!.tasks.get(id)!;
  return { store, clock, storage, tasks, take, welcome, both, event, turn, phases, shown, listener: () => listener };
};

test("a subscriber is told when its part changed, and of what the person does at once", async () => {
  const { store, clock, tasks, event } = await open();
  const [a, b] = tasks as [Task, Task];
  const told: unknown[] = [];
  store.subscribe(
    (view) => view.workspaces.get(HOME)!.tasks.get(a.id)!.title,
    (title) => told.push(title),
  );
  store.subscribe(
    (view) =>
      view.workspaces
        .get(HOME)!
        .tasks.filter(({ priority }) => priority === "high")
        .map(({ id }) => id),
    (ids) => told.push(ids),
  );
  store.subscribe(
    (view) => ({ stages: view.workspaces.get(HOME)!.workspace.stages, me: view.user!.user }),
    () => told.push("never"),
  );
  const stop = store.subscribe(
    (view) => view.workspaces.get(HOME)!.tasks.get(b.id),
    () => told.push("stopped"),
  );
  stop();
  store.mutate("task.update", { id: a.id, title: "x" });
  assert.deepEqual(told.splice(0), ["x"]);
  for (let seq = 2; seq < 6; seq++)
    event(`workspace:${HOME}`, seq, "task.updated", { ...b, priority: "high", title: `${seq}`, version: seq });
  assert.deepEqual(told, [], "together, a moment later");
  await clock.advance(0);
  assert.deepEqual(told.splice(0), [[b.id]]);
  event(`workspace:${HOME}`, 6, "task.updated", { ...b, priority: "high", title: "6", version: 6 });
  await clock.advance(0);
  assert.deepEqual(told, []);
  await store.close();
});

test("a subscriber that fails does not cost the others their news", async () => {
  const { store, tasks } = await open();
  const errors: unknown[] = [];
  const held = console.error;
  console.error = (error: unknown) => errors.push(error);
  const told: unknown[] = [];
  store.subscribe(
    (view) => view.operations.length,
    () => {
      throw new Error("mine");
    },
  );
  store.subscribe(
    (view) => view.operations.length,
    (count) => told.push(count),
  );
  store.mutate("task.update", { id: tasks[0]!.id, title: "x" });
  console.error = held;
  assert.deepEqual([told, (errors[0] as Error).message], [[1], "mine"]);
  await store.close();
});

test("edits of one thing become one while they are not sent, and never afterwards", async () => {
  const { store, take, turn, tasks, phases, shown } = await open();
  const [a, b] = tasks as [Task, Task];
  turn({ kind: "offline", retry_at: 0, reason: "" });
  const first = store.mutate("task.update", { id: a.id, title: "1" });
  store.mutate("task.update", { id: b.id, title: "other" });
  const second = store.mutate("task.update", { id: a.id, title: "2", priority: "high" });
  assert.equal(first.op_id, second.op_id);
  store.mutate("task.complete", { id: a.id });
  store.mutate("task.update", { id: a.id, title: "3" });
  assert.equal(store.state.operations.length, 4, "what is between them is about the same task");
  assert.equal(shown(a.id).title, "3");
  await settle();
  turn({ kind: "online" });
  const [batch] = take();
  const ops = batch!.params["ops"] as { type: string; data: Record<string, unknown> }[];
  assert.deepEqual(
    ops.map(({ type, data }) => [type, data["title"], data["priority"]]),
    [
      ["task.update", "2", "high"],
      ["task.update", "other", undefined],
      ["task.complete", undefined, undefined],
      ["task.update", "3", undefined],
    ],
  );
  store.mutate("task.update", { id: a.id, title: "4" });
  assert.equal(store.state.operations.length, 5);
  await settle();
  assert.deepEqual(phases(), ["sending", "sending", "sending", "sending", "waiting"], "it is about what is under way");
  await store.close();
});

test("what may have been sent before a reload is sent again as it was, and does not take edits in", async () => {
  const one = await open();
  const { id } = one.tasks[0]!;
  one.store.mutate("task.update", { id, title: "1" });
  await settle();
  const [sent] = one.take();
  await one.store.close();
  const again = await openStore({ storage: one.storage, clock: one.clock });
  const next = again.mutate("task.update", { id, title: "2" });
  assert.equal(again.state.operations.length, 2);
  assert.equal(again.state.operations[0]!.op_id, sent!.op_id);
  assert.notEqual(next.op_id, sent!.op_id);
  assert.equal(again.state.workspaces.get(HOME)!.tasks.get(id)!.title, "2");
  await again.close();
});

test("what does not depend on each other is under way at once, in requests that the server takes", async () => {
  const { store, take, turn, tasks } = await open({}, 1000);
  turn({ kind: "offline", retry_at: 0, reason: "" });
  for (const { id } of tasks.slice(0, 900)) store.mutate("task.update", { id, title: "x" });
  await settle();
  turn({ kind: "online" });
  const requests = take();
  assert.deepEqual(
    requests.map(({ params }) => (params["ops"] as unknown[]).length),
    [100, 100, 100, 100],
  );
  await store.close();
});

test("a request is never longer than a frame", async () => {
  const { store, take, turn, tasks } = await open();
  turn({ kind: "offline", retry_at: 0, reason: "" });
  for (const { id } of tasks) store.mutate("task.update", { id, description: "語".repeat(900) });
  await settle();
  turn({ kind: "online" });
  for (const { params } of take()) assert(Buffer.byteLength(JSON.stringify(params)) < 60_000);
  await store.close();
});

test("a wide operation is under way alone", async () => {
  const { store, take, tasks } = await open();
  store.mutate("task.update", { id: tasks[0]!.id, title: "x" });
  store.mutate("workspace.update", { workspace_id: HOME, name: "y" });
  store.mutate("task.update", { id: tasks[1]!.id, title: "z" });
  await settle();
  const [first] = take();
  assert.equal(first!.name, "task.update");
  await first!.answer({ ...tasks[0], title: "x" });
  const [second] = take();
  assert.equal(second!.name, "workspace.update");
  await second!.answer({});
  assert.equal(take()[0]!.name, "task.update");
  await store.close();
});

test("after a failure that passes, what follows it in the request is sent again too, in its order", async () => {
  const { store, clock, take, turn, phases } = await open();
  turn({ kind: "offline", retry_at: 0, reason: "" });
  const made = store.mutate("task.create", { workspace_id: HOME, title: "a" });
  const id = store.state.operations[0]!.data["id"] as string;
  store.mutate("comment.create", { task_id: id, body: "b" });
  await settle();
  turn({ kind: "online" });
  const [batch] = take();
  const failure = (code: string, retryable: boolean) => ({
    error: { code, message: "", retryable, retry_after_ms: 200, request_id: "" },
  });
  await batch!.answer({ results: [failure("UNAVAILABLE", true), failure("NOT_FOUND", false)] });
  assert.deepEqual(phases(), ["waiting", "waiting"]);
  assert.deepEqual(take(), []);
  await clock.advance(200);
  const [again] = take();
  assert.deepEqual(
    (again!.params["ops"] as { op_id: string }[]).map(({ op_id }) => op_id),
    [made.op_id, store.state.operations[1]!.op_id],
  );
  await again!.answer({ results: [{ data: { id }, at: {} }, failure("FORBIDDEN", false)] });
  assert.deepEqual(
    store.state.operations.map(({ phase, failure }) => [phase, failure?.code]),
    [["refused", "FORBIDDEN"]],
  );
  await made.done;
  await store.close();
});

test("an ended session refuses nothing; an error that does not pass is refused in the end", async () => {
  const { store, clock, take, tasks, phases, welcome, both } = await open();
  const begun = store.mutate("task.update", { id: tasks[0]!.id, title: "x" });
  await settle();
  await take()[0]!.refuse("TOKEN_EXPIRED");
  assert.deepEqual(phases(), ["waiting"]);
  welcome(both);
  await settle();
  await take()[0]!.lose();
  await clock.advance(1000);
  for (let i = 0; i < 8; i++) {
    await take()[0]!.refuse("INTERNAL_ERROR", { retryable: true });
    await clock.advance(1000);
  }
  assert.deepEqual(phases(), ["refused"]);
  await assert.rejects(begun.done, Refused);
  store.retry();
  await settle();
  assert.equal(take()[0]!.op_id, begun.op_id);
  await store.close();
});

test("a refused operation is taken back, shown with its reason, and tried again or dropped", async () => {
  const { store, take, tasks, shown } = await open();
  const { id, title } = tasks[0]!;
  const begun = store.mutate("task.update", { id, title: "mine" });
  assert.equal(shown(id).title, "mine");
  await settle();
  await take()[0]!.refuse("FORBIDDEN");
  assert.equal(shown(id).title, title);
  assert.deepEqual(
    store.state.operations.map(({ failure }) => failure?.code),
    ["FORBIDDEN"],
  );
  store.retry(begun.op_id);
  assert.deepEqual([shown(id).title, store.state.operations[0]!.failure], ["mine", undefined]);
  await settle();
  await take()[0]!.refuse("FORBIDDEN");
  assert.equal(store.drop(begun.op_id), true);
  assert.deepEqual([store.drop(begun.op_id), store.state.operations], [false, []]);
  await store.close();
});

test("an operation leaves when the stream is past it, with an answer before or after the event", async () => {
  const { store, take, tasks, event, phases, shown } = await open();
  const [a, b] = tasks as [Task, Task];
  store.mutate("task.update", { id: a.id, title: "x" });
  await settle();
  await take()[0]!.answer({ ...a, title: "X" }, { [`workspace:${HOME}`]: 2 });
  assert.deepEqual([phases(), shown(a.id).title], [["saved"], "x"]);
  event(`workspace:${HOME}`, 2, "task.updated", { ...a, title: "X", version: 2 });
  assert.deepEqual([phases(), shown(a.id).title], [[], "X"]);
  const { op_id } = store.mutate("comment.create", { task_id: b.id, body: "c" });
  await settle();
  assert.equal(shown(b.id).comment_count, 1);
  event(
    `workspace:${HOME}`,
    3,
    "comment.created",
    { id: "c", task: { id: b.id, comment_count: 1, attachment_count: 0 } },
    op_id,
  );
  assert.equal(shown(b.id).comment_count, 1, "not twice");
  await take()[0]!.answer({ id: "c" }, { [`workspace:${HOME}`]: 3 });
  assert.deepEqual(phases(), []);
  await store.close();
});

test("an undo waits until its operation is in the stream, and names the version that it takes back", async () => {
  const { store, take, tasks, event, shown } = await open();
  const [a] = tasks as [Task];
  const history = undoable(store);
  history.mutate("task.update", { id: a.id, title: "x" });
  await settle();
  const [sent] = take();
  history.undo();
  assert.equal(shown(a.id).title, a.title);
  await settle();
  assert.deepEqual(take(), []);
  await sent!.answer({ ...a, title: "x", version: 2 }, { [`workspace:${HOME}`]: 2 });
  assert.deepEqual(take(), []);
  event(`workspace:${HOME}`, 2, "task.updated", { ...a, title: "x", version: 2 });
  await settle();
  const [undo] = take();
  assert.deepEqual(undo!.params, { id: a.id, title: a.title, if_version: 2 });
  await undo!.refuse("VERSION_CONFLICT", { context: { current: { ...a, title: "x", priority: "high", version: 3 } } });
  event(`workspace:${HOME}`, 3, "task.updated", { ...a, title: "x", priority: "high", version: 3 });
  await settle();
  const [again] = take();
  assert.equal(again!.params["if_version"], 3, "another field was changed meanwhile");
  await again!.refuse("VERSION_CONFLICT", { context: { current: { ...a, title: "y", version: 4 } } });
  assert.deepEqual(
    store.state.operations.map(({ phase, failure }) => [phase, failure?.field]),
    [["refused", "title"]],
  );
  await store.close();
});

test("an object that is shown stays the same while others change", async () => {
  const { store, tasks, event, shown } = await open();
  const [a, b] = tasks as [Task, Task];
  store.mutate("task.update", { id: a.id, title: "pending", tags: ["t"] });
  const held = shown(a.id);
  event(`workspace:${HOME}`, 2, "task.updated", { ...b, title: "y", version: 2 });
  assert.equal(shown(b.id).title, "y");
  assert.equal(shown(a.id), held);
  await store.close();
});

test("pages that come while others change something: the events come after the last page", async () => {
  const model = new Model();
  for (let i = 0; i < 4; i++) model.mutate("task.create", { workspace_id: HOME, title: `${i}` }, undefined);
  const { store, take, welcome, event } = await open();
  welcome([
    { stream: `user:${ME}`, seq: 0, resumed: true },
    { stream: `workspace:${HOME}`, seq: 4, resumed: false, reason: "expired" },
  ]);
  await settle();
  const [first] = take();
  assert.deepEqual([first!.name, first!.params["cursor"]], ["workspace.sync", null]);
  const page = model.query("workspace.sync", { workspace_id: HOME }) as { tasks: Task[]; cursor: string };
  await first!.answer(page);
  const [second] = take();
  assert.equal(second!.params["cursor"], page.cursor);
  const [one] = page.tasks as [Task];
  event(`workspace:${HOME}`, 5, "task.updated", { ...one, title: "new", version: 2 });
  assert.equal(store.state.workspaces.get(HOME)!.tasks.size, 100, "what was there is shown until all is there");
  assert.equal(store.state.synced, false);
  await second!.answer(model.query("workspace.sync", { workspace_id: HOME, cursor: page.cursor }));
  const { tasks, seq } = store.state.workspaces.get(HOME)!;
  assert.deepEqual([tasks.size, seq, tasks.get(one.id)!.title, store.state.synced], [4, 5, "new", true]);
  await store.close();
});

test("a window of a large workspace asks for open tasks only; a snapshot that fails comes in pages", async () => {
  let tried = 0;
  const snapshot = async () => Promise.reject(new Error(`${++tried}`));
  const { store, take } = await open({ open_only: (id) => id === HOME, snapshot });
  store.sync(HOME);
  await settle();
  assert.equal(take()[0]!.params["open_only"], true);
  assert.equal(tried, 1);
  await store.close();
});

test("a workspace without a place in the session, or without access, is not kept", async () => {
  const { store, take, welcome, both, listener } = await open();
  listener().signal?.({
    type: "signal",
    signal: "stream.not_followed",
    data: { stream: `workspace:${HOME}`, reason: "limit" },
  });
  assert.equal(store.state.workspaces.size, 0);
  welcome([
    both[0]!,
    { stream: `workspace:${HOME}`, seq: 0, resumed: false, reason: "limit" },
    { stream: `workspace:${TEAM}`, seq: 1, resumed: false, reason: "new" },
  ]);
  await settle();
  const calls = take();
  assert.deepEqual(
    calls.map(({ params }) => params["workspace_id"]),
    [TEAM],
  );
  await calls[0]!.refuse("NOT_FOUND");
  assert.equal(store.state.synced, true);
  await store.close();
});

test("another account does not send what it did not make", async () => {
  const { store, take, welcome, tasks, turn, phases } = await open();
  turn({ kind: "offline", retry_at: 0, reason: "" });
  store.mutate("task.update", { id: tasks[0]!.id, title: "x" });
  await settle();
  turn({ kind: "online" });
  take();
  turn({ kind: "offline", retry_at: 0, reason: "" });
  store.mutate("task.update", { id: tasks[1]!.id, title: "x" });
  await settle();
  welcome([], "e", TEAM);
  turn({ kind: "online" });
  await settle();
  assert.deepEqual([store.state.user, phases()], [undefined, ["refused", "refused"]]);
  assert.deepEqual(take(), []);
  await store.close();
});
