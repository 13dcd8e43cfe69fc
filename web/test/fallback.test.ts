// Where WebSockets are blocked: server-sent events beside HTTP requests, against a server that speaks the contract.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { WebSocket } from "ws";
// Loaded before, so that no try ends while it is.
import "../src/sdk/connection/fallback.js";
import { nowhere, Refused, type Client, type ConnectOptions } from "../src/sdk/index.js";
import { eventsServer, type EventsServer } from "./support/events-server.js";
import { client } from "./support/person.js";
import { still } from "./support/still.js";
import { USER } from "./support/sockets.js";
import { holds, next, state } from "./support/until.js";

const A = "workspace:a";

const setUp = async (t: TestContext, options: Partial<ConnectOptions> = { transport: "events" }) => {
  const server = await eventsServer(t);
  const it = client(t, server.url, { token: () => "token", ...options });
  const seqs = collect(it);
  await state(it, "online");
  return { server, it, seqs };
};

/** The `seq` of each event of a stream, as they came. */
const collect = (from: Client, stream = A): number[] => {
  const seqs: number[] = [];
  from.listen({ event: (event) => event.stream === stream && seqs.push(event.seq) });
  return seqs;
};

const log = (server: EventsServer, count: number, stream = A) => {
  for (let index = 0; index < count; index++) server.log(stream);
};

test("it is found after WebSockets failed, and remembered in the session", async (t) => {
  const server = await eventsServer(t);
  const environment = nowhere();
  const options = { token: () => "token", environment };
  const it = client(t, server.url, options);
  await state(it, "online");
  assert.equal(server.upgrades, 2);
  server.cut();
  await state(it, "offline");
  await state(it, "online");
  it.close();
  const other = client(t, server.url, options);
  await state(other, "online");
  assert.equal(server.upgrades, 2);
});

test("a way that has worked is left for the other one when it works no longer", async (t) => {
  const opened: number[] = [];
  const fetch = () => {
    opened.push(it.made.length);
    return Promise.reject(new Error("blocked"));
  };
  const it = await still(t, { transport: undefined, fetch } as never);
  await it.online();
  it.last().end(1006);
  for (let tries = 0; tries < 12; tries++) await it.clock.advance(20_000);
  // Six WebSockets that hear nothing, then events after every second one.
  assert.deepEqual(opened.slice(0, 2), [7, 9]);
});

test("a server without it is reached by WebSocket again", async (t) => {
  const server = await eventsServer(t);
  server.refuse = (response) => {
    response.writeHead(404, { "content-type": "application/json" });
    response.end('{"success":false,"error":{"code":"NOT_FOUND","message":""}}');
    return true;
  };
  client(t, server.url, { token: () => "token" });
  await holds("a WebSocket after the events", () => server.opened.length === 1 && server.upgrades === 3);
});

test("calls go over HTTP in their order, and events and signals arrive", async (t) => {
  const { server, it, seqs } = await setUp(t);
  const signal = next(it, "signal");
  await Promise.all(["1", "2", "3", "4"].map((title) => it.call("task.create", { title })));
  const titles = server.bodies.flat().map(({ data }) => data["title"]);
  assert.deepEqual(titles, ["1", "2", "3", "4"]);
  assert.ok(server.bodies.length < 4, "what waits goes in one request");
  log(server, 3);
  server.signal("typing", {});
  await signal;
  await holds("the events", () => seqs.length === 3);
  assert.deepEqual(seqs, [1, 2, 3]);
  assert.ok(server.tokens.every((token) => token === "Bearer token"));
  server.answer = ({ id }) => ({ type: "error", id, error: { code: "NOT_FOUND", message: "", retryable: false } });
  await assert.rejects(it.call("task.get", { id: "a" }), Refused);
});

test("it resumes by the position of the stream after a cut", async (t) => {
  const { server, it, seqs } = await setUp(t);
  log(server, 2);
  await holds("the events", () => seqs.length === 2);
  server.cut();
  await state(it, "offline");
  log(server, 3);
  const { streams } = await next(it, "welcome");
  assert.ok(streams.find(({ stream }) => stream === A)?.resumed);
  await holds("what was missed", () => seqs.length === 5);
  assert.deepEqual(seqs, [1, 2, 3, 4, 5]);
  assert.deepEqual(server.opened.map((query) => query.has("position")), [false, true]);
  assert.equal(server.bodies.length, 0);
});

test("positions of a storage are caught up from the log", async (t) => {
  const server = await eventsServer(t);
  log(server, 1200);
  const positions = { [A]: 3, [`user:${USER}`]: 0 };
  const it = client(t, server.url, { token: () => "token", transport: "events", resume: { epoch: "one", positions } });
  const seqs = collect(it);
  const { streams } = await next(it, "welcome");
  assert.ok(streams.every(({ resumed }) => resumed));
  log(server, 1);
  await holds("all events", () => seqs.length === 1198);
  assert.deepEqual(seqs, Array.from({ length: 1198 }, (_, index) => index + 4));
});

test("a log that does not reach back is not resumed", async (t) => {
  const server = await eventsServer(t);
  log(server, 10);
  server.forget(A, 8);
  const resume = { epoch: "one", positions: { [A]: 3 } };
  const it = client(t, server.url, { token: () => "token", transport: "events", resume });
  const seqs = collect(it);
  const { streams } = await next(it, "welcome");
  assert.equal(streams.find(({ stream }) => stream === A)?.resumed, false);
  log(server, 1);
  await holds("the next event", () => seqs.length === 1);
  assert.deepEqual(seqs, [11]);
});

test("a stream is silent between a sync and its answer, and goes on after it", async (t) => {
  const { server, it, seqs } = await setUp(t);
  log(server, 2);
  await holds("the events", () => seqs.length === 2);
  let answer: { data: { seq: number } } | undefined;
  const after: boolean[] = [];
  it.listen({ event: (event) => event.stream === A && event.seq > 2 && after.push(answer !== undefined) });
  server.answer = () => {
    // One event before the snapshot, two while its answer is on its way.
    server.log(A);
    setTimeout(() => log(server, 2));
    return undefined;
  };
  answer = await it.call("workspace.sync", { workspace_id: "a" });
  assert.equal(answer.data.seq, 3);
  log(server, 1);
  await holds("the events after it", () => seqs.length >= 5);
  assert.deepEqual(seqs, [1, 2, 4, 5, 6]);
  assert.ok(after.every(Boolean));
});

test("another stream is followed by opening again, by sync and by subscribe", async (t) => {
  const { server, it } = await setUp(t, { transport: "events", streams: [A] });
  const seqs = collect(it, "workspace:b");
  log(server, 2, "workspace:b");
  await it.call("workspace.sync", { workspace_id: "b" });
  await next(it, "welcome");
  log(server, 1, "workspace:b");
  await holds("its event", () => seqs.length === 1);
  assert.deepEqual(seqs, [3]);
  await it.call("stream.unsubscribe", { stream: "workspace:b" });
  log(server, 1, "workspace:b");
  const { data } = await it.call("stream.subscribe", { stream: "workspace:b", since: 1 });
  assert.deepEqual(data, { seq: 4, resumed: true });
  await holds("the events since", () => seqs.length === 4);
  assert.deepEqual(seqs, [3, 2, 3, 4]);
  log(server, 1, "workspace:b");
  await holds("the next one", () => seqs.length === 5);
});

test("a missing event is read from the log", async (t) => {
  const { server, it, seqs } = await setUp(t);
  log(server, 1);
  await holds("the event", () => seqs.length === 1);
  server.swallow = true;
  log(server, 1);
  server.swallow = false;
  log(server, 1);
  await holds("all events", () => seqs.length === 3);
  assert.deepEqual(seqs, [1, 2, 3]);
  assert.equal(it.state.kind, "online");
});

test("it ends with its token, and comes back with another one", async (t) => {
  const asked: (string | undefined)[] = [];
  const { server, it, seqs } = await setUp(t, { transport: "events", token: (stale) => `token ${asked.push(stale)}` });
  log(server, 1);
  await holds("the event", () => seqs.length === 1);
  const back = next(it, "welcome");
  server.close(4401, "the token has ended");
  await back;
  log(server, 1);
  await holds("the next event", () => seqs.length === 2);
  assert.deepEqual(asked, [undefined, "token 1"]);
  assert.equal(server.tokens.at(-1), "Bearer token 2");
});

test("a renewed token opens the stream again, without a wait", async (t) => {
  const asked: (string | undefined)[] = [];
  const { server, it, seqs } = await setUp(t, { transport: "events", token: (stale) => `token ${asked.push(stale)}` });
  log(server, 1);
  await holds("the event", () => seqs.length === 1);
  const states: string[] = [];
  it.listen({ state: ({ kind }) => states.push(kind) });
  server.signal("session.expiring", { expires_at: "" });
  await next(it, "welcome");
  log(server, 1);
  await holds("the next event", () => seqs.length === 2);
  await it.call("task.list");
  assert.deepEqual([asked, server.tokens.at(-1)], [[undefined, "token 1"], "Bearer token 2"]);
  assert.deepEqual(states, ["connecting", "online"]);
});

test("a close says what it says on a socket", async (t) => {
  const { server, it } = await setUp(t);
  server.close(4403, "kicked");
  assert.deepEqual(await state(it, "closed"), { kind: "closed", code: 4403, reason: "kicked" });
});

test("a refused token is refused as on a socket", async (t) => {
  const server = await eventsServer(t);
  server.refuse = (response) => {
    response.writeHead(401, { "content-type": "application/json" });
    response.end('{"success":false,"error":{"code":"TOKEN_REVOKED","message":"signed out","retryable":false},"request_id":"r"}');
    return true;
  };
  const it = client(t, server.url, { token: () => "token", transport: "events" });
  assert.deepEqual(await state(it, "closed"), { kind: "closed", reason: "signed out" });
});

test("a request that breaks off is sent again with its op_id", async (t) => {
  const { server, it } = await setUp(t);
  let broken = false;
  server.answer = () => {
    if (broken) return undefined;
    broken = true;
    server.cut();
    return undefined;
  };
  await it.call("task.create", { title: "once" });
  const [first, second] = server.bodies.flat();
  assert.ok(first!.op_id);
  assert.deepEqual([second!.op_id, second!.id], [first!.op_id, first!.id]);
});

test("a program may insist on WebSockets", async (t) => {
  const server = await eventsServer(t);
  client(t, server.url, { token: () => "token", transport: "websocket", WebSocket });
  await holds("tries", () => server.upgrades === 4);
  assert.equal(server.opened.length, 0);
});
