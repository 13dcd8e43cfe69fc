// A schedule: what a person, the others, the network and the server do, step by step. It is made of a seed, carried out
// against the server in memory, and judged when all is quiet.

import type { Clock } from "../../src/sdk/connection/clock.js";
import type { Mutation } from "../../src/sdk/contract.js";
import { Refused } from "../../src/sdk/link.js";
import { openStore, type Store } from "../../src/sdk/store.js";
import { isShown, makes } from "../../src/sdk/outbox/operation.js";
import { predictor } from "../../src/sdk/outbox/predict.js";
import { undoable } from "../../src/sdk/outbox/undo.js";
import { onRecords, type Records } from "../../src/sdk/storage/records.js";
import type { Changes } from "../../src/sdk/storage/storage.js";
import { inMemory } from "./records.js";
import { simulatedLink, type SimulatedLink } from "./link.js";
import { Denied, HOME, Model, OTHER, resetIds, TEAM, type Data } from "./model.js";

/** What is looked at: a store, shared or not. */
export type Shown = Pick<Store, "state" | "server">;

export type Step = [kind: string, a: number, b: number, c: number];

/** Numbers by a seed. */
export const random = (seed: number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};

const KINDS: [string, number][] = [
  ["mutate", 30],
  ["other", 14],
  ["serve", 14],
  ["deliver", 18],
  ["cut", 3],
  ["connect", 6],
  ["reload", 2],
  ["crash", 2],
  ["restart", 1],
  ["failover", 1],
  ["backup", 1],
  ["time", 5],
  ["fail", 3],
  ["undo", 4],
  ["retry", 1],
  ["drop", 1],
  ["admit", 1],
  ["trim", 1],
  ["reset", 1],
];

export const scheduleOf = (seed: number, kinds: [string, number][] = KINDS): Step[] => {
  const next = random(seed);
  const total = kinds.reduce((sum, [, weight]) => sum + weight, 0);
  return Array.from({ length: 10 + Math.floor(next() * 70) }, () => {
    let at = next() * total;
    const [kind] = kinds.find(([, weight]) => (at -= weight) < 0)!;
    const number = () => Math.floor(next() * 1000);
    return [kind, number(), number(), number()];
  });
};

/** A clock that only a test moves. */
export const virtualClock = (model: Model) => {
  let timers: { at: number; run(): void }[] = [];
  const clock: Clock = {
    now: () => model.now,
    random: () => 0.5,
    after(ms, run) {
      const timer = { at: model.now + ms, run };
      timers.push(timer);
      return () => (timers = timers.filter((other) => other !== timer));
    },
  };
  const advance = async (ms: number) => {
    const until = model.now + ms;
    for (;;) {
      const due = timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      timers = timers.filter((other) => other !== due);
      model.now = Math.max(model.now, due.at);
      due.run();
      await quiet();
    }
    model.now = until;
  };
  return { clock, advance };
};

export const quiet = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Records that last, until a crash: what was not written whole is gone. */
export const lasting = (inner: Records) => {
  let dead = false;
  const records: Records = {
    ...inner,
    async write(changes: Changes) {
      await Promise.resolve();
      if (!dead) await inner.write(changes);
    },
  };
  return { storage: onRecords(records), die: () => (dead = true) };
};

export const pick = <T>(list: readonly T[], n: number): T | undefined => list[n % list.length];
const byId = <T extends { id: string }>(list: Iterable<T>): T[] => [...list].sort((a, b) => (a.id < b.id ? -1 : 1));

/** A mutation by three numbers, about what is there. */
export const mutationOf = (of: Lists, a: number, b: number, c: number): [Mutation, Data] | undefined => {
  const task = pick(of.tasks, b);
  const other = pick(of.tasks, c);
  const project = pick(of.projects, c);
  const tag = pick(of.tags, b);
  const workspace_id = b % 3 ? TEAM : HOME;
  const title = `title ${c}`;
  const fixed: ([Mutation, Data] | undefined)[] = [
    ["task.create", { workspace_id, title, tags: c % 4 ? [] : [`tag ${c % 3}`] }],
    task && ["task.create", { workspace_id: task.workspace_id, title, parent_id: task.id }],
    project && ["task.create", { workspace_id: project.workspace_id, title, project_id: project.id, stage: "doing" }],
    ["task.create", { workspace_id, title: c % 2 ? title : " " }],
    task && ["task.update", { id: task.id, title }],
    task && ["task.update", { id: task.id, priority: c % 2 ? "high" : null }],
    task && [
      "task.update",
      { id: task.id, description: c % 3 ? `text ${c}` : null, due_at: "2026-01-02T03:04:05.000Z" },
    ],
    task && ["task.update", { id: task.id, stage: ["todo", "doing", "done", "nowhere"][c % 4] }],
    task && ["task.update", { id: task.id, tags: [`tag ${c % 3}`] }],
    task && project && project.workspace_id === task.workspace_id
      ? ["task.update", { id: task.id, project_id: project.id }]
      : undefined,
    task && ["task.complete", { id: task.id }],
    task && ["task.complete", { id: task.id, completed: c % 2 === 0 }],
    task && ["task.assign", { id: task.id, add: c % 2 ? [OTHER] : [], remove: c % 2 ? [] : [OTHER] }],
    task && ["task.delete", { id: task.id }],
    task && ["task.delete", { id: task.id, ...(c % 3 === 0 && { permanent: true }) }],
    task && ["task.restore", { id: task.id }],
    task && other && task !== other && task.workspace_id === other.workspace_id
      ? ["task.move", { id: task.id, [c % 2 ? "before" : "after"]: other.id, ...(c % 3 ? {} : { stage: "doing" }) }]
      : undefined,
    ["project.create", { workspace_id, name: `project ${c}` }],
    project && ["project.update", { id: project.id, name: `project ${b}` }],
    project && ["project.archive", { id: project.id, archived: c % 2 === 0 }],
    project && c % 2 ? ["project.delete", { id: project.id }] : undefined,
    tag && ["tag.update", { id: tag.id, name: `tag ${c % 4}` }],
    task && ["comment.create", { task_id: task.id, body: `comment ${c}` }],
    pick(of.notifications, b) && ["notification.mark", { id: pick(of.notifications, b)!.id, is_read: c % 2 === 0 }],
    ["notification.mark_all_read", {}],
    ["workspace.update", { workspace_id, name: `workspace ${c}` }],
    ["profile.update", { name: `Ada ${c}` }],
  ];
  return fixed[a % fixed.length];
};

interface Lists {
  tasks: { id: string; workspace_id: string }[];
  projects: { id: string; workspace_id: string }[];
  tags: { id: string }[];
  notifications: { id: string }[];
}

export const listsOf = ({ state }: Shown): Lists => ({
  tasks: byId([...state.workspaces].flatMap(({ tasks }) => [...tasks])),
  projects: byId([...state.workspaces].flatMap(({ projects }) => [...projects])),
  tags: byId([...state.workspaces].flatMap(({ tags }) => [...tags])),
  notifications: byId(state.user?.notifications ?? []),
});

export const listsIn = ({ world }: Model): Lists => ({
  tasks: byId([...world.spaces.values()].flatMap(({ tasks }) => [...tasks.values()])),
  projects: byId([...world.spaces.values()].flatMap(({ projects }) => [...projects.values()])) as never,
  tags: byId([...world.spaces.values()].flatMap(({ tags }) => [...tags.values()])),
  notifications: [],
});

const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : value && typeof value === "object"
      ? Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, inner]) => [key, sorted(inner)]),
        )
      : value;
const text = (value: unknown) => JSON.stringify(sorted(value), null, 1);

/** What the store shows, as a snapshot of the server would say it. */
export const shownBy = ({ state }: Pick<Store, "state">) =>
  text({
    user: {
      ...state.user,
      workspaces: byId(state.user!.workspaces),
      invites: [],
      notifications: byId(state.user!.notifications),
      truncated: 0,
    },
    spaces: [...state.workspaces]
      .map(({ seq, workspace, members, projects, tags, tasks }) => ({
        id: workspace.id,
        seq,
        workspace,
        members: [...members],
        projects: byId(projects),
        tags: byId(tags),
        tasks: byId(tasks),
      }))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
  });

export const shownFor = (model: Model) => {
  const user = model.user();
  return text({
    user: {
      ...user,
      workspaces: byId(user.workspaces),
      invites: [],
      notifications: byId(user.notifications),
      truncated: 0,
    },
    spaces: [...model.world.access.keys()]
      .map((id) => {
        const { workspace, members, projects, tags, tasks } = model.world.spaces.get(id)!;
        return {
          id,
          seq: model.head(`workspace:${id}`),
          workspace,
          members: [...members.values()],
          projects: byId(projects.values()),
          tags: byId(tags.values()),
          tasks: byId(tasks.values()),
        };
      })
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
  });
};

/** What became of an operation, as its promise says. */
export interface Fate {
  begun: string;
  answered: boolean;
  refused: boolean;
  /** Whether it may be gone: a crash before it was written, or an answer that a failover lost. */
  excused: boolean;
}

/** Carries a schedule out; throws when something does not hold. */
export const run = async (steps: readonly Step[]): Promise<void> => {
  resetIds();
  const model = new Model();
  const { clock, advance } = virtualClock(model);
  const records = inMemory();
  let disk = lasting(records);
  const open = () => openStore({ storage: disk.storage, clock });
  let store = await open();
  let history = undoable(store);
  const fates = new Map<string, Fate>();
  let link: SimulatedLink;

  const attach = () => {
    link = simulatedLink(model, store.resume());
    store.attach(link.link);
  };
  attach();

  const watch = (begun: ReturnType<Store["mutate"]> | undefined, name: string) => {
    if (!begun) return;
    const fate = fates.get(begun.op_id) ?? { begun: name, answered: false, refused: false, excused: false };
    fates.set(begun.op_id, fate);
    begun.done.then(
      () => (fate.answered = true),
      () => (fate.refused = true),
    );
  };

  const actions: Record<string, (a: number, b: number, c: number) => unknown> = {
    mutate(a, b, c) {
      const made = mutationOf(listsOf(store), a, b, c);
      if (made) watch(history.mutate(made[0], made[1] as never), made[0]);
    },
    other(a, b, c) {
      if (a % 4 === 0) model.notify(null, undefined, {});
      else {
        const made = mutationOf(listsIn(model), a, b, c);
        if (!made || /^(notification|profile)/.test(made[0])) return;
        try {
          model.mutate(made[0], made[1], undefined, false);
        } catch (error) {
          if (!(error instanceof Denied)) throw error;
        }
      }
      link.tell();
    },
    serve: (a, b) => link.serve(1 + (a % 5), b % 2 === 0),
    deliver: (a) => link.deliver(1 + (a % 8)),
    connect: () => link.connect(),
    cut: () => link.cut(),
    async reload() {
      link.cut();
      await store.close();
      store = await open();
      history = undoable(store);
      attach();
    },
    async crash() {
      // What is not written is not promised.
      for (const { op_id, phase } of store.state.operations) if (phase === "writing") fates.get(op_id)!.excused = true;
      disk.die();
      link.cut();
      await store.close();
      disk = lasting(records);
      store = await open();
      history = undoable(store);
      attach();
    },
    restart() {
      link.cut();
      model.restart(false);
    },
    failover() {
      link.cut();
      // What was over before it is lost with the server's state.
      const held = new Set(store.state.operations.map(({ op_id }) => op_id));
      for (const [op_id, fate] of fates) fate.excused ||= !held.has(op_id);
      model.restart(true);
    },
    backup: () => model.back(),
    time: (a) => advance(a * 3),
    fail(a) {
      const codes = ["INTERNAL_ERROR", "UNAVAILABLE", "RATE_LIMITED", "FORBIDDEN", "TOKEN_EXPIRED"] as const;
      const code = codes[a % codes.length]!;
      model.failures.push(new Denied(code, undefined, a % codes.length < 3));
    },
    undo() {
      try {
        watch(history.undo(), "undo");
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
      }
    },
    retry: () => store.retry(),
    drop(a) {
      const refused = store.state.operations.filter(({ phase }) => phase === "refused");
      const one = pick(refused, a);
      if (one) {
        fates.get(one.op_id)!.excused = true;
        store.drop(one.op_id);
      }
    },
    admit(a) {
      model.admit(a % 2 === 0);
      link.tell();
    },
    trim() {
      for (const stream of model.streams()) model.cut.set(stream, model.head(stream));
    },
    reset(a) {
      model.emit(pick(model.streams(), a)!, "stream.reset", { message: "much" }, undefined, {});
      link.tell();
    },
  };

  for (const [kind, a, b, c] of steps) {
    await actions[kind]!(a, b, c);
    isReplayed(store);
    await quiet();
  }

  model.failures = [];
  model.admit(true);
  for (let i = 0; i < 400; i++) {
    link!.connect();
    link!.tell();
    link!.serve(100, i % 2 === 0);
    link!.deliver(1000);
    await quiet();
    await advance(500);
    if (link!.isIdle() && store.state.synced && store.state.operations.every(({ phase }) => phase === "refused")) break;
  }
  judge(store, model, fates);
  await store.close();
};

/** What is shown is the server's state with the operations over it, however it came about. */
export const isReplayed = (store: Shown) => {
  const pending = store.state.operations.filter(isShown);
  // Whether the state has what they make may be known before the state is shown.
  if (pending.some(makes)) return;
  let state = store.server();
  const predict = predictor(state);
  for (const op of pending) state = predict(op);
  if (!state.user) return;
  const [a, b] = [shownBy(store), shownBy({ state } as Store)];
  if (a !== b) throw new Error(`shown is not what is replayed: ${pending.map(({ name }) => name).join()}`);
};

export const judge = (store: Shown, model: Model, fates: Map<string, Fate>) => {
  const fail = (why: string) => {
    throw new Error(why);
  };
  const { operations } = store.state;
  const open = operations.filter(({ phase }) => phase !== "refused");
  if (open.length) fail(`${open.length} operations are left, like ${JSON.stringify(open[0])}`);
  if (!store.state.synced) fail("not synced");
  const shown = shownBy(store).split("\n");
  const fresh = shownFor(model).split("\n");
  const line = Array.from({ length: Math.max(shown.length, fresh.length) }).findIndex((_, i) => fresh[i] !== shown[i]);
  const near = (lines: string[]) => lines.slice(Math.max(0, line - 12), line + 4).join("\n");
  if (line >= 0) fail(`shown:\n${near(shown)}\nserver:\n${near(fresh)}`);
  for (const [op_id, fate] of fates) {
    const done = model.world.done.get(op_id) ?? 0;
    const refused = operations.some((op) => op.op_id === op_id);
    if (done > 1) fail(`${fate.begun} ${op_id} was carried out ${done} times`);
    if (refused && done)
      fail(`${fate.begun} ${op_id} was carried out and is shown as refused: ${JSON.stringify(operations)}`);
    if (!refused && !done && !fate.excused && !fate.refused)
      fail(`${fate.begun} ${op_id} is gone: ${JSON.stringify(fate)}`);
    if (fate.answered && !refused && !done && !fate.excused)
      fail(`${fate.begun} ${op_id} was answered and is not there`);
  }
};
