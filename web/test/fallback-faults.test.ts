// Server-sent events beside HTTP requests, against a server that does what a real one does not do at will: it loses an event,
// forgets its log, refuses. What a real one does is in `fallback.test.ts`.

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
