// The store at a real server: what it folds is what a new snapshot says, what it predicts is what the server does, and what a
// person takes back is as it was.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { WebSocket } from "ws";
import type { Mutation, Task } from "../../src/sdk/contract.js";
import { connect, type Client } from "../../src/sdk/client.js";
import { Refused } from "../../src/sdk/link.js";
import { undoable } from "../../src/sdk/outbox/undo.js";
import { load } from "../../src/sdk/replica/details.js";
import { download } from "../../src/sdk/replica/download.js";
import { openStore, type Store, type StoreOptions } from "../../src/sdk/store.js";
import { client, person, type Person } from "../support/person.js";
import { server, type Server } from "../support/server.js";
import { random } from "./schedule.js";
import { same, until } from "./support.js";

const follow = async (
  test: TestContext,
  at: Server,
  who: Person,
  options?: StoreOptions,
): Promise<Store & { client: Client }> => {
  const store = await openStore(options);
  const made = client(test, at.url, { token: who.session.token, resume: store.resume() });
  store.attach(made.link);
  test.after(() => store.close());
  await until(() => store.state.synced && store.state.user, "the first sync");
  return Object.assign(Object.create(store) as Store, { client: made });
};

const idle = (store: Store) =>
  until(() => store.state.synced && store.state.operations.every(({ phase }) => phase === "refused"), "quiet");

/** A team of two. */
const team = async (test: TestContext, at: Server) => {
  const [ada, bob] = [await person(at.url, "Ada"), await person(at.url, "Bob")];
  const other = client(test, at.url, { token: bob.session.token });
  const mine = client(test, at.url, { token: ada.session.token });
  const { data: space } = await mine.call("workspace.create", { name: "Team" });
  await mine.call("member.add", { workspace_id: space.id, username: bob.tokens.user.username, role: "admin" });
  return { ada, bob, other, space: space.id };
};

const tasksOf = (store: Store, space: string): Task[] =>
  [...(store.state.workspaces.get(space)?.tasks ?? [])].sort((a, b) => (a.id < b.id ? -1 : 1));

const STAGES = [
  { key: "todo", name: "To do", kind: "open", color: null },
  { key: "wait", name: "Waiting", kind: "active", color: "#aabbcc" },
  { key: "done", name: "Done", kind: "done", color: null },
];

const CHOICES: ((store: Store, space: string, n: () => number, who: string[]) => [Mutation, object] | undefined)[] = [
  (_, workspace_id, n) => [
    "task.create",
    {
      workspace_id,
      title: `task ${n()}`,
      tags: [`tag ${n() % 5}`],
      due_at: "2026-03-04T05:06:07.000Z",
      all_day: n() % 2 === 0,
    },
  ],
  (store, workspace_id, n) => {
    const [task] = tasksOf(store, workspace_id).slice(n() % 7);
    return task && ["task.create", { workspace_id, title: "below", parent_id: task.id }];
  },
  (store, space, n) => {
    const task = tasksOf(store, space)[n() % 20];
    return (
      task && [
        "task.update",
        { id: task.id, title: ` title ${n()} `, description: n() % 2 ? "" : "text", priority: n() % 2 ? null : "high" },
      ]
    );
  },
  (store, space, n) => {
    const task = tasksOf(store, space)[n() % 20];
    return task && ["task.update", { id: task.id, stage: STAGES[n() % 3]!.key, tags: [`tag ${n() % 6}`, "Home"] }];
  },
  (store, space, n) => {
    const task = tasksOf(store, space)[n() % 20];
    const [project] = store.state.workspaces.get(space)!.projects;
    return (
      task && [
        "task.update",
        { id: task.id, project_id: n() % 2 ? null : (project?.id ?? null), all_day: n() % 2 === 0 },
      ]
    );
  },
  (store, space, n) => {
    const task = tasksOf(store, space)[n() % 20];
    return task && ["task.complete", { id: task.id }];
  },
  (store, space, n) => {
    const task = tasksOf(store, space)[n() % 20];
    const { title, priority, due_at, tags } = task ?? ({} as Task);
    return (
      task && [
        "task.replace",
        { id: task.id, title: `${title}!`, description: null, completed: n() % 2 === 0, priority, due_at, tags },
      ]
    );
  },
  (store, space, n, who) => {
    const task = tasksOf(store, space)[n() % 20];
    return task && ["task.assign", { id: task.id, add: [who[n() % 2]!], remove: n() % 3 ? [] : [who[0]!] }];
  },
  (store, space, n) => {
    const task = tasksOf(store, space)[n() % 20];
    return task && ["task.delete", { id: task.id, ...(n() % 4 === 0 && { permanent: true }) }];
  },
  (store, space) => {
    const task = tasksOf(store, space).find((task) => task.is_deleted);
    return task && ["task.restore", { id: task.id }];
  },
  (store, space, n) => {
    const tasks = tasksOf(store, space).filter((task) => !task.is_deleted);
    const [a, b] = [tasks[n() % 10], tasks[n() % 10]];
    return a && b && a !== b
      ? ["task.move", { id: a.id, [n() % 2 ? "before" : "after"]: b.id, ...(n() % 2 ? { stage: "wait" } : {}) }]
      : undefined;
  },
  (_, workspace_id, n) => ["project.create", { workspace_id, name: `project ${n()}`, color: "#112233" }],
  (store, space, n) => {
    const projects = [...store.state.workspaces.get(space)!.projects];
    const [a, b] = [projects[n() % 3], projects[n() % 3]];
    return a && ["project.update", { id: a.id, name: `project ${n()}`, ...(b && a !== b && { before: b.id }) }];
  },
  (store, space, n) => {
    const [project] = store.state.workspaces.get(space)!.projects;
    return project && n() % 3 === 0
      ? ["project.delete", { id: project.id }]
      : project && ["project.archive", { id: project.id, archived: n() % 2 === 0 }];
  },
  (store, space, n) => {
    const tags = [...store.state.workspaces.get(space)!.tags];
    const tag = tags[n() % 4];
    return (
      tag &&
      (n() % 4
        ? ["tag.update", { id: tag.id, name: `tag ${n() % 9}`, color: "#445566" }]
        : ["tag.delete", { id: tag.id }])
    );
  },
  (_, workspace_id, n) => ["tag.create", { workspace_id, name: `tag ${n() % 9}` }],
  (store, space, n) => {
    const task = tasksOf(store, space)[n() % 20];
    return task && ["comment.create", { task_id: task.id, body: `comment ${n()}` }];
  },
  (store, _, n) => {
    const [notification] = store.state.user!.notifications;
    return (
      notification &&
      (n() % 4
        ? ["notification.mark", { id: notification.id, is_read: n() % 2 === 0 }]
        : ["notification.delete", { id: notification.id }])
    );
  },
  () => ["notification.mark_all_read", {}],
  (_, workspace_id, n) => [
    "workspace.update",
    { workspace_id, name: `Team ${n()}`, ...(n() % 3 === 0 && { stages: STAGES }) },
  ],
  (_, __, n) => ["profile.update", { name: `Ada ${n()}`, preferences: { [`k${n() % 3}`]: n() % 2 ? n() : null } }],
];

test("after random changes of two people the state is that of a new snapshot, over the socket and over HTTP", async (test) => {
  const at = await server(test);
  const { ada, other, bob, space } = await team(test, at);
  const seed = Number(process.env["TASKWIRE_TEST_SEED"] ?? Date.now() % 100_000);
  console.log(`seed ${seed}`);
  const next = random(seed);
  const n = () => Math.floor(next() * 1000);
  const mine = await follow(test, at, ada);
  const theirs = await follow(test, at, bob);
  const who = [ada.tokens.user.id, bob.tokens.user.id];
  let refused = 0;
  for (let i = 0; i < 600; i++) {
    const one = next() < 0.7 ? mine : theirs;
    const made = CHOICES[n() % CHOICES.length]!(one, space, n, who);
    if (made) one.mutate(made[0], made[1] as never).done.catch(() => refused++);
    if (i % 50 === 0) await idle(mine);
  }
  await other.call("task.create", { workspace_id: space, title: "the last one" });
  await idle(theirs);
  await idle(mine);
  await until(() => tasksOf(mine, space).some(({ title }) => title === "the last one"), "the last task");
  const quiet = async () => mine.client.call("ping");
  await quiet();
  for (const failure of mine.state.operations) assert.equal(failure.phase, "refused");
  assert(refused < 250, `${refused} were refused`);
  const fresh = await follow(test, at, ada);
  same(mine, fresh);
  const { access_token } = ada.tokens;
  const get = (path: string) => {
    downloads++;
    return fetch(at.url + path, { headers: { authorization: `Bearer ${access_token}` } });
  };
  let downloads = 0;
  const loaded = await follow(test, at, ada, { snapshot: download(get) });
  same(loaded, fresh);
  assert.equal(downloads, [...fresh.state.workspaces].length);
});

test("what is predicted is what the server does", async (test) => {
  const at = await server(test);
  const { ada, bob, space } = await team(test, at);
  const store = await follow(test, at, ada);
  const next = random(7);
  const n = () => Math.floor(next() * 1000);
  // What only the server knows.
  const OWN = ["version", "updated_at", "created_at", "completed_at", "deleted_at", "id"];
  const wrong: string[] = [];
  let compared = 0;
  for (let i = 0; i < 400; i++) {
    const choice = CHOICES[i % CHOICES.length]!(store, space, n, [ada.tokens.user.id, bob.tokens.user.id]);
    if (!choice) continue;
    const [name, data] = choice;
    const begun = store.mutate(name, data as never);
    const id = (data as { id?: string }).id ?? store.state.operations.at(-1)?.data["id"];
    const kind = `${name.split(".")[0]}s` as "tasks";
    const shown = () =>
      store.state.workspaces.get(space)?.[kind]?.get((id ?? "") as string) as unknown as
        Record<string, unknown> | undefined;
    const places = () =>
      [...(store.state.workspaces.get(space)?.[kind] ?? [])].sort((a, b) =>
        `${a.position} ${a.id}` < `${b.position} ${b.id}` ? -1 : 1,
      );
    const order = () =>
      name.endsWith(".create")
        ? ""
        : places()
            .map(({ id }) => id)
            .join();
    const before = shown();
    const ordered = order();
    if (
      !(await begun.done.then(
        () => true,
        () => false,
      ))
    ) {
      store.drop();
      continue;
    }
    await idle(store);
    const after = shown();
    if (!/^(task|project|tag)\./.test(name)) continue;
    compared++;
    const keys = Object.keys({ ...before, ...after }).filter((key) => !OWN.includes(key) && key !== "position");
    if (order() !== ordered) wrong.push(`${name} ${JSON.stringify(data)}: another order`);
    for (const key of keys)
      if (JSON.stringify(before?.[key]) !== JSON.stringify(after?.[key]))
        wrong.push(
          `${name} ${JSON.stringify(data)}: ${key} ${JSON.stringify(before?.[key])}, server ${JSON.stringify(after?.[key])}`,
        );
  }
  assert(compared > 150, `${compared} compared`);
  assert.deepEqual(wrong, []);
});

test("undo takes back what nobody changed since, and says which field somebody did", async (test) => {
  const at = await server(test);
  const { ada, other, space } = await team(test, at);
  const store = await follow(test, at, ada);
  const history = undoable(store);
  const create = (title: string) => history.mutate("task.create", { workspace_id: space, title, priority: "low" }).done;
  const tasks = [await create("a"), await create("b"), await create("c")].map(({ data }) => data.id);
  const [a, b, c] = tasks as [string, string, string];
  const shown = (id: string) => store.state.workspaces.get(space)!.tasks.get(id)!;
  const order = () => [...tasks].sort((x, y) => (shown(x).position < shown(y).position ? -1 : 1));
  const undone = async () => {
    const begun = history.undo();
    await begun?.done;
    await idle(store);
  };

  history.mutate("task.update", { id: a, title: "A", priority: "high" });
  await idle(store);
  await other.call("task.update", { id: a, description: "of another field" });
  await until(() => shown(a).description, "the change of another field");
  await undone();
  assert.deepEqual([shown(a).title, shown(a).priority, shown(a).description], ["a", "low", "of another field"]);

  history.mutate("task.update", { id: a, title: "A" });
  await idle(store);
  await other.call("task.update", { id: a, title: "of Bob" });
  await assert.rejects(
    undone(),
    (error) => error instanceof Refused && error.failure.code === "VERSION_CONFLICT" && error.failure.field === "title",
  );
  await until(() => shown(a).title === "of Bob", "what Bob wrote");
  assert.equal(store.state.operations[0]?.phase, "refused");
  store.drop();
  assert.deepEqual(store.state.operations, []);

  history.mutate("task.move", { id: c, before: a, stage: "doing" });
  await idle(store);
  assert.deepEqual(order(), [c, a, b]);
  await undone();
  assert.deepEqual(order(), [a, b, c]);
  assert.equal(shown(c).stage, "todo");

  for (const [name, data] of [
    ["task.complete", { id: b }],
    ["task.delete", { id: b }],
    ["task.assign", { id: b, add: [ada.tokens.user.id] }],
  ] as const) {
    const before = shown(b);
    history.mutate(name, data as never);
    await idle(store);
    assert.notDeepEqual(shown(b), before);
    await undone();
    assert.deepEqual({ ...shown(b), version: 0, updated_at: "" }, { ...before, version: 0, updated_at: "" }, name);
  }

  history.mutate("project.create", { workspace_id: space, name: "P" });
  await idle(store);
  await undone();
  assert.equal(store.state.workspaces.get(space)!.projects.size, 0);

  // Before the answer the undo waits for it; and what was never sent is only forgotten.
  const begun = history.mutate("task.update", { id: a, title: "x" });
  assert.equal(history.undo(), undefined);
  await assert.rejects(begun.done, Refused);
  assert.equal(shown(a).title, "of Bob");
  history.mutate("task.update", { id: a, title: "y" });
  const phase = (): string | undefined => store.state.operations[0]?.phase;
  for (let turn = 0; turn < 1000 && phase() !== "sending"; turn++) await Promise.resolve();
  assert.equal(phase(), "sending");
  history.undo();
  await idle(store);
  assert.equal(shown(a).title, "of Bob");
  history.mutate("task.delete", { id: a, permanent: true });
  await idle(store);
  assert.throws(() => history.undo(), Refused);
});

test("what is made offline can be used at once: its real id takes the place of the one that stood for it", async (test) => {
  const at = await server(test);
  const { ada, space } = await team(test, at);
  const store = await openStore();
  test.after(() => store.close());
  const first = await follow(test, at, ada);
  store.attach(first.client.link);
  await until(() => first.state.synced, "sync");
  first.client.close();
  const project = first.mutate("project.create", { workspace_id: space, name: "Offline" });
  const task = first.mutate("task.create", { workspace_id: space, title: "in it", project_id: project.op_id });
  first.mutate("task.update", { id: first.state.operations[1]!.data["id"] as string, title: "renamed" });
  const made = first.state.operations[1]!.data["id"] as string;
  assert.equal(first.state.workspaces.get(space)!.tasks.get(made)!.project_id, project.op_id);
  const again = connect({ url: at.url, token: ada.session.token, WebSocket, resume: first.resume() });
  test.after(() => again.close());
  first.attach(again.link);
  const [{ data: real }, { data: inIt }] = await Promise.all([project.done, task.done]);
  assert.equal(inIt.project_id, real.id);
  await idle(first);
  const shown = first.state.workspaces.get(space)!.tasks.get(made)!;
  assert.deepEqual([shown.project_id, shown.title], [real.id, "renamed"]);
  again.close();
  const making = first.mutate("workspace.create", { name: "New" });
  const inNew = first.mutate("task.create", { workspace_id: making.op_id, title: "in the new one" });
  const third = client(test, at.url, { token: ada.session.token, resume: first.resume() });
  first.attach(third.link);
  const [{ data: workspace }, { data: firstTask }] = await Promise.all([making.done, inNew.done]);
  assert.equal(firstTask.workspace_id, workspace.id);
});

test("comments of a task are listed once and kept up to date", async (test) => {
  const at = await server(test);
  const { ada, other, space } = await team(test, at);
  const store = await follow(test, at, ada);
  const { data: task } = await other.call("task.create", { workspace_id: space, title: "t" });
  await other.call("comment.create", { task_id: task.id, body: "one" });
  await until(() => store.state.workspaces.get(space)!.tasks.get(task.id)?.comment_count === 1, "the comment");
  const bodies = () =>
    store.state.workspaces
      .get(space)!
      .details.get(task.id)
      ?.comments.map(({ body }) => body);
  assert.equal(bodies(), undefined);
  await load(store, store.client.link, task.id);
  assert.deepEqual(bodies(), ["one"]);
  store.mutate("comment.create", { task_id: task.id, body: "two" });
  assert.deepEqual(bodies(), ["one", "two"]);
  await idle(store);
  const { data: three } = await other.call("comment.create", { task_id: task.id, body: "three" });
  await until(() => bodies()?.length === 3, "the third");
  await other.call("comment.delete", { id: three.id });
  await until(() => bodies()?.length === 2, "its deletion");
  assert.deepEqual(bodies(), ["one", "two"]);
});
