// The hooks with React in a document: who is drawn again and when, also on a server.

import { Window } from "happy-dom";
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { act, createElement, StrictMode, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { TaskwireProvider, useConnection, useMutate, useOperations, useView, type ShownStore } from "../../src/react/index.js";
import { realClock, type Clock } from "../../src/sdk/connection/clock.js";
import { onRecords } from "../../src/sdk/storage/records.js";
import { EMPTY } from "../../src/sdk/replica/state.js";
import { openStore, type Store } from "../../src/sdk/store.js";
import { inMemory } from "../store/records.js";
import { HOME } from "../store/model.js";
import { stateWith } from "../store/state.js";

const window = new Window();
Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: true });

/** What the store does in a moment. */
let timers: (() => void)[] = [];
const clock: Clock = {
  ...realClock,
  after(_ms, run) {
    timers.push(run);
    return () => void (timers = timers.filter((other) => other !== run));
  },
};

/** A store with three tasks, which is never connected. */
const open = async (t: TestContext): Promise<Store> => {
  const storage = onRecords(inMemory());
  await storage.save(EMPTY, stateWith(3), new Map());
  const store = await openStore({ storage, clock });
  t.after(() => store.close());
  return store;
};

const draw = async (t: TestContext, store: ShownStore, child: () => ReactNode, strict = false) => {
  const container = document.createElement("div");
  const root = createRoot(container);
  t.after(() => act(() => root.unmount()));
  const inner = createElement(TaskwireProvider, { store }, createElement(child));
  await act(() => root.render(strict ? createElement(StrictMode, null, inner) : inner));
  return { container, root };
};

/** Does it, and lets the store write it and tell of it. */
const step = (store: Store, run: () => unknown) =>
  act(async () => {
    run();
    await store.flush();
    for (const run of timers.splice(0)) run();
  });

const tasksOf = (store: Store) => [...store.state.workspaces.get(HOME)!.tasks].sort((a, b) => (a.id < b.id ? -1 : 1));

test("a component is drawn again only when its part changed, with a new selector each time", async (t) => {
  const store = await open(t);
  const [a, b] = tasksOf(store);
  let drawn = 0;
  const { container } = await draw(t, store, () => {
    drawn++;
    return useView(({ workspaces }) => [...workspaces.get(HOME)!.tasks].filter(({ id }) => id === a!.id)).map(({ title }) => title).join();
  });
  assert.deepEqual([container.textContent, drawn], ["task 0", 1]);
  await step(store, () => store.mutate("task.update", { id: b!.id, title: "other" }));
  assert.equal(drawn, 1, "another task");
  await step(store, () => store.mutate("task.update", { id: a!.id, title: "mine" }));
  assert.deepEqual([container.textContent, drawn], ["mine", 2]);
});

test("what a selector gives stays the same object while nothing in it changed", async (t) => {
  const store = await open(t);
  const [a] = tasksOf(store);
  const seen = new Set<unknown>();
  await draw(t, store, () => {
    seen.add(useView(({ workspaces }) => [...workspaces.get(HOME)!.tasks].filter(({ title }) => title === "task 1")));
    return null;
  });
  await step(store, () => store.mutate("task.update", { id: a!.id, title: "other" }));
  assert.equal(seen.size, 1);
});

test("a component that comes later, in strict mode, shows what is there, and hears of nothing after it is gone", async (t) => {
  const store = await open(t);
  const [a] = tasksOf(store);
  store.mutate("task.update", { id: a!.id, title: "before" });
  let drawn = 0;
  const { container, root } = await draw(
    t,
    store,
    () => {
      drawn++;
      return useView(({ workspaces }) => workspaces.get(HOME)!.tasks.get(a!.id)!.title);
    },
    true,
  );
  assert.equal(container.textContent, "before");
  await step(store, () => store.mutate("task.update", { id: a!.id, title: "after" }));
  assert.equal(container.textContent, "after");
  await act(() => root.render(null));
  const before = drawn;
  await step(store, () => store.mutate("task.update", { id: a!.id, title: "unseen" }));
  assert.equal(drawn, before);
});

test("operations are begun, shown, and dropped by hooks; the connection is told", async (t) => {
  const store = await open(t);
  const [a] = tasksOf(store);
  const functions = new Set<unknown>();
  let hooks!: ReturnType<typeof useOperations> & { mutate: Store["mutate"]; connection: ReturnType<typeof useConnection> };
  await draw(t, store, () => {
    const mutate = useMutate();
    functions.add(mutate);
    hooks = { ...useOperations(), mutate, connection: useConnection() };
    return null;
  });
  assert.deepEqual(hooks.connection, { connection: undefined, synced: false, durable: true });
  await step(store, () => hooks.mutate("task.update", { id: a!.id, title: "x" }));
  assert.equal(hooks.operations.length, 1);
  await step(store, () => hooks.drop(hooks.operations[0]!.op_id));
  assert.deepEqual([hooks.operations.length, tasksOf(store)[0]!.title, functions.size], [0, a!.title, 1]);
});

test("a page is drawn on a server; without a provider the error says so", async (t) => {
  const store = await open(t);
  const Count = () => useView(({ workspaces }) => workspaces.get(HOME)!.tasks.size);
  const page = createElement(TaskwireProvider, { store }, createElement(Count));
  assert.equal(renderToString(page), "3");
  assert.throws(() => renderToString(createElement(Count)), /TaskwireProvider/);
});
