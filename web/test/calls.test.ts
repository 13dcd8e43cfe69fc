// Calls: their order, what bounds them, what is sent again. The clock and the sockets are the test's.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Lost, Refused } from "../src/sdk/index.js";
import { settle } from "./support/clock.js";
import { welcome } from "./support/sockets.js";
import { still } from "./support/still.js";

const UUID7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const limits = (more: object) => ({ limits: { ...welcome().limits, ...more } });
const quiet = (call: Promise<unknown>) => void call.catch(() => {});
const refusal = (code: string) => (error: unknown) => error instanceof Refused && error.failure.code === code;

test("calls that are made early are sent in their order, without waiting for answers", async (t) => {
  const it = await still(t);
  quiet(it.client.call("task.create", { title: "a" }));
  quiet(it.client.call("task.list"));
  const socket = await it.online();
  quiet(it.client.call("task.create", { title: "b" }));
  assert.deepEqual(socket.sent.map(({ type }) => type), ["auth", "task.create", "task.list", "task.create"]);
  assert.deepEqual(socket.sent.map(({ id }) => id), [...socket.sent.map(({ id }) => id)].sort((a, b) => a - b));
});

test("a mutation has an op_id of its own, a query none", async (t) => {
  const it = await still(t);
  const socket = await it.online();
  quiet(it.client.call("task.create", { title: "a" }));
  quiet(it.client.call("task.create", { title: "b" }));
  quiet(it.client.call("task.create", { title: "c" }, { op_id: "mine" }));
  quiet(it.client.call("task.list"));
  const [a, b, c, list] = socket.sent.slice(1);
  assert.match(a!.op_id!, UUID7);
  assert.notEqual(a!.op_id, b!.op_id);
  assert.deepEqual([c!.op_id, list!.op_id], ["mine", undefined]);
});

test("unanswered calls are sent again with the same op_id, in their order, before later ones", async (t) => {
  const it = await still(t);
  const first = await it.online();
  const results = ["a", "b", "c"].map((title) => it.client.call("task.create", { title }));
  const ids = first.of("task.create").map(({ op_id }) => op_id);
  first.ok(first.of("task.create")[1], { title: "b" });
  assert.equal((await results[1]!).data.title, "b");
  first.end(1006);
  quiet(it.client.call("task.create", { title: "d" }));
  await it.clock.advance(500);
  const second = await it.online();
  assert.deepEqual(second.of("task.create").map(({ data }) => data["title"]), ["a", "c", "d"]);
  assert.deepEqual(second.of("task.create").slice(0, 2).map(({ op_id }) => op_id), [ids[0], ids[2]]);
  second.say({ type: "ok", id: second.of("task.create")[0]!.id, at: { s: 4 }, replayed: true, data: {} });
  assert.deepEqual(await results[0], { data: {}, at: { s: 4 }, replayed: true });
  quiet(results[2]!);
});

test("a sign-in is not sent twice", async (t) => {
  const it = await still(t);
  const socket = await it.online();
  const call = it.client.call("auth.change_password", { current_password: "a", new_password: "b" });
  assert.equal(socket.of("auth.change_password").length, 1);
  socket.end(1006);
  await assert.rejects(call, Lost);
  await it.clock.advance(500);
  assert.equal((await it.online()).sent.length, 1);
});

test("no more are under way than the server allows", async (t) => {
  const it = await still(t);
  const socket = await it.online(limits({ in_flight: 4 }));
  for (let index = 0; index < 5; index++) quiet(it.client.call("task.list"));
  assert.equal(socket.of("task.list").length, 3, "one place is kept for the connection's own requests");
  socket.ok(socket.of("task.list")[0]);
  assert.equal(socket.of("task.list").length, 4);
});

test("no more are sent than the server's rate allows, each operation of a batch counted", async (t) => {
  const it = await still(t);
  const socket = await it.online(limits({ burst: 10, ops_per_second: 5, in_flight: 1000 }));
  const op = { type: "task.complete" as const, data: { id: "a" } };
  quiet(it.client.call("batch", { ops: Array.from({ length: 7 }, () => op) }));
  for (let index = 0; index < 8; index++) quiet(it.client.call("task.list"));
  assert.equal(socket.of("task.list").length, 3);
  await it.clock.advance(1000);
  assert.equal(socket.of("task.list").length, 8);
});

test("what the server cannot do just now is tried again after the time that it says, with what came after", async (t) => {
  const it = await still(t);
  const socket = await it.online();
  const call = it.client.call("task.create", { title: "a" });
  const later = it.client.call("task.create", { title: "b" });
  socket.fail(socket.sent[1], "RATE_LIMITED", { retryable: true, retry_after_ms: 2000 });
  socket.fail(socket.sent[2], "RATE_LIMITED", { retryable: true, retry_after_ms: 2000 });
  await it.clock.advance(1999);
  assert.equal(socket.of("task.create").length, 2);
  await it.clock.advance(21);
  const again = socket.of("task.create").slice(2);
  assert.deepEqual(again.map(({ data }) => data["title"]), ["a", "b"]);
  assert.equal(again[0]!.op_id, socket.of("task.create")[0]!.op_id);
  again.forEach((frame) => socket.ok(frame, { title: "done" }));
  assert.equal((await call).data.title, "done");
  await later;
});

test("it is not tried for ever, nor after a long time", async (t) => {
  const it = await still(t);
  const socket = await it.online();
  socket.alive = true;
  const call = it.client.call("task.list");
  const failing = assert.rejects(call, refusal("UNAVAILABLE"));
  for (let tries = 1; tries <= 5; tries++) {
    assert.equal(socket.of("task.list").length, tries);
    socket.fail(socket.of("task.list").at(-1), "UNAVAILABLE", { retryable: true });
    await it.clock.advance(20_000);
  }
  await failing;
  const long = it.client.call("task.list");
  socket.fail(socket.of("task.list").at(-1), "RATE_LIMITED", { retryable: true, retry_after_ms: 60_000 });
  await assert.rejects(long, refusal("RATE_LIMITED"));
  const no = it.client.call("task.list");
  socket.fail(socket.of("task.list").at(-1), "FORBIDDEN");
  await assert.rejects(no, refusal("FORBIDDEN"));
});

test("a call that is given up is not sent, or its answer is ignored", async (t) => {
  const it = await still(t);
  const giveUp = new AbortController();
  const early = it.client.call("task.create", { title: "early" }, { signal: giveUp.signal });
  giveUp.abort();
  await assert.rejects(early, { name: "AbortError" });
  await assert.rejects(it.client.call("task.list", {}, { signal: giveUp.signal }), { name: "AbortError" });
  const socket = await it.online();
  assert.equal(socket.sent.length, 1);
  const later = new AbortController();
  const sync = it.client.call("workspace.sync", { workspace_id: "a" }, { signal: later.signal });
  later.abort("no longer");
  await assert.rejects(sync, (why) => why === "no longer");
  // The server carries it out nevertheless, with its effect on the stream.
  socket.ok(socket.of("workspace.sync")[0], { seq: 7 });
  assert.deepEqual(it.client.resume()?.positions, { "workspace:a": 7 });
  quiet(it.client.call("task.create", { title: "sent" }, { signal: AbortSignal.timeout(1) }));
  await new Promise((resolve) => setTimeout(resolve, 20));
  socket.end(1006);
  await it.clock.advance(500);
  assert.equal((await it.online()).sent.length, 1, "a call that was given up is not sent again");
});

test("the queue is bounded", async (t) => {
  const it = await still(t, { queue: 2 });
  quiet(it.client.call("task.list"));
  quiet(it.client.call("task.list"));
  await assert.rejects(it.client.call("task.list"), refusal("UNAVAILABLE"));
});

test("a frame that the server would not read is refused here", async (t) => {
  const it = await still(t);
  const socket = await it.online();
  const description = "€".repeat(30_000);
  await assert.rejects(it.client.call("task.create", { title: "long", description }), refusal("PAYLOAD_TOO_LARGE"));
  let preferences: Record<string, unknown> = {};
  for (let level = 0; level < 30; level++) preferences = { preferences };
  await assert.rejects(it.client.call("profile.update", { preferences } as never), refusal("VALIDATION_ERROR"));
  assert.equal(socket.sent.length, 1);
});

test("half of a surrogate pair is no JSON for the server, and is replaced", async (t) => {
  const it = await still(t);
  const socket = await it.online();
  quiet(it.client.call("task.create", { title: 'a\ud83d \ude00b 😀 \\ud83d "\\" \u0007' }));
  assert.equal(socket.sent.at(-1)!.data["title"], 'a\ufffd \ufffdb 😀 \\ud83d "\\" \u0007');
});

test("calls end with the connection, and say with which op_id they were sent", async (t) => {
  const it = await still(t);
  const socket = await it.online();
  const call = it.client.call("task.create", { title: "a" });
  socket.end(4403, "kicked");
  await assert.rejects(call, (error) => error instanceof Lost && error.op_id === socket.of("task.create")[0]!.op_id);
  await assert.rejects(it.client.call("task.list"), { name: "Lost", message: "kicked" });
});

test("a token that ended under a call costs another connection, not the call", async (t) => {
  const it = await still(t);
  const socket = await it.online();
  const call = it.client.call("task.list");
  const invite = it.client.call("invite.accept", { token: "old" });
  socket.fail(socket.of("invite.accept")[0], "TOKEN_EXPIRED");
  await assert.rejects(invite, refusal("TOKEN_EXPIRED"));
  socket.fail(socket.of("task.list")[0], "TOKEN_EXPIRED");
  await settle();
  assert.notEqual(it.client.state.kind, "online");
  quiet(call);
});

test("a frame that cannot be read ends the connection", async (t) => {
  const it = await still(t);
  const socket = await it.online();
  socket.onmessage?.({ data: "{" } as never);
  assert.equal(it.client.state.kind, "offline");
});
