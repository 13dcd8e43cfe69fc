// Three tabs at a real server, while tabs are killed, put away and opened again, the connection is cut, answers are lost and
// the server is killed: after quiet every operation was carried out once, and all tabs show what a new snapshot says.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Lost } from "../../src/sdk/link.js";
import { openStore } from "../../src/sdk/store.js";
import { random } from "../store/schedule.js";
import { same, until } from "../store/support.js";
import { client, person } from "../support/person.js";
import { proxy } from "../support/proxy.js";
import { server } from "../support/server.js";
import { pages, type Page } from "./pages.js";

test("operations of three tabs survive cuts, lost answers, kills of the server, and of any tab but the one they are begun in", async (t) => {
  const at = await server(t);
  const between = await proxy(t, at.port);
  const ada = await person(at.url);
  const { open } = pages(t, between.url, () => ada.session.token());
  let all: Page[] = [await open(), await open(), await open()];
  await until(() => all.every(({ store }) => store.state.synced && store.state.user), "the first sync");
  const workspace_id = [...all[0]!.store.state.user!.workspaces][0]!.id;

  const seed = Number(process.env["TASKWIRE_TEST_SEED"] ?? Date.now() % 100_000);
  console.log(`seed ${seed}`);
  const next = random(seed);
  /** One in which a person can do something. */
  const any = () => {
    if (all.every((page) => page.isDeaf())) all.forEach((page) => page.wake());
    const awake = all.filter((page) => !page.isDeaf());
    return awake[Math.floor(next() * awake.length)]!;
  };
  const titles: string[] = [];
  const outcomes: Promise<unknown>[] = [];
  const replace = async (page: Page, end: () => unknown) => {
    await end();
    all = [...all.filter((other) => other !== page), await open()];
  };
  const chaos: (() => unknown)[] = [
    () => between.cut(),
    () => between.deafen(),
    async () => {
      await at.kill();
      await at.start();
    },
    () => {
      const page = any();
      return replace(page, () => page.store.close());
    },
    () => {
      const page = any();
      page.leave();
      page.deafen();
    },
    () => all.forEach((page) => page.wake()),
  ];
  for (let i = 0; i < 200; i++) {
    const page = any();
    const title = `task ${i}`;
    const { op_id, done } = page.store.mutate("task.create", { workspace_id, title });
    assert.ok(page.store.state.operations.some((op) => op.op_id === op_id), "it is shown at once");
    titles.push(title);
    outcomes.push(done.catch((why: unknown) => assert.ok(why instanceof Lost, String(why))));
    if (next() < 0.06) await chaos[Math.floor(next() * chaos.length)]!();
    if (i % 40 === 20) {
      // The one that leads is gone in the middle of what another one began; what it began itself is stored.
      all.forEach((page) => page.wake());
      await until(() => all.some((page) => page.isLeader()), "a tab that leads");
      const leader = all.find((page) => page.isLeader())!;
      await leader.store.flush();
      const other = all.find((page) => page !== leader)!;
      titles.push(`other ${i}`);
      outcomes.push(other.store.mutate("task.create", { workspace_id, title: `other ${i}` }).done.catch(() => {}));
      await new Promise((resolve) => setTimeout(resolve, next() * 5));
      await replace(leader, () => leader.kill());
    }
    if (next() < 0.3) await new Promise((resolve) => setTimeout(resolve, next() * 20));
  }
  between.cut();
  all.forEach((page) => page.wake());
  await until(() => all.every(({ store }) => store.state.synced && !store.state.operations.length), "quiet");
  const fresh = await openStore();
  t.after(() => fresh.close());
  fresh.attach(client(t, at.url, { token: ada.session.token }).link);
  await until(() => fresh.state.synced && fresh.state.user, "a new snapshot");
  const shown = [...fresh.state.workspaces.get(workspace_id)!.tasks].map(({ title }) => title);
  assert.deepEqual(titles.filter((title) => !shown.includes(title)), [], "lost");
  assert.deepEqual(shown.sort(), titles.sort(), "each task once");
  for (const { store } of all) {
    await until(() => store.state.user!.seq >= fresh.state.user!.seq, "the last event");
    same(store as never, fresh);
  }
});
