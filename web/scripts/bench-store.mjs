// How fast the store is: an event applied and shown, a page that opens, a queue that drains at a real server. Compile the tests
// first: `npx tsc -p tsconfig.test.json && node scripts/bench-store.mjs`. TASKWIRE_SERVER names the server's binary.

import "fake-indexeddb/auto";
import { WebSocket } from "ws";

const built = new URL(process.argv[2] ? `file://${process.argv[2]}/` : "../.test/", import.meta.url);
const load = (path) => import(new URL(path, built).href);
const { openStore } = await load("src/sdk/store.js");

const { EMPTY } = await load("src/sdk/replica/state.js");
const { onRecords } = await load("src/sdk/storage/records.js");
const { indexedDb } = await load("src/sdk/storage/indexeddb.js");
const { inMemory } = await load("test/store/records.js");
const { stateWith } = await load("test/store/state.js");
const { HOME } = await load("test/store/model.js");
const { download } = await load("src/sdk/replica/download.js");
const { connect } = await load("src/sdk/client.js");
const { person } = await load("test/support/person.js");
const { server } = await load("test/support/server.js");

const quantile = (times, q) => [...times].sort((a, b) => a - b)[Math.floor(times.length * q)].toFixed(3);
const say = (what, times) =>
  console.log(
    `${what}: p50 ${quantile(times, 0.5)} ms, p99 ${quantile(times, 0.99)} ms, most ${quantile(times, 0.9999)} ms`,
  );

/** A connection without a network. */
const fakeLink = () => {
  let listener;
  return {
    state: { kind: "online" },
    call: () => new Promise(() => {}),
    listen: (to) => ((listener = to), () => {}),
    tell: (frame) => listener.event(frame),
  };
};

for (const count of [10_000, 100_000]) {
  const storage = onRecords(inMemory());
  await storage.save(EMPTY, stateWith(count), new Map());
  const store = await openStore({ storage });
  const link = fakeLink();
  store.attach(link);
  const tasks = [...store.state.workspaces.get(HOME).tasks].sort((a, b) => (a.id < b.id ? -1 : 1));
  for (let i = 0; i < 10; i++) store.mutate("task.update", { id: tasks[i].id, title: `pending ${i}` });
  let calls = 0;
  const isUrgent = (task) => task.priority === "high";
  store.subscribe(
    (view) => view.workspaces.get(HOME).tasks.get(tasks[50].id),
    () => calls++,
  );
  store.subscribe(
    (view) => view.workspaces.get(HOME).tasks.filter(isUrgent),
    () => calls++,
  );
  const times = [];
  for (let i = 0; i < 3000; i++) {
    const task = tasks[(i * 7919) % count];
    const data = { ...task, title: `title ${i}`, version: i + 2 };
    const frame = {
      type: "event",
      stream: `workspace:${HOME}`,
      seq: i + 2,
      event: "task.updated",
      at: "",
      actor: { kind: "server" },
      data,
    };
    const began = performance.now();
    link.tell(frame);
    store.state;
    times.push(performance.now() - began);
    if (i % 100 === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  say(`an event applied, ten operations replayed, read (${count} tasks)`, times.slice(500));
  const own = [];
  for (let i = 0; i < 300; i++) {
    const began = performance.now();
    store.mutate("task.update", { id: tasks[100 + i].id, priority: "high" });
    own.push(performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve));
  }
  say(`an operation begun, shown and told (${count} tasks)`, own);
  await store.close();

  const disk = await indexedDb(`bench ${count}`);
  await disk.save(EMPTY, stateWith(count), new Map());
  disk.close();
  const opening = performance.now();
  const read = await openStore({ storage: await indexedDb(`bench ${count}`) });
  const { size } = read.state.workspaces.get(HOME).tasks;
  console.log(`a page opens with ${size} tasks from (fake) IndexedDB: ${(performance.now() - opening).toFixed(0)} ms`);
  await read.close();
}

const ends = [];
const test = { after: (end) => ends.unshift(end) };
const at = await server(test);
const ada = await person(at.url);
const online = (store) =>
  new Promise((resolve) => {
    const check = (ready) => ready && resolve();
    store.subscribe((view) => view.synced && view.user && view.operations.length === 0, check);
    check(store.state.synced && store.state.user && store.state.operations.length === 0);
  });
const drain = async (what, fill) => {
  const store = await openStore();
  const first = connect({ url: at.url, token: ada.session.token, WebSocket });
  store.attach(first.link);
  await online(store);
  const [home] = store.state.user.workspaces;
  first.close();
  const began = performance.now();
  await fill(store, home.id);
  const filled = performance.now();
  const waiting = store.state.operations.length;
  const again = connect({ url: at.url, token: ada.session.token, WebSocket, resume: store.resume() });
  store.attach(again.link);
  await new Promise((resolve) => {
    const stop = store.subscribe(
      (view) => view.connection?.kind === "online",
      (is) => is && (stop(), resolve()),
    );
  });
  const connected = performance.now();
  await online(store);
  const end = performance.now();
  console.log(
    `${waiting} operations (${what}) begun in ${(filled - began).toFixed(0)} ms, drained in ${(end - connected).toFixed(0)} ms`,
  );
  again.close();
  await store.close();
};
await drain("new tasks", (store, workspace_id) => {
  for (let i = 0; i < 1000; i++) store.mutate("task.create", { workspace_id, title: `task ${i}` });
});
await drain("changes of ten tasks", (store) => {
  const [space] = store.state.workspaces;
  const tasks = [...space.tasks].slice(0, 10);
  for (let i = 0; i < 1000; i++) store.mutate("task.complete", { id: tasks[i % 10].id });
});
const seed = connect({ url: at.url, token: ada.session.token, WebSocket });
for (let i = 0; i < 80; i++) {
  const ops = Array.from({ length: 100 }, (_, n) => ({
    type: "task.create",
    data: { title: `task ${i * 100 + n}`, description: "what there is to do" },
  }));
  await seed.call("batch", { ops });
}
seed.close();
const whole = async (what, options) => {
  const began = performance.now();
  const store = await openStore(options);
  const client = connect({ url: at.url, token: ada.session.token, WebSocket });
  store.attach(client.link);
  await online(store);
  const { size } = [...store.state.workspaces][0].tasks;
  console.log(`${size} tasks synced ${what}: ${(performance.now() - began).toFixed(0)} ms`);
  client.close();
  await store.close();
};
await whole("in pages", {});
const headers = { authorization: `Bearer ${ada.tokens.access_token}` };
await whole("over HTTP", { snapshot: download((path) => fetch(at.url + path, { headers })) });
for (const end of ends) await end();
