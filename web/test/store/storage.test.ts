// What a store keeps: what was there last is shown at once, operations outlast the page, and where nothing can be kept, it
// says so.

import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EventFrame } from "../../src/sdk/contract.js";
import { fold } from "../../src/sdk/replica/fold.js";
import { addPage, EMPTY, withWorkspace, type State } from "../../src/sdk/replica/state.js";
import { deleteIndexedDb, indexedDb } from "../../src/sdk/storage/indexeddb.js";
import { addChanges, onRecords, stateOf, type Records } from "../../src/sdk/storage/records.js";
import { openStore } from "../../src/sdk/store.js";
import { HOME, ME } from "./model.js";
import { inMemory } from "./records.js";
import { stateWith } from "./state.js";

const records = (state: State) => {
  const changes = new Map<string, string | undefined>();
  addChanges(EMPTY, state, changes);
  return changes;
};

test("a state is read as it was written, and a change writes little", async () => {
  const state = stateWith(1000);
  const all = records(state) as Map<string, string>;
  assert.deepEqual(stateOf(all), state);
  const [task] = [...state.workspaces.get(HOME)!.tasks];
  const frame = {
    type: "event",
    stream: `workspace:${HOME}`,
    seq: 2,
    event: "task.updated",
    data: { ...task, title: "x", version: 2 },
  };
  const next = fold(state, frame as unknown as EventFrame)!;
  const changes = new Map<string, string | undefined>();
  addChanges(state, next, changes);
  assert.equal(changes.size, 2, [...changes.keys()].join());
  const merged = new Map([...all, ...(changes as Map<string, string>)]);
  assert.deepEqual([...stateOf(merged).workspaces.get(HOME)!.tasks].find(({ id }) => id === task!.id)?.title, "x");
  const partly = new Map<string, string | undefined>();
  addChanges(EMPTY, withWorkspace(state, HOME, { ...state.workspaces.get(HOME)!, complete: false }), partly);
  assert.deepEqual(
    [...partly.keys()].filter((key) => key.includes(HOME)),
    [],
    "a part of a snapshot is not kept",
  );
  const gone = new Map<string, string | undefined>();
  addChanges(next, withWorkspace(next, HOME, undefined), gone);
  for (const [key, text] of gone) if (text === undefined) merged.delete(key);
  assert.deepEqual(
    [...merged.keys()].filter((key) => key.includes(HOME)),
    [],
  );
});

test("operations and state outlast the page in IndexedDB", async () => {
  const storage = await indexedDb("one");
  assert.equal(storage.durable, true);
  await storage.save(EMPTY, stateWith(10), new Map());
  const store = await openStore({ storage });
  assert.equal(store.state.workspaces.get(HOME)!.tasks.size, 10);
  assert.deepEqual(store.resume(), { epoch: "e", positions: { [`user:${ME}`]: 0, [`workspace:${HOME}`]: 1 } });
  store.mutate("task.create", { workspace_id: HOME, title: "offline" });
  store.mutate("task.create", { workspace_id: HOME, title: "after it" });
  assert.deepEqual(
    store.state.operations.map(({ phase }) => phase),
    ["writing", "writing"],
  );
  await store.flush();
  assert.deepEqual(
    store.state.operations.map(({ phase }) => phase),
    ["waiting", "waiting"],
  );
  // The page is gone without a word.
  const again = await openStore({ storage: await indexedDb("one") });
  assert.equal(again.state.durable, true);
  assert.deepEqual(
    again.state.operations.map(({ name, data }) => [name, data["title"]]),
    [
      ["task.create", "offline"],
      ["task.create", "after it"],
    ],
  );
  assert.deepEqual(
    [...again.state.workspaces.get(HOME)!.tasks]
      .filter(({ version }) => !version)
      .map(({ title }) => title)
      .sort(),
    ["after it", "offline"],
  );
  await again.close();
  await store.close();
  await deleteIndexedDb("one");
  const empty = await openStore({ storage: await indexedDb("one") });
  assert.deepEqual([empty.state.user, empty.state.operations], [undefined, []]);
  await empty.close();
});

test("where nothing can be kept the store works and says so", async () => {
  const held = globalThis.indexedDB;
  Object.defineProperty(globalThis, "indexedDB", { value: undefined, configurable: true });
  const storage = await indexedDb("two");
  Object.defineProperty(globalThis, "indexedDB", { value: held, configurable: true });
  assert.equal(storage.durable, false);
  const full = onRecords({
    ...inMemory(),
    write: () => Promise.reject(new DOMException("full", "QuotaExceededError")),
  });
  for (const [kind, expected] of [
    [storage, false],
    [full, false],
  ] as const) {
    const store = await openStore({ storage: kind });
    store.mutate("workspace.create", { name: "w" });
    await store.flush();
    assert.equal(store.state.durable, expected);
    assert.equal(store.state.operations[0]?.phase, "waiting");
    await store.close();
  }
});

test("a database that does not answer costs five seconds, not the operations", async (test) => {
  test.mock.timers.enable({ apis: ["setTimeout"] });
  const held = globalThis.indexedDB;
  Object.defineProperty(globalThis, "indexedDB", { value: { open: () => ({}) }, configurable: true });
  const opening = indexedDb("three");
  Object.defineProperty(globalThis, "indexedDB", { value: held, configurable: true });
  test.mock.timers.tick(5000);
  assert.equal((await opening).durable, false);
});

test("what could not be written is written with what comes next", async () => {
  const inner = inMemory();
  let isFull = true;
  const write: Records["write"] = (changes) => (isFull ? Promise.reject(new Error("full")) : inner.write(changes));
  const storage = onRecords({ ...inner, write });
  const store = await openStore({ storage });
  store.mutate("workspace.create", { name: "one" });
  await store.flush();
  isFull = false;
  store.mutate("workspace.create", { name: "two" });
  await store.flush();
  assert.equal(store.state.durable, true);
  const again = await openStore({ storage });
  assert.deepEqual(
    again.state.operations.map(({ data }) => data["name"]),
    ["one", "two"],
  );
  await store.close();
});

test("where the state has no place the operations are kept, and the state is not tried at once again", async () => {
  const inner = inMemory();
  const sizes: number[] = [];
  const write: Records["write"] = async (changes) => {
    sizes.push(changes.size);
    if (changes.size > 2) throw new Error("full");
    await inner.write(changes);
  };
  const store = await openStore({ storage: onRecords({ ...inner, write }) });
  store.server(() => stateWith(100));
  store.mutate("workspace.create", { name: "kept" });
  await store.flush();
  assert.deepEqual([store.state.durable, sizes[0]! > 2, sizes.slice(1)], [true, true, [1]]);
  store.mutate("workspace.create", { name: "too" });
  await store.flush();
  assert.deepEqual(sizes.slice(2), [1]);
  assert.deepEqual([...(await inner.load()).keys()], ["q/1", "q/2"]);
  await store.close();
});

test("a state of another layout is not read, and its records go away", async () => {
  const all = inMemory();
  const storage = onRecords(all);
  await all.write(
    new Map([
      ["s", JSON.stringify("0 e")],
      ["s/user", "?"],
      [
        "q/1",
        JSON.stringify({
          op: { op_id: "a", name: "workspace.create", data: { name: "n" }, created_at: "", phase: "waiting" },
        }),
      ],
    ]),
  );
  const store = await openStore({ storage });
  assert.equal(store.state.user, undefined);
  assert.equal(store.state.operations.length, 1);
  store.mutate("workspace.create", { name: "m" });
  await store.flush();
  assert.deepEqual([...(await all.load()).keys()], ["q/1", "q/2"]);
  await store.close();
});

test("a page of a snapshot that is older than what is held changes nothing", () => {
  const space = stateWith(3).workspaces.get(HOME)!;
  const [task] = [...space.tasks];
  const newer = { ...space, tasks: space.tasks.with(task!.id, { ...task!, version: 5, title: "new" }) };
  const next = addPage(newer, { seq: 1, tasks: [task!] });
  assert.equal(next.tasks.get(task!.id)!.title, "new");
});
