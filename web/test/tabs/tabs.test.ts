// Several tabs of a browser with one connection and one queue, at a real server.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { openStore } from "../../src/sdk/store.js";
import { Lost, Refused } from "../../src/sdk/link.js";
import { undoable } from "../../src/sdk/outbox/undo.js";
import type { Shared } from "../../src/sdk/tabs/shared.js";
import { same, until } from "../store/support.js";
import { client, person } from "../support/person.js";
import { proxy } from "../support/proxy.js";
import { server } from "../support/server.js";
import { pages, type Page } from "./pages.js";

const home = ({ state }: Shared) => [...state.user!.workspaces].find(({ kind }) => kind === "personal")!.id;
const titles = ({ state }: Shared) => [...state.workspaces].flatMap(({ tasks }) => [...tasks].map(({ title }) => title)).sort();
const synced = (page: Page) => until(() => page.store.state.synced && page.store.state.user, "the first sync");

/** Three tabs that show the same, the first of which leads. */
const three = async (t: TestContext) => {
  const at = await server(t);
  const between = await proxy(t, at.port);
  const ada = await person(at.url);
  const { open, records } = pages(t, between.url, () => ada.session.token());
  const first = await open();
  await synced(first);
  const all = [first, await open(), await open()] as [Page, Page, Page];
  return { at, between, ada, open, records, all };
};

test("tabs share one socket and one token, and show the same at once", async (t) => {
  const { between, all } = await three(t);
  const [first, second, third] = all;
  for (const { store } of all) assert.equal(store.state.synced, true, "a tab that is opened has all");
  await first.store.mutate("task.create", { workspace_id: home(first.store), title: "one" }).done;
  for (const { store } of all)
    await until(() => titles(store).join() === "one" && !store.state.operations.length, "the task");
  assert.equal(between.count, 1);
  assert.deepEqual(
    all.map(({ tokens }) => tokens > 0),
    [true, false, false],
  );
  assert.deepEqual(all.map((page) => page.isLeader()), [true, false, false]);
  same(second.store as never, first.store as never);
  same(third.store as never, first.store as never);
});

test("what a tab does is shown there at once, sent by the one that leads, and answered where it was begun", async (t) => {
  const { between, all } = await three(t);
  const [first, second, third] = all;
  const told: string[] = [];
  third.store.subscribe(
    (view) => [...view.workspaces].flatMap(({ tasks }) => [...tasks].map(({ title }) => title)),
    (all) => told.push(all.join()),
  );
  const begun = second.store.mutate("task.create", { workspace_id: home(second.store), title: "mine" });
  assert.deepEqual(titles(second.store), ["mine"]);
  assert.deepEqual(second.store.state.operations.map(({ phase }) => phase), ["writing"]);
  const { data } = await begun.done;
  assert.equal(data.title, "mine");
  for (const { store } of all) await until(() => titles(store).join() === "mine" && !store.state.operations.length, "it");
  assert.deepEqual(told, ["mine"]);
  assert.equal(first.store.state.workspaces.get(home(first.store))!.tasks.get(data.id)!.version, data.version);
  await third.store.mutate("task.complete", { id: data.id }).done;
  await until(() => second.store.state.workspaces.get(home(first.store))!.tasks.get(data.id)!.completed, "completed");
  assert.equal(between.count, 1);
});

test("a refused operation is shown in all tabs with its reason, and tried again or dropped from any", async (t) => {
  const { all } = await three(t);
  const [first, second, third] = all;
  const begun = second.store.mutate("task.create", { workspace_id: home(second.store), title: " " });
  await assert.rejects(begun.done, Refused);
  const refused = ({ store }: Page) => store.state.operations.map(({ phase, failure }) => [phase, failure?.code]);
  for (const page of all) await until(() => refused(page).join() === "refused,VALIDATION_ERROR", "the refusal");
  const before = first.store.state.operations[0]!.failure;
  third.store.retry(begun.op_id);
  await until(() => first.store.state.operations[0]!.failure !== before, "another try");
  for (const page of all) await until(() => refused(page).join() === "refused,VALIDATION_ERROR", "the refusal again");
  assert.equal(third.store.drop(begun.op_id), true);
  for (const { store } of all) await until(() => !store.state.operations.length, "it is dropped");
  assert.equal(third.store.drop(begun.op_id), false);
});

test("an undo in one tab takes back what was done there", async (t) => {
  const { all } = await three(t);
  const [first, second] = all;
  const { data } = await first.store.mutate("task.create", { workspace_id: home(first.store), title: "before" }).done;
  await until(() => titles(second.store).join() === "before", "the task");
  const history = undoable(second.store);
  await history.mutate("task.update", { id: data.id, title: "after" }).done;
  await until(() => titles(first.store).join() === "after", "the edit");
  await history.undo()!.done;
  for (const { store } of all) await until(() => titles(store).join() === "before", "it is taken back");
});

test("a killed leader is replaced within two seconds, and what it was writing is done once", async (t) => {
  const { at, ada, all, open } = await three(t);
  const [first, second, third] = all;
  const workspace_id = home(second.store);
  const done: Promise<unknown>[] = [];
  for (let i = 0; i < 20; i++) done.push(second.store.mutate("task.create", { workspace_id, title: `task ${i}` }).done);
  // It has heard of them, and is about to write.
  await until(() => first.store.state.operations.length, "they are in the queue");
  first.kill();
  const began = Date.now();
  await until(() => (second.isLeader() || third.isLeader()) && second.store.state.connection?.kind === "online", "another one");
  assert.ok(Date.now() - began < 2000, `${Date.now() - began} ms`);
  done.push(third.store.mutate("task.create", { workspace_id, title: "task 20" }).done);
  await Promise.all(done.map((one) => one.catch((why: unknown) => assert.ok(why instanceof Lost, String(why)))));
  const fourth = await open();
  const expected = Array.from({ length: 21 }, (_, i) => `task ${i}`).sort();
  for (const { store } of [second, third, fourth])
    await until(() => titles(store).length === 21 && !store.state.operations.length, "all of them");
  for (const { store } of [second, third, fourth]) assert.deepEqual(titles(store), expected);
  const fresh = await openStore();
  t.after(() => fresh.close());
  fresh.attach(client(t, at.url, { token: ada.session.token }).link);
  await until(() => fresh.state.synced && fresh.state.user, "a new snapshot");
  for (const { store } of [second, third, fourth]) same(store as never, fresh);
});

test("a tab that was frozen catches up, and one that is put away gives the connection to another", async (t) => {
  const { between, all } = await three(t);
  const [first, second, third] = all;
  const workspace_id = home(first.store);
  third.deafen();
  await first.store.mutate("task.create", { workspace_id, title: "unheard" }).done;
  await until(() => titles(second.store).length === 1, "it is there");
  assert.deepEqual(titles(third.store), []);
  third.wake();
  await until(() => titles(third.store).join() === "unheard", "it caught up");
  first.leave();
  await until(() => second.isLeader() && second.store.state.connection?.kind === "online", "another one");
  const begun = first.store.mutate("task.create", { workspace_id, title: "by the first" });
  await begun.done;
  for (const { store } of all) await until(() => titles(store).length === 2 && !store.state.operations.length, "both");
  first.wake();
  await second.store.close();
  await until(() => third.isLeader() && third.store.state.connection?.kind === "online", "the third");
  third.leave();
  await until(() => first.isLeader() && first.store.state.connection?.kind === "online", "the first again");
  assert.equal(between.count, 4, "one socket for each time");
});

test("calls, signals and details reach every tab", async (t) => {
  const { all } = await three(t);
  const [first, second] = all;
  const { data: task } = await first.store.mutate("task.create", { workspace_id: home(first.store), title: "t" }).done;
  const found = await second.store.link.call("task.get", { id: task.id });
  assert.equal(found.data.title, "t");
  await assert.rejects(second.store.link.call("task.get", { id: home(first.store) }), Refused);
  const stop = new AbortController();
  const given = second.store.link.call("task.get", { id: task.id }, { signal: stop.signal });
  stop.abort(new Error("enough"));
  await assert.rejects(given, /enough/);
  await second.store.mutate("comment.create", { task_id: task.id, body: "a comment" }).done;
  await second.store.load(task.id);
  const comments = ({ store }: Page) =>
    store.state.workspaces.get(home(store))!.details.get(task.id)?.comments.map(({ body }) => body).join();
  for (const page of all) await until(() => comments(page) === "a comment", "the details");
  const heard = new Promise((resolve) => second.store.link.listen({ event: resolve }));
  await first.store.mutate("task.update", { id: task.id, title: "u" }).done;
  await heard;
});

test("a person who signs out in one tab is signed out in all", async (t) => {
  const { between, all } = await three(t);
  const [first, second, third] = all;
  await third.store.signOut();
  for (const page of all) await until(() => page.ended, "the end");
  for (const { store } of all)
    assert.deepEqual([store.state.user, store.state.connection?.kind, store.state.workspaces.size], [undefined, "closed", 0]);
  await assert.rejects(second.store.mutate("task.create", { title: "x" }).done, Lost);
  await assert.rejects(first.store.link.call("task.list", {}), Lost);
  assert.equal(between.count, 1);
});

test("an ended session is told in every tab, and any of them connects again", async (t) => {
  const { at, ada, all } = await three(t);
  const [, second, third] = all;
  await ada.session.logOut();
  for (const { store } of all) await until(() => store.state.connection?.kind === "closed", "closed");
  assert.equal(third.store.link.state.kind, "closed");
  await ada.session.logIn({ email: ada.email, password: "a goose eats plums at noon" });
  second.store.reconnectNow();
  for (const { store } of all) await until(() => store.state.connection?.kind === "online", "online");
  assert.ok(at.url);
});

test("without locks and channels a store is alone", async (t) => {
  const at = await server(t);
  const ada = await person(at.url);
  const { open } = pages(t, at.url, () => ada.session.token(), { place: undefined });
  const page = await open();
  await synced(page);
  await page.store.mutate("task.create", { workspace_id: home(page.store), title: "alone" }).done;
  await until(() => titles(page.store).join() === "alone" && !page.store.state.operations.length, "the task");
  await page.store.link.call("task.list", {});
});
