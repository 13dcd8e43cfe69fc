// Where WebSockets are blocked: server-sent events beside HTTP requests, against a real server behind a proxy that lets no
// WebSocket through.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
// Loaded before, so that no try ends while it is.
import "../src/sdk/connection/fallback.js";
import { nowhere, Refused, type Client, type ConnectOptions } from "../src/sdk/index.js";
import type { EventFrame } from "../src/sdk/contract.js";
import { front } from "./support/front.js";
import { client, forged, person, type Person } from "./support/person.js";
import { server } from "./support/server.js";
import { holds, next, state } from "./support/until.js";

/** A server, somebody at it, and a client of theirs without a WebSocket. */
const setUp = async (t: TestContext, options: Partial<ConnectOptions> = {}) => {
  const node = await server(t);
  const ada = await person(node.url);
  const blocked = await front(t, node.url);
  const home = await homeOf(ada, node.url);
  const it = client(t, blocked.url, { token: ada.session.token, transport: "events", ...options });
  const seqs = collect(it, home);
  await state(it, "online");
  return { node, ada, blocked, home, it, seqs };
};

/** Calls the server itself. */
const rpc = async (ada: Person, url: string, frames: object[]) => {
  const answer = await fetch(`${url}/v1/rpc`, {
    method: "POST",
    headers: { authorization: `Bearer ${await ada.session.token()}`, "content-type": "application/json" },
    body: JSON.stringify(frames),
  });
  const answers = (await answer.json()) as { type: string; data: Record<string, unknown> }[];
  assert.ok(answers.every(({ type }) => type === "ok"), JSON.stringify(answers));
  return answers.map(({ data }) => data);
};

/** The stream of somebody's personal workspace. */
const homeOf = async (ada: Person, url: string) => {
  const [list] = await rpc(ada, url, [{ type: "workspace.list" }]);
  return `workspace:${(list!["items"] as { id: string }[])[0]!.id}`;
};

/** Makes so many events in a workspace. */
const log = async (ada: Person, url: string, count: number, stream?: string) => {
  const workspace_id = stream?.split(":")[1];
  const frame = { type: "task.create", data: { title: "one more", ...(workspace_id && { workspace_id }) } };
  for (let left = count; left > 0; left -= 100) await rpc(ada, url, Array(Math.min(left, 100)).fill(frame));
};

/** The `seq` of each event of a stream, as they came. */
const collect = (from: Client, stream: string): number[] => {
  const seqs: number[] = [];
  from.listen({ event: (event: EventFrame) => event.stream === stream && seqs.push(event.seq) });
  return seqs;
};

/** So many numbers from the first on. */
const from = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index);

/** The head of a stream when an account is new: the workspace, and its member. */
const NEW = 2;

test("it is found after WebSockets failed, and remembered in the session", async (t) => {
  const node = await server(t);
  const ada = await person(node.url);
  const blocked = await front(t, node.url);
  const options = { token: ada.session.token, environment: nowhere() };
  const it = client(t, blocked.url, options);
  await state(it, "online");
  assert.equal(blocked.upgrades, 2);
  blocked.cut();
  await state(it, "offline");
  await state(it, "online");
  it.close();
  const other = client(t, blocked.url, options);
  await state(other, "online");
  assert.equal(blocked.upgrades, 2);
});

test("calls go over HTTP in their order, and events and signals arrive", async (t) => {
  const { node, ada, blocked, home, it, seqs } = await setUp(t);
  await Promise.all(["1", "2", "3", "4"].map((title) => it.call("task.create", { title })));
  const titles = blocked.bodies.flat().map(({ data }) => data["title"]);
  assert.deepEqual(titles, ["1", "2", "3", "4"]);
  assert.ok(blocked.bodies.length < 4, "what waits goes in one request");
  await holds("the events", () => seqs.length === 4);
  assert.deepEqual(seqs, from(NEW + 1, 4));
  const signal = next(it, "signal", ({ signal }) => signal === "presence.changed");
  const other = client(t, node.url, { token: ada.session.token, transport: "websocket" });
  await other.call("presence.set", { workspace_id: home.split(":")[1]!, state: "online" });
  await signal;
  await assert.rejects(it.call("task.get", { id: ada.tokens.user.id }), Refused);
});

test("it resumes by the position over all streams after a cut", async (t) => {
  const { node, ada, blocked, home, it, seqs } = await setUp(t);
  await log(ada, node.url, 2);
  await holds("the events", () => seqs.length === 2);
  blocked.cut();
  await state(it, "offline");
  await log(ada, node.url, 3);
  const { streams } = await next(it, "welcome");
  assert.ok(streams.find(({ stream }) => stream === home)?.resumed);
  await holds("what was missed", () => seqs.length === 5);
  assert.deepEqual(seqs, from(NEW + 1, 5));
  assert.deepEqual(blocked.opened.map((query) => query.has("position")), [false, true]);
  assert.equal(blocked.bodies.length, 0);
});

test("events arrive in order, once, while the server is killed and comes back", { timeout: 60_000 }, async (t) => {
  const { node, ada, it, seqs } = await setUp(t);
  for (let round = 0; round < 3; round++) {
    await log(ada, node.url, 20);
    await node.kill();
    await node.start();
    await log(ada, node.url, 20);
  }
  await holds("all events", () => seqs.length === 120);
  assert.deepEqual(seqs, from(NEW + 1, 120));
  await node.stop();
  await node.start();
  await state(it, "online");
  await log(ada, node.url, 1);
  await holds("the next event", () => seqs.length === 121);
});

test("positions of a storage are caught up from the log", async (t) => {
  const node = await server(t);
  const ada = await person(node.url);
  const blocked = await front(t, node.url);
  const home = await homeOf(ada, node.url);
  await log(ada, node.url, 1200);
  const first = client(t, node.url, { token: ada.session.token });
  await state(first, "online");
  const resume = { epoch: first.resume()!.epoch, positions: { [home]: 3, [`user:${ada.tokens.user.id}`]: 0 } };
  const it = client(t, blocked.url, { token: ada.session.token, transport: "events", resume });
  const seqs = collect(it, home);
  const { streams } = await next(it, "welcome");
  assert.ok(streams.every(({ resumed }) => resumed));
  await log(ada, node.url, 1);
  await holds("all events", () => seqs.length === NEW + 1201 - 3);
  assert.deepEqual(seqs, from(4, NEW + 1201 - 3));
});

test("a stream is silent between a sync and its answer, and goes on after it", async (t) => {
  const { node, ada, blocked, home, it, seqs } = await setUp(t);
  await log(ada, node.url, 2);
  await holds("the events", () => seqs.length === 2);
  let answer: { data: { seq: number } } | undefined;
  const after: boolean[] = [];
  it.listen({ event: (event) => event.stream === home && event.seq > NEW + 2 && after.push(answer !== undefined) });
  blocked.around = async (_, pass) => {
    // one event before the snapshot, two while its answer is on its way
    await log(ada, node.url, 1);
    await pass();
    void log(ada, node.url, 2);
  };
  answer = await it.call("workspace.sync", { workspace_id: home.split(":")[1]! });
  assert.equal(answer.data.seq, NEW + 3);
  await log(ada, node.url, 1);
  await holds("the events after it", () => seqs.length >= 5);
  assert.deepEqual(seqs, [NEW + 1, NEW + 2, NEW + 4, NEW + 5, NEW + 6]);
  assert.ok(after.every(Boolean));
});

test("another stream is followed by opening again, by sync and by subscribe", async (t) => {
  const { node, ada, it } = await setUp(t, { streams: [] });
  const [made] = await rpc(ada, node.url, [{ type: "workspace.create", data: { name: "Other" } }]);
  const workspace_id = made!["id"] as string;
  const stream = `workspace:${workspace_id}`;
  const seqs = collect(it, stream);
  await log(ada, node.url, 2, stream);
  const { data: snapshot } = await it.call("workspace.sync", { workspace_id });
  await next(it, "welcome");
  await log(ada, node.url, 1, stream);
  await holds("its event", () => seqs.length === 1);
  assert.deepEqual(seqs, [snapshot.seq + 1]);
  await it.call("stream.unsubscribe", { stream });
  await log(ada, node.url, 1, stream);
  const { data } = await it.call("stream.subscribe", { stream, since: snapshot.seq - 1 });
  assert.deepEqual(data, { seq: snapshot.seq + 2, resumed: true });
  await holds("the events since", () => seqs.length === 4);
  assert.deepEqual(seqs.slice(1), from(snapshot.seq, 3));
  await log(ada, node.url, 1, stream);
  await holds("the next one", () => seqs.length === 5);
});

test("it ends with its token, and comes back with another one", async (t) => {
  const node = await server(t);
  const ada = await person(node.url);
  const blocked = await front(t, node.url);
  const home = await homeOf(ada, node.url);
  const short = forged(ada.tokens.access_token, { exp: Math.floor(Date.now() / 1000) + 4 });
  const asked: (string | undefined)[] = [];
  const token = (stale?: string) => (asked.push(stale) === 1 ? short : ada.session.token());
  const it = client(t, blocked.url, { token, transport: "events" });
  const seqs = collect(it, home);
  await state(it, "online");
  await log(ada, node.url, 1);
  await holds("the event", () => seqs.length === 1);
  await holds("another stream with the other token", () => blocked.opened.length === 2);
  await state(it, "online");
  await log(ada, node.url, 1);
  await holds("the next event", () => seqs.length === 2);
  assert.deepEqual(asked, [undefined, short]);
  assert.deepEqual(seqs, from(NEW + 1, 2));
});

test("a session that ended is closed, and refused, as on a socket", async (t) => {
  const { ada, blocked, it } = await setUp(t);
  await ada.session.logOut();
  const closed = await state(it, "closed");
  assert.equal(closed.code, 4403);
  const late = client(t, blocked.url, { token: () => ada.tokens.access_token, transport: "events" });
  await state(late, "closed");
});

test("a request that breaks off is sent again with its op_id, and done once", async (t) => {
  const { node, ada, blocked, it, seqs } = await setUp(t);
  let broken = false;
  blocked.around = async (frames, pass) => {
    if (broken) return pass();
    broken = true;
    // it is carried out, and its answer is lost
    await rpc(ada, node.url, frames);
    blocked.cut();
  };
  const { data } = await it.call("task.create", { title: "once" });
  const [first, second] = blocked.bodies.flat();
  assert.ok(first!.op_id);
  assert.deepEqual([second!.op_id, second!.id], [first!.op_id, first!.id]);
  assert.equal(data.title, "once");
  await log(ada, node.url, 1);
  await holds("the next event", () => seqs.length === 2);
  assert.deepEqual(seqs, from(NEW + 1, 2));
});
