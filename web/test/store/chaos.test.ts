// The store over a real connection to a real server, while the connection is cut, answers are lost and the server is killed:
// after quiet every operation was carried out once, and two people see the same.

import assert from "node:assert/strict";
import { test } from "node:test";
import { WebSocket } from "ws";
import { connect, type Client } from "../../src/sdk/client.js";
import { onRecords } from "../../src/sdk/storage/records.js";
import { openStore, type Store } from "../../src/sdk/store.js";
import { client, person } from "../support/person.js";
import { proxy } from "../support/proxy.js";
import { server } from "../support/server.js";
import { inMemory } from "./records.js";
import { random } from "./schedule.js";
import { same, until } from "./support.js";

test("operations survive cuts, lost answers, kills of the server and reloads of the page", async (test) => {
  const at = await server(test);
  const between = await proxy(test, at.port);
  const [ada, bob] = [await person(at.url, "Ada"), await person(at.url, "Bob")];
  const theirs = client(test, at.url, { token: bob.session.token });
  const { data: space } = await theirs.call("workspace.create", { name: "Team" });
  await theirs.call("member.add", { workspace_id: space.id, username: ada.tokens.user.username, role: "admin" });

  const storage = onRecords(inMemory());
  let store: Store;
  let made: Client;
  const open = async () => {
    store = await openStore({ storage });
    made = connect({ url: between.url, token: ada.session.token, WebSocket, resume: store.resume() });
    store.attach(made.link);
  };
  await open();
  test.after(async () => (made.close(), await store.close()));
  await until(() => store.state.synced && store.state.workspaces.get(space.id), "the first sync");

  const seed = Number(process.env["TASKWIRE_TEST_SEED"] ?? Date.now() % 100_000);
  console.log(`seed ${seed}`);
  const next = random(seed);
  const titles: string[] = [];
  const edits = new Map<string, string>();
  const chaos: (() => unknown)[] = [
    () => between.cut(),
    () => between.deafen(),
    () => between.cut(),
    async () => {
      await at.kill();
      await at.start();
    },
    async () => {
      made.close();
      await store.close();
      await open();
    },
  ];
  for (let i = 0; i < 300; i++) {
    const title = `task ${i}`;
    store!.mutate("task.create", { workspace_id: space.id, title });
    titles.push(title);
    const tasks = [...store!.state.workspaces.get(space.id)!.tasks];
    const task = tasks[Math.floor(next() * tasks.length)];
    if (task) {
      edits.set(task.id, `text ${i}`);
      store!.mutate("task.update", { id: task.id, description: `text ${i}` });
    }
    if (i % 20 === 7) store!.mutate("project.create", { workspace_id: space.id, name: `project ${i}` });
    if (next() < 0.05) await chaos[Math.floor(next() * chaos.length)]!();
    if (next() < 0.3) await new Promise((resolve) => setTimeout(resolve, next() * 20));
  }
  between.cut();
  await until(() => store.state.synced && !store.state.operations.length, "quiet");
  const { tasks, projects } = store!.state.workspaces.get(space.id)!;
  assert.deepEqual([...tasks].map(({ title }) => title).sort(), titles.sort(), "each task once");
  assert.equal(projects.size, 15);
  for (const [id, text] of edits) assert.equal(tasks.get(id)!.description, text, "the last edit of each task");
  const fresh = await openStore();
  test.after(() => fresh.close());
  fresh.attach(client(test, at.url, { token: ada.session.token }).link);
  await until(() => fresh.state.synced && fresh.state.user, "a new snapshot");
  same(store!, fresh);
});

test("a new epoch is synced, and what waits is sent into it", async (test) => {
  const at = await server(test);
  const ada = await person(at.url);
  const store = await openStore();
  test.after(() => store.close());
  store.attach(client(test, at.url, { token: ada.session.token }).link);
  await until(() => store.state.synced && store.state.user, "the first sync");
  const [home] = store.state.user!.workspaces;
  await store.mutate("task.create", { workspace_id: home!.id, title: "before" }).done;
  const { epoch } = store.state;
  await at.stop();
  store.mutate("task.create", { workspace_id: home!.id, title: "while it is away" });
  at.command("admin", "new-epoch");
  await at.start();
  await until(
    () => store.state.epoch !== epoch && store.state.synced && !store.state.operations.length,
    "the new epoch",
  );
  assert.deepEqual([...store.state.workspaces.get(home!.id)!.tasks].map(({ title }) => title).sort(), [
    "before",
    "while it is away",
  ]);
});
