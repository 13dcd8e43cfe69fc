// What a client does while it is connected: heartbeat, renewal, positions. Its clock is the test's.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { EventFrame } from "../src/sdk/contract.js";
import { settle } from "./support/clock.js";
import { USER } from "./support/sockets.js";
import { still } from "./support/still.js";

const event = (stream: string, seq: number, name = "task.updated", data: object = {}) => {
  return { type: "event", stream, seq, event: name, data };
};
const stream = (name: string, seq: number, resumed = false) => ({ stream: name, seq, resumed });

test("a quiet connection is asked for a sign of life at each heartbeat, and no more", async (t) => {
  const it = await still(t);
  const socket = await it.online();
  await it.clock.advance(24_999);
  assert.equal(socket.of("ping").length, 0);
  await it.clock.advance(1);
  assert.equal(socket.of("ping").length, 1);
  socket.say({ type: "pong", id: socket.of("ping")[0]!.id });
  for (let second = 0; second < 100; second++) {
    await it.clock.advance(1000);
    socket.say(event("workspace:a", second + 1));
  }
  assert.equal(socket.of("ping").length, 1, "events are signs of life");
  assert.equal(it.client.state.kind, "online");
});

test("a server that is silent after a ping is left", async (t) => {
  const it = await still(t);
  const socket = await it.online();
  await it.clock.advance(25_000 + 4_999);
  assert.equal(it.client.state.kind, "online");
  await it.clock.advance(1);
  assert.equal(it.client.state.kind, "offline");
  assert.ok(socket.closed);
});

test("what is sent is no sign of life: a call without an answer brings a ping after 5 s", async (t) => {
  const it = await still(t);
  const socket = await it.online();
  for (let second = 0; second < 10; second++) {
    it.client.call("task.list").catch(() => {});
    await it.clock.advance(1000);
  }
  assert.equal(socket.of("ping").length, 1);
  assert.equal(it.client.state.kind, "offline");
});

test("nothing is sent while nobody looks, and the page that comes back asks", async (t) => {
  const it = await still(t);
  const socket = await it.online();
  it.hide(true);
  await it.clock.advance(300_000);
  assert.equal(socket.of("ping").length, 0);
  it.hide(false);
  it.wake();
  it.wake();
  assert.equal(socket.of("ping").length, 1);
  await it.clock.advance(5_000);
  assert.equal(it.client.state.kind, "offline");
});

test("a call whose answer does not come is noticed also while nobody looks", async (t) => {
  const it = await still(t);
  await it.online();
  it.hide(true);
  it.client.call("task.create", { title: "from a page in the background" }).catch(() => {});
  await it.clock.advance(10_000);
  assert.equal(it.client.state.kind, "offline");
});

test("a page that slept reads first what came meanwhile", async (t) => {
  const it = await still(t);
  const socket = await it.online();
  await it.clock.advance(25_000);
  await it.clock.sleep(3_600_000);
  assert.equal(it.client.state.kind, "online", "the deadline passed while nothing ran");
  assert.equal(socket.of("ping").length, 2);
  socket.say({ type: "pong", id: socket.of("ping")[1]!.id });
  await it.clock.advance(10_000);
  assert.equal(it.client.state.kind, "online");
});

const ends = (clock: { now(): number }, ms: number) => {
  return { session: { id: "s", expires_at: new Date(clock.now() + ms).toISOString() } };
};

test("a token is renewed 45 s before its end, at the server's clock", async (t) => {
  const tokens = ["one", "two"];
  const it = await still(t, { token: () => tokens.shift()! });
  const server = { name: "", version: "", instance: "", time: new Date(it.clock.now() + 3_600_000).toISOString() };
  const socket = await it.online({ server, ...ends(it.clock, 3_600_000 + 900_000) });
  socket.alive = true;
  await it.clock.advance(854_999);
  assert.equal(socket.of("auth.renew").length, 0);
  await it.clock.advance(1);
  assert.deepEqual(socket.of("auth.renew").map(({ data }) => data), [{ token: "two" }]);
  socket.ok(socket.of("auth.renew")[0], { expires_at: new Date(it.clock.now() + 3_600_000 + 900_000).toISOString() });
  await it.clock.advance(100_000);
  assert.equal(it.client.state.kind, "online");
});

test("session.expiring starts a renewal, once", async (t) => {
  let count = 0;
  const it = await still(t, { token: () => `token ${++count}` });
  const socket = await it.online(ends(it.clock, 900_000));
  const signal = { type: "signal", signal: "session.expiring", data: { expires_at: "" } };
  socket.say(signal);
  socket.say(signal);
  await settle();
  assert.deepEqual(socket.of("auth.renew").map(({ data }) => data), [{ token: "token 2" }]);
});

test("a renewal that fails is tried again, with an ask for another token", async (t) => {
  const asked: (string | undefined)[] = [];
  const it = await still(t, {
    token(stale) {
      asked.push(stale);
      if (asked.length === 2) throw new Error("no network");
      return asked.length === 3 ? "token 1" : `token ${asked.length}`;
    },
  });
  const socket = await it.online(ends(it.clock, 900_000));
  socket.alive = true;
  await it.clock.advance(855_000);
  await it.clock.advance(10_000);
  assert.equal(socket.of("auth.renew").length, 0, "the old token is not sent again");
  await it.clock.advance(10_000);
  assert.deepEqual(socket.of("auth.renew").map(({ data }) => data), [{ token: "token 4" }]);
  assert.deepEqual(asked, [undefined, "token 1", "token 1", "token 1"]);
});

test("after the end of the token nothing is sent before the new one", async (t) => {
  let give: (token: string) => void = () => {};
  let count = 0;
  const it = await still(t, { token: () => (count++ ? new Promise<string>((resolve) => (give = resolve)) : "token 1") });
  const socket = await it.online(ends(it.clock, 60_000));
  socket.alive = true;
  await it.clock.advance(60_000);
  it.client.call("task.list").catch(() => {});
  await settle();
  assert.equal(socket.of("task.list").length, 0);
  give("token 2");
  await settle();
  assert.equal(socket.sent.at(-1)?.type, "auth.renew");
  socket.ok(socket.of("auth.renew")[0], { expires_at: new Date(it.clock.now() + 900_000).toISOString() });
  await settle();
  assert.deepEqual(socket.sent.map(({ type }) => type).slice(-2), ["auth.renew", "task.list"]);
});

test("a connection that outlived its token and its grace is opened again, with another token", async (t) => {
  const asked: (string | undefined)[] = [];
  const it = await still(t, {
    token: (stale) => (asked.push(stale), asked.length === 1 ? "token 1" : asked.length < 6 ? new Promise(() => {}) : "token 2"),
  });
  await it.online(ends(it.clock, 60_000));
  it.hide(true);
  await it.clock.advance(85_000);
  assert.notEqual(it.client.state.kind, "online");
  assert.ok(asked.slice(1).every((stale) => stale === "token 1"));
});

test("a token without an end is never renewed", async (t) => {
  let count = 0;
  const it = await still(t, { token: () => `token ${++count}` });
  it.hide(true);
  await it.online();
  await it.clock.advance(30 * 24 * 3_600_000);
  assert.equal(count, 1);
});

test("resume tells the positions, a repeated event is dropped, a gap opens the connection again", async (t) => {
  const it = await still(t);
  const told: number[] = [];
  it.client.listen({ event: ({ seq }: EventFrame) => told.push(seq) });
  const first = await it.online({ streams: [stream("workspace:a", 4)] as never });
  for (const seq of [5, 5, 4, 6]) first.say(event("workspace:a", seq));
  assert.deepEqual(told, [5, 6]);
  first.say(event("workspace:a", 8));
  assert.deepEqual(told, [5, 6]);
  assert.equal(it.client.state.kind, "offline");
  assert.deepEqual(it.client.resume(), { epoch: "one", positions: { "workspace:a": 6 } });
  await it.clock.advance(500);
  it.last().open();
  assert.deepEqual(it.last().sent[0]!.data["resume"], { epoch: "one", positions: { "workspace:a": 6 } });
  await it.online({ streams: [stream("workspace:a", 9, true)] as never });
  for (const seq of [7, 8, 9]) it.last().say(event("workspace:a", seq));
  assert.deepEqual(told, [5, 6, 7, 8, 9]);
});

test("positions of another epoch are forgotten", async (t) => {
  const it = await still(t, { resume: { epoch: "zero", positions: { "workspace:a": 9, "workspace:b": 9 } } });
  await it.online({ streams: [stream("workspace:a", 2)] as never });
  assert.deepEqual(it.client.resume(), { epoch: "one", positions: { "workspace:a": 2 } });
});

test("workspaces that the user joins and loses are followed and forgotten", async (t) => {
  const it = await still(t);
  const user = `user:${USER}`;
  const socket = await it.online({ streams: [stream(user, 3)] as never });
  socket.say(event(user, 4, "access.granted", { workspace: { id: "b" }, seq: 7 }));
  socket.say(event("workspace:b", 8));
  assert.deepEqual(it.client.resume()!.positions, { [user]: 4, "workspace:b": 8 });
  socket.say(event(user, 5, "access.lost", { workspace_id: "b" }));
  assert.deepEqual(it.client.resume()!.positions, { [user]: 5 });
});

test("what a call subscribed to or left holds for the next connection", async (t) => {
  const it = await still(t, { streams: ["workspace:a", "workspace:b"] });
  const first = await it.online({ streams: [stream("workspace:a", 1), stream("workspace:b", 1)] as never });
  const calls = [
    it.client.call("workspace.sync", { workspace_id: "c" }),
    it.client.call("stream.subscribe", { stream: "workspace:d", since: 5 }),
    it.client.call("stream.unsubscribe", { stream: "workspace:b" }),
  ];
  first.ok(first.of("workspace.sync")[0], { seq: 3 });
  first.ok(first.of("stream.subscribe")[0], { seq: 9, resumed: true });
  first.ok(first.of("stream.unsubscribe")[0]);
  await Promise.all(calls);
  first.end(1006);
  await it.clock.advance(500);
  it.last().open();
  const { streams, resume } = it.last().sent[0]!.data as { streams: string[]; resume: { positions: object } };
  assert.deepEqual(streams, ["workspace:a", "workspace:c", "workspace:d"]);
  assert.deepEqual(resume.positions, { "workspace:a": 1, "workspace:c": 3, "workspace:d": 5 });
});

test("a stream that was left is left again when all of them are followed", async (t) => {
  const it = await still(t);
  const first = await it.online({ streams: [stream("workspace:a", 1)] as never });
  it.client.call("stream.unsubscribe", { stream: "workspace:a" }).catch(() => {});
  first.ok(first.of("stream.unsubscribe")[0]);
  first.end(1006);
  await it.clock.advance(500);
  const second = await it.online({ streams: [stream("workspace:a", 1)] as never });
  assert.deepEqual(second.of("stream.unsubscribe").map(({ data }) => data), [{ stream: "workspace:a" }]);
});

test("an answer arrives before the events behind it, also when all come at once", async (t) => {
  const it = await still(t);
  const socket = await it.online();
  const told: (number | string)[] = [];
  it.client.listen({ event: ({ seq }) => told.push(seq) });
  const calling = (async () => {
    await it.client.call("workspace.sync", { workspace_id: "a" });
    told.push("answer");
  })();
  socket.say(event("workspace:a", 3));
  socket.ok(socket.of("workspace.sync")[0], { seq: 3 });
  for (const seq of [4, 5]) socket.say(event("workspace:a", seq));
  await calling;
  await it.clock.advance(1);
  socket.say(event("workspace:a", 6));
  assert.deepEqual(told, [3, "answer", 4, 5, 6]);
});

test("events that wait behind an answer are asked for again after a lost connection", async (t) => {
  const it = await still(t);
  const socket = await it.online();
  it.client.call("workspace.sync", { workspace_id: "a" }).catch(() => {});
  socket.ok(socket.of("workspace.sync")[0], { seq: 3 });
  socket.say(event("workspace:a", 4));
  socket.end(1006);
  await it.clock.advance(1);
  assert.deepEqual(it.client.resume()?.positions, { "workspace:a": 3 });
});
