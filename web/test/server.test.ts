// Against a real server: calls, events, crashes, lost answers, tokens that end.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { Lost, Refused, type Client } from "../src/sdk/index.js";
import type { EventFrame, Task } from "../src/sdk/contract.js";
import { client, forged, person } from "./support/person.js";
import { proxy } from "./support/proxy.js";
import { server } from "./support/server.js";
import { holds, next, state, within } from "./support/until.js";

const setUp = async (t: TestContext, ...settings: string[]) => {
  const node = await server(t, ...settings);
  const ada = await person(node.url);
  return { node, ada };
};

/** Every event of a stream kind, as it came. */
const collect = (from: Client, stream = "workspace:"): EventFrame[] => {
  const events: EventFrame[] = [];
  from.listen({ event: (event) => event.stream.startsWith(stream) && events.push(event) });
  return events;
};

const assertGapless = (events: EventFrame[]) =>
  assert.deepEqual(
    events.map(({ seq }) => seq),
    events.map((_, index) => events[0]!.seq + index),
  );

test("calls of each kind are answered", async (t) => {
  const { node, ada } = await setUp(t);
  const it = client(t, node.url, { token: ada.session.token });
  const made = await it.call("task.create", { title: "Buy milk \ud83d" });
  assert.equal(made.data.title, "Buy milk \ufffd");
  assert.equal(made.replayed, false);
  const stream = `workspace:${made.data.workspace_id}`;
  assert.ok(made.at[stream]);
  const { data: list } = await it.call("task.list");
  assert.deepEqual(list.items.map((task) => task.id), [made.data.id]);
  await it.call("presence.set", { workspace_id: made.data.workspace_id, state: "online" });
  await it.call("presence.typing", { task_id: made.data.id });
  await it.call("ping");
  const batch = await it.call("batch", { ops: [{ type: "task.complete", data: { id: made.data.id } }] });
  assert.equal(batch.data.results.length, 1);
  const unknown = it.call("task.get", { id: ada.tokens.user.id });
  await assert.rejects(unknown, (error) => error instanceof Refused && error.failure.code === "NOT_FOUND");
  const untitled = it.call("task.create", { title: "" });
  await assert.rejects(untitled, (error) => error instanceof Refused && error.failure.field === "title");
});

test("the same op_id is answered once more, and not done twice", async (t) => {
  const { node, ada } = await setUp(t);
  const it = client(t, node.url, { token: ada.session.token });
  const op_id = "01990000-0000-7000-8000-00000000000a";
  const first = await it.call("task.create", { title: "once" }, { op_id });
  const again = await it.call("task.create", { title: "once" }, { op_id });
  assert.deepEqual([again.replayed, again.data.id], [true, first.data.id]);
});

test("a stream that a call follows or leaves is followed or left", async (t) => {
  const { node, ada } = await setUp(t);
  const it = client(t, node.url, { token: ada.session.token, streams: [] });
  const events = collect(it);
  const { data: task } = await it.call("task.create", { title: "unseen" });
  const stream = `workspace:${task.workspace_id}`;
  const { data: snapshot } = await it.call("workspace.sync", { workspace_id: task.workspace_id });
  await it.call("task.update", { id: task.id, title: "seen" });
  await holds("the event", () => events.length === 1);
  assert.equal(events[0]!.seq, snapshot.seq + 1);
  assert.deepEqual(it.resume()?.positions, { [stream]: snapshot.seq + 1 });
  await it.call("stream.unsubscribe", { stream });
  await it.call("task.update", { id: task.id, title: "unseen again" });
  const back = await it.call("stream.subscribe", { stream, since: snapshot.seq });
  assert.equal(back.data.resumed, true);
  await holds("the events since", () => events.length === 3);
  assert.deepEqual(events.map(({ seq }) => seq - snapshot.seq), [1, 1, 2]);
});

test("events arrive in order, once, while the server is killed and comes back", { timeout: 60_000 }, async (t) => {
  const { node, ada } = await setUp(t);
  const writer = client(t, node.url, { token: ada.session.token });
  const reader = client(t, node.url, { token: ada.session.token });
  await state(reader, "online");
  const events = collect(reader);
  const titles = new Set<string>();
  const calls: Promise<unknown>[] = [];
  for (let round = 0; round < 3; round++) {
    for (let index = 0; index < 40; index++) {
      const title = `${round}.${index}`;
      titles.add(title);
      calls.push(writer.call("task.create", { title }));
    }
    await Promise.race(calls.slice(-20));
    await node.kill();
    await state(reader, "offline");
    await node.start();
  }
  await within("every call", Promise.all(calls), 40_000);
  const created = () => events.filter(({ event }) => event === "task.created");
  await holds("every event", () => created().length >= titles.size);
  assertGapless(events);
  assert.deepEqual(created().map(({ data }) => (data as Task).title).sort(), [...titles].sort());
});

test("another client resumes where the first one ended", async (t) => {
  const { node, ada } = await setUp(t);
  const first = client(t, node.url, { token: ada.session.token });
  const { data: task } = await first.call("task.create", { title: "0" });
  const stream = `workspace:${task.workspace_id}`;
  await holds("the event", () => (first.resume()?.positions[stream] ?? 0) >= 3 || first.resume() !== undefined);
  const resume = first.resume();
  first.close();
  const other = client(t, node.url, { token: ada.session.token });
  for (const title of ["1", "2", "3"]) await other.call("task.update", { id: task.id, title });
  const second = client(t, node.url, { token: ada.session.token, resume });
  const events = collect(second);
  const welcome = await next(second, "welcome");
  assert.ok(welcome.streams.every(({ resumed }) => resumed));
  await holds("what was missed", () => (events.at(-1)?.data as Task | undefined)?.title === "3");
  assert.equal(events[0]!.seq, resume!.positions[stream]! + 1);
  assertGapless(events);
});

test("a position of another epoch is not resumed", async (t) => {
  const { node, ada } = await setUp(t);
  const it = client(t, node.url, {
    token: ada.session.token,
    resume: { epoch: "another", positions: { [`user:${ada.tokens.user.id}`]: 1 } },
  });
  const { streams } = await next(it, "welcome");
  assert.ok(streams.length > 0 && streams.every(({ resumed }) => !resumed));
});

test("a lost answer is asked for again, and the task is made once", async (t) => {
  const { node, ada } = await setUp(t);
  const between = await proxy(t, node.port);
  const it = client(t, between.url, { token: ada.session.token });
  await state(it, "online");
  const watcher = client(t, node.url, { token: ada.session.token });
  await state(watcher, "online");
  const done = next(watcher, "event", ({ event }) => event === "task.created");
  between.deafen();
  const call = it.call("task.create", { title: "once" });
  const query = it.call("task.list");
  await done;
  between.cut();
  const answer = await within("the answer", call);
  assert.equal(answer.replayed, true);
  assert.equal((await query).data.items.length, 1);
  assert.ok(between.count > 1);
});

test("what cannot be repeated is told to be lost", async (t) => {
  const { node, ada } = await setUp(t);
  const between = await proxy(t, node.port);
  const it = client(t, between.url, { token: ada.session.token });
  await state(it, "online");
  const arrived = new Promise<void>((resolve) => (between.onRequest = (text) => /api_token/.test(text) && resolve()));
  between.deafen();
  const call = it.call("api_token.create", { name: "bot" });
  await within("the request", arrived);
  between.cut();
  await assert.rejects(call, Lost);
  await it.call("ping");
});

test("a server that restarts says when to come back", { timeout: 40_000 }, async (t) => {
  const { node, ada } = await setUp(t);
  const it = client(t, node.url, { token: ada.session.token });
  await state(it, "online");
  const goodbye = next(it, "signal", ({ signal }) => signal === "server.goodbye");
  const offline = next(it, "state", ({ kind }) => kind === "offline");
  const stopped = node.stop();
  const { data } = (await goodbye) as { data: { reconnect_after_ms: number } };
  const then = await offline;
  assert.ok(then.kind === "offline" && then.retry_at - Date.now() > data.reconnect_after_ms - 200);
  it.reconnectNow();
  assert.equal(it.state.kind, "offline");
  await stopped;
  await node.start();
  await state(it, "online");
});

const seconds = () => Math.floor(Date.now() / 1000);

test("an expired token is refused, never sent again, and another one asked for", async (t) => {
  const { node, ada } = await setUp(t);
  const good = ada.tokens.access_token;
  const old = forged(good, { iat: seconds() - 1000, exp: seconds() - 100 });
  const sent: string[] = [];
  const between = await proxy(t, node.port);
  between.onRequest = (text) => text.startsWith("{") && sent.push((JSON.parse(text) as { data: { token: string } }).data.token);
  const asked: (string | undefined)[] = [];
  const it = client(t, between.url, {
    token(stale) {
      asked.push(stale);
      // It is slow to notice.
      return asked.length < 3 ? old : good;
    },
  });
  await state(it, "online");
  assert.deepEqual(sent, [old, good]);
  assert.deepEqual(asked, [undefined, old, old]);
});

test("a token is renewed on the open socket", { timeout: 40_000 }, async (t) => {
  const { node, ada } = await setUp(t);
  const good = ada.tokens.access_token;
  const short = forged(good, { iat: seconds(), exp: seconds() + 4 });
  const between = await proxy(t, node.port);
  const renewed = new Promise<void>((resolve) => (between.onRequest = (text) => /auth\.renew/.test(text) && resolve()));
  const it = client(t, between.url, { token: (stale) => (stale ? good : short) });
  await within("the renewal", renewed);
  await it.call("ping");
  await new Promise((resolve) => setTimeout(resolve, 4_500));
  await it.call("task.create", { title: "after the end of the first token" });
  assert.equal(between.count, 1);
});

test("a callback that hangs does not stop events and calls", { timeout: 60_000 }, async (t) => {
  const { node, ada } = await setUp(t);
  const good = ada.tokens.access_token;
  const short = forged(good, { iat: seconds(), exp: seconds() + 3 });
  let asked = 0;
  const it = client(t, node.url, {
    token: () => (asked++ === 0 ? short : asked === 2 ? new Promise<string>(() => {}) : good),
  });
  await next(it, "signal", ({ signal }) => signal === "session.expiring");
  await holds("the renewal", () => asked === 2);
  const event = next(it, "event", (frame) => frame.event === "task.created");
  await it.call("task.create", { title: "while it hangs" });
  await event;
  // The token ends, and what is sent then waits for the next one.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const waits = it.call("task.create", { title: "after the end" });
  await within("a call after it hung", waits, 40_000);
  assert.ok(asked >= 3);
});
