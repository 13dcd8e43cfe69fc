// When a client tries again: jitter, what wakes it, what each close code says. Its clock and chance are the test's.

import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { CLOSE_CODES } from "../src/sdk/contract.js";
import { connect, Refused, SignedOut, type State } from "../src/sdk/index.js";
import { settle, testClock } from "./support/clock.js";
import { welcome, type Frame } from "./support/sockets.js";
import { still, wait } from "./support/still.js";
import { state, within } from "./support/until.js";

test("the wait is jittered over its whole range from the first try on, and its bound doubles to 20 s", async (t) => {
  const it = await still(t);
  for (const bound of [500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]) {
    it.clock.chances = [0.25];
    it.last().end(1006);
    assert.equal(wait(it.client.state, it.clock.now()), bound * 0.25);
    await it.clock.advance(bound * 0.25);
  }
});

test("a close without a code, which Deno calls 0, is a lost connection", async (t) => {
  const it = await still(t);
  it.last().end(0);
  assert.equal(wait(it.client.state, it.clock.now()), 250);
});

test("a connection that lasted resets the backoff, a short one does not", async (t) => {
  const it = await still(t);
  const waits: number[] = [];
  for (const lasted of [0, 0, 4_900, 5_100, 0]) {
    await it.online();
    await it.clock.advance(lasted);
    it.clock.chances = [0.5];
    it.last().end(1006);
    waits.push(wait(it.client.state, it.clock.now()));
    await it.clock.advance(waits.at(-1)!);
  }
  assert.deepEqual(waits, [250, 500, 1000, 250, 500]);
});

test("the network or the page that comes back shortens the wait", async (t) => {
  const it = await still(t);
  for (let tries = 0; tries < 6; tries++) {
    it.last().end(1006);
    await it.clock.advance(10_000);
  }
  it.clock.chances = [0.99, 0.5];
  it.last().end(1006);
  assert.equal(wait(it.client.state, it.clock.now()), 19_800);
  it.wake();
  assert.equal(wait(it.client.state, it.clock.now()), 250);
  const before = it.made.length;
  await it.clock.advance(250);
  assert.equal(it.made.length, before + 1);
});

test("a wait that the server asked for is not shortened", async (t) => {
  const it = await still(t);
  await it.online();
  it.last().say({ type: "signal", signal: "server.goodbye", data: { reconnect_after_ms: 7000 } });
  it.last().end(1012);
  it.wake();
  it.client.reconnectNow();
  assert.equal(wait(it.client.state, it.clock.now()), 7000);
  await it.clock.advance(6_999);
  assert.equal(it.made.length, 1);
  await it.clock.advance(1);
  assert.equal(it.made.length, 2);
});

test("a try that hears nothing ends", async (t) => {
  const it = await still(t);
  it.last().open();
  await it.clock.advance(9_999);
  assert.equal(it.client.state.kind, "connecting");
  await it.clock.advance(1);
  assert.equal(it.client.state.kind, "offline");
  assert.ok(it.last().closed);
});

test("what comes late of an earlier socket changes nothing", async (t) => {
  const it = await still(t);
  const first = await it.online();
  first.end(1006);
  await it.clock.advance(500);
  const second = await it.online();
  first.end(4403);
  first.say({ type: "signal", signal: "server.goodbye", data: { reconnect_after_ms: 1 } });
  assert.equal(it.client.state.kind, "online");
  second.end(1006);
  assert.notEqual(wait(it.client.state, it.clock.now()), 1);
});

test("a client that is closed does nothing more", async (t) => {
  const it = await still(t);
  await it.online();
  it.client.close();
  assert.deepEqual(it.client.state, { kind: "closed", reason: "closed" });
  assert.ok(it.last().closed);
  assert.equal(it.wakes.size, 0);
  it.client.reconnectNow();
  await it.clock.advance(100_000);
  assert.equal(it.made.length, 1);
  await assert.rejects(it.client.call("ping"), { name: "Lost" });
});

test("a listener may close it at any time, and a faulty one costs the others nothing", async (t) => {
  const it = await still(t);
  const said = t.mock.method(console, "error", () => {});
  let events = 0;
  it.client.listen({
    event: () => {
      throw new Error("mistake");
    },
  });
  it.client.listen({ event: () => events++, welcome: () => it.client.close() });
  await it.online();
  assert.equal(it.client.state.kind, "closed");
  const other = await still(t);
  other.client.listen({
    event: () => {
      throw new Error("mistake");
    },
  });
  other.client.listen({ event: () => events++ });
  await other.online();
  other.last().say({ type: "event", stream: "workspace:a", seq: 1, event: "task.created", data: {} });
  assert.deepEqual([events, said.mock.callCount()], [1, 1]);
});

/** A real server that welcomes and then closes with a code. */
const closing = async (code: number, reason = "") => {
  const clock = testClock();
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  server.on("connection", (socket) =>
    socket.on("message", (text) => {
      const { id } = JSON.parse(String(text)) as Frame;
      socket.send(JSON.stringify({ type: "welcome", id, data: welcome() }));
      socket.close(code, reason);
    }),
  );
  const tokens: (string | undefined)[] = [];
  const client = connect({
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: (stale) => `token ${tokens.push(stale)}`,
    transport: "websocket",
    WebSocket,
    clock,
  });
  await state(client, "online");
  const ended = await within<State>(
    `the close with ${code}`,
    new Promise((resolve) => client.listen({ state: (now) => now.kind !== "online" && resolve(now) })),
  );
  return { server, client, ended, clock, tokens };
};

for (const [name, { then }] of Object.entries(CLOSE_CODES)) {
  const code = Number(name);
  test(`close code ${code}: ${then}`, async () => {
    const { server, client, ended, clock, tokens } = await closing(code, "because");
    const left = wait(ended, clock.now());
    if (then === "stop" || then === "ask_the_person") assert.deepEqual(ended, { kind: "closed", code, reason: "because" });
    else if (then === "ten_seconds") assert.equal(left, 10_000);
    else assert.equal(left, 250);
    await settle();
    if (!Number.isNaN(left)) {
      await clock.advance(left);
      assert.deepEqual(tokens, [undefined, then === "token" ? "token 1" : undefined]);
    } else {
      await clock.advance(100_000);
      assert.deepEqual([client.state.kind, tokens.length], ["closed", 1]);
      // The person signed in again.
      client.reconnectNow();
      await settle();
      assert.deepEqual(tokens, [undefined, code === 4403 ? "token 1" : undefined]);
    }
    client.close();
    server.close();
  });
}

test("a close code that nobody knows is a lost connection", async () => {
  const { server, client, ended } = await closing(4999);
  assert.equal(ended.kind, "offline");
  client.close();
  server.close();
});

test("a token that is refused three times in a row ends it, with what the server said", async (t) => {
  let count = 0;
  const asked: (string | undefined)[] = [];
  const it = await still(t, { token: (stale) => (asked.push(stale), `token ${++count}`) });
  for (let refusal = 1; refusal <= 3; refusal++) {
    it.last().open();
    it.last().fail(it.last().sent[0], "INVALID_TOKEN", { message: `no ${refusal}` });
    if (refusal < 3) await it.clock.advance(wait(it.client.state, it.clock.now()));
  }
  assert.deepEqual(it.client.state, { kind: "closed", reason: "no 3" });
  assert.deepEqual(asked, [undefined, "token 1", "token 2"]);
});

test("a refused token is not sent again, and ends it when there is no other", async (t) => {
  const it = await still(t, { token: () => "the only one" });
  it.last().open();
  it.last().fail(it.last().sent[0], "TOKEN_EXPIRED", { message: "it has expired" });
  await it.clock.advance(60_000);
  assert.deepEqual(it.client.state, { kind: "closed", reason: "it has expired" });
  assert.equal(it.made.length, 1);
});

test("a revoked session ends it at once; so does a source that says so", async (t) => {
  const revoked = await still(t);
  revoked.last().open();
  revoked.last().fail(revoked.last().sent[0], "TOKEN_REVOKED", { message: "signed out" });
  assert.deepEqual(revoked.client.state, { kind: "closed", reason: "signed out" });
  const out = await still(t, {
    token: () => {
      throw new SignedOut("nobody");
    },
  });
  assert.deepEqual(out.client.state, { kind: "closed", reason: "nobody" });
});

test("an auth that the server cannot carry out now is tried when it says", async (t) => {
  const it = await still(t);
  it.last().open();
  it.last().fail(it.last().sent[0], "UNAVAILABLE", { retryable: true, retry_after_ms: 3000 });
  assert.equal(wait(it.client.state, it.clock.now()), 3000);
  await it.clock.advance(3000);
  assert.equal(it.made.length, 2);
});

test("a callback that fails or hangs is asked again", async (t) => {
  let count = 0;
  const it = await still(t, {
    token: () => {
      if (++count === 1) throw new Error("no network");
      return count === 2 ? new Promise(() => {}) : "token";
    },
  });
  assert.equal(it.client.state.kind, "offline");
  await it.clock.advance(250);
  assert.deepEqual([count, it.client.state.kind], [2, "connecting"]);
  await it.clock.advance(20_000);
  assert.deepEqual(it.client.state.kind, "offline");
  await it.clock.advance(500);
  await it.online();
  assert.equal(it.client.state.kind, "online");
});

test("a source that is told to wait is asked after that time", async (t) => {
  let count = 0;
  const it = await still(t, {
    token: () => {
      if (++count > 1) return "token";
      throw new Refused({ code: "RATE_LIMITED", message: "too often", retryable: true, retry_after_ms: 7000, request_id: "" });
    },
  });
  it.wake();
  assert.equal(wait(it.client.state, it.clock.now()), 7000);
  await it.clock.advance(7000);
  await it.online();
});
