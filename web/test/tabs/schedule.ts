// A schedule with up to three tabs: what a person does in each, what they hear of each other and when, which of them is killed,
// also in the middle of a write, frozen or closed. Else as in `store/schedule.ts`.

import type { Environment } from "../../src/sdk/connection/environment.js";
import { Lost, Refused } from "../../src/sdk/link.js";
import { undoable } from "../../src/sdk/outbox/undo.js";
import { openShared, type Shared } from "../../src/sdk/tabs/shared.js";
import { simulatedLink, type SimulatedLink } from "../store/link.js";
import { Denied, Model, resetIds } from "../store/model.js";
import {
  isReplayed,
  judge,
  listsIn,
  listsOf,
  mutationOf,
  pick,
  quiet,
  scheduleOf,
  shownBy,
  virtualClock,
  type Fate,
  type Step,
} from "../store/schedule.js";
import { browser, type Tab } from "./browser.js";
import { slowDisk, type Disk } from "./disk.js";

const KINDS: [string, number][] = [
  ["mutate", 30],
  ["hear", 22],
  ["talk", 8],
  ["other", 10],
  ["serve", 14],
  ["deliver", 18],
  ["calm", 5],
  ["cut", 2],
  ["connect", 8],
  ["open", 6],
  ["kill", 2],
  ["killWriting", 3],
  ["close", 1],
  ["freeze", 3],
  ["thaw", 5],
  ["restart", 1],
  ["failover", 1],
  ["backup", 1],
  ["time", 5],
  ["fail", 3],
  ["undo", 3],
  ["retry", 1],
  ["drop", 1],
  ["admit", 1],
  ["trim", 1],
  ["reset", 1],
];

/** A schedule of a seed; most begin with three tabs that show the same. */
export const tabsScheduleOf = (seed: number): Step[] => [
  ...(seed % 4 ? ["open", "open", "calm"] : []).map((kind): Step => [kind, 0, 0, 1]),
  ...scheduleOf(seed, KINDS),
  ...scheduleOf(seed + 1_000_000, KINDS),
];

const NAME = "tabs";
const TABS = 3;

/** A page that is open. */
interface Page {
  tab: Tab;
  wakes: Set<() => void>;
  disk: Disk;
  link?: SimulatedLink;
  /** There from when it shows something. */
  store?: Shared;
  history?: ReturnType<typeof undoable>;
  isFrozen: boolean;
}

/** In which page an operation was begun. */
interface Begun extends Fate {
  page: Page;
  /** Whether the page was told how it ended. */
  over: boolean;
  dropped: boolean;
}

/** Carries a schedule out; throws when something does not hold. */
export const run = async (steps: readonly Step[]): Promise<void> => {
  resetIds();
  const model = new Model();
  const { clock, advance } = virtualClock(model);
  const { tick, open: openDisk } = slowDisk();
  const { open: openTab, locks } = browser();
  const fates = new Map<string, Begun>();
  let pages: Page[] = [];

  /** Lets promises, openings, hand-overs and writes go on: all of them, or a few turns. */
  const settle = async (turns = Infinity) => {
    for (let still = 0; still < 2 && turns > 0; turns--) {
      await quiet();
      still = tick() ? 0 : still + 1;
    }
  };

  /** Delivers what tabs said; whether there was something. */
  const talk = () => pages.map(({ tab }) => tab.deliver()).includes(true);

  const open = () => {
    const page: Page = { tab: openTab(), wakes: new Set(), disk: openDisk(), isFrozen: false };
    pages.push(page);
    const environment: Environment = {
      hidden: () => false,
      blocked: () => false,
      block() {},
      watch(wake) {
        page.wakes.add(wake);
        return () => void page.wakes.delete(wake);
      },
    };
    const opening = openShared({
      name: NAME,
      place: page.tab.place,
      clock,
      environment,
      storage: () => page.disk.storage,
      connect({ resume }) {
        const link = (page.link = simulatedLink(model, resume));
        return { link: link.link, reconnectNow() {}, close: () => link.cut() };
      },
    });
    void opening.then((store) => {
      page.store = store;
      page.history = undoable({
        get state() {
          return store.state;
        },
        mutate: store.mutate,
        drop(op_id) {
          const isDropped = store.drop(op_id);
          // Perhaps: it may be sent before the tab that leads hears of it.
          if (isDropped) fates.get(op_id)!.excused = true;
          return isDropped;
        },
      });
    });
  };

  const leader = () => pages.find(({ tab }) => tab === locks.holder(NAME));
  const link = () => leader()?.link;
  /** Those in which a person can do something. */
  const usable = () => pages.filter(({ store, isFrozen }) => store && !isFrozen);

  const watch = (page: Page, begun: ReturnType<Shared["mutate"]> | undefined, name: string) => {
    if (!begun) return;
    const fate = fates.get(begun.op_id) ?? {
      begun: name,
      answered: false,
      refused: false,
      excused: false,
      over: false,
      dropped: false,
      page,
    };
    fates.set(begun.op_id, fate);
    const isThere = page.store!.state.operations.some(({ op_id }) => op_id === begun.op_id);
    if (!isThere) throw new Error(`${name} is not shown at once`);
    begun.done.then(
      () => (fate.answered = fate.over = true),
      (why: unknown) => {
        fate.over = true;
        if (why instanceof Refused) fate.refused = true;
        // Nobody knows: then it was carried out, or dropped.
        else if (!(why instanceof Lost)) throw why;
      },
    );
  };

  const mutate = (page: Page, a: number, b: number, c: number) => {
    const made = mutationOf(listsOf(page.store!), a, b, c);
    if (made) watch(page, page.history!.mutate(made[0], made[1] as never), made[0]);
  };

  const kill = (page: Page | undefined, isWritten: boolean) => {
    if (!page) return;
    // What is not written is not promised.
    for (const { op_id, phase } of page.store?.state.operations ?? []) {
      const fate = fates.get(op_id);
      if (phase === "writing" && fate?.page === page) fate.excused = true;
    }
    page.disk.die(isWritten);
    page.tab.kill();
    pages = pages.filter((other) => other !== page);
    page.link?.cut();
  };

  const freeze = (page: Page | undefined, loses: boolean) => {
    if (!page || page.isFrozen) return;
    page.isFrozen = true;
    page.tab.leave();
    page.tab.freeze(loses);
  };

  /** It runs again, and may be sent something before it knows that it was frozen. */
  const thaw = (page: Page, heard: number) => {
    if (!page.isFrozen) return;
    page.isFrozen = false;
    page.tab.thaw();
    if (heard) for (const { tab } of pages.filter((other) => other !== page)) tab.deliver();
    page.tab.deliver(heard);
    for (const wake of [...page.wakes]) wake();
  };

  const actions: Record<string, (a: number, b: number, c: number) => unknown> = {
    mutate(a, b, c) {
      const page = pick(usable(), b + c);
      if (page) mutate(page, a, b, c);
    },
    hear: (a, b) => pick(pages, a)?.tab.deliver(1 + (b % 4)),
    talk: () => void talk(),
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
      link()?.tell();
    },
    serve: (a, b) => link()?.serve(1 + (a % 5), b % 2 === 0),
    deliver: (a) => link()?.deliver(1 + (a % 8)),
    connect: () => link()?.connect(),
    cut: () => link()?.cut(),
    open: () => (pages.length < TABS ? open() : undefined),
    kill: (a, b) => kill(pick(pages, a), b % 2 === 0),
    async killWriting(a, b, c) {
      const page = pick(usable(), c);
      if (page) mutate(page, a, b, c);
      leader()?.tab.deliver();
      for (let turn = b % 6; turn > 0; turn--) await Promise.resolve();
      await settle(b % 4);
      kill(leader(), b % 3 === 0);
    },
    async close(a) {
      const page = pick(usable(), a);
      if (!page) return;
      let isClosed = false;
      void page.store!.close().then(() => (isClosed = true));
      while (!isClosed) {
        await settle();
        talk();
        await settle();
        if (!isClosed) await advance(100);
      }
      pages = pages.filter((other) => other !== page);
      // Nobody stored it in time.
      for (const { op_id, phase } of page.store!.state.operations)
        if (phase === "writing" && fates.get(op_id)?.page === page) fates.get(op_id)!.excused = true;
    },
    freeze: (a, b) => freeze(pick(usable(), a), b % 2 === 0),
    thaw: (a) => pages.forEach((page) => thaw(page, a % 4)),
    restart() {
      link()?.cut();
      model.restart(false);
    },
    failover() {
      link()?.cut();
      // What was over before it is lost with the server's state.
      const held = new Set(leader()?.store?.state.operations.map(({ op_id }) => op_id));
      for (const [op_id, fate] of fates) fate.excused ||= !held.has(op_id);
      model.restart(true);
    },
    backup: () => model.back(),
    time: (a) => advance(a * 3),
    fail(a) {
      const codes = ["INTERNAL_ERROR", "UNAVAILABLE", "RATE_LIMITED", "FORBIDDEN", "TOKEN_EXPIRED"] as const;
      model.failures.push(new Denied(codes[a % codes.length]!, undefined, a % codes.length < 3));
    },
    undo(a) {
      const page = pick(usable(), a);
      try {
        if (page) watch(page, page.history!.undo(), "undo");
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
      }
    },
    retry: (a) => pick(usable(), a)?.store!.retry(),
    drop(a, b) {
      const store = pick(usable(), b)?.store;
      const one = pick(store?.state.operations.filter(({ phase }) => phase === "refused") ?? [], a);
      const fate = fates.get(one?.op_id ?? "");
      if (!fate) return;
      fate.excused = fate.dropped = true;
      store!.drop(one!.op_id);
    },
    admit(a) {
      model.admit(a % 2 === 0);
      link()?.tell();
    },
    trim() {
      for (const stream of model.streams()) model.cut.set(stream, model.head(stream));
    },
    reset(a) {
      model.emit(pick(model.streams(), a)!, "stream.reset", { message: "much" }, undefined, {});
      link()?.tell();
    },
  };

  /** One round of everything; whether tabs had something to say. */
  const round = async (first: boolean, ms: number) => {
    link()?.connect();
    link()?.tell();
    link()?.serve(100, first);
    link()?.deliver(1000);
    await settle();
    const before = talk();
    await settle();
    await advance(ms);
    return talk() || before;
  };
  actions["calm"] = async (a) => {
    for (let i = 0; i < 6; i++) await round((a + i) % 2 === 0, 50);
  };

  /** What a person did in a tab is shown there until it is known how it ended, or the server has it. */
  const isKept = () => {
    for (const [op_id, { page, over, begun }] of fates)
      if (!over && usable().includes(page) && !model.world.done.has(op_id) && !excusedIn(page, op_id))
        throw new Error(`${begun} ${op_id} is not shown where it was begun`);
  };
  const excusedIn = ({ store }: Page, op_id: string) =>
    fates.get(op_id)!.excused || store!.state.operations.some((op) => op.op_id === op_id);

  open();
  await settle();
  for (const [kind, a, b, c] of steps) {
    if (!pages.length) open();
    await actions[kind]!(a, b, c);
    await settle(c % 5 ? Infinity : c % 4);
    for (const { store } of usable()) isReplayed(store!);
    isKept();
  }
  await settle();

  model.failures = [];
  model.admit(true);
  while (pages.length < TABS) open();
  await settle();
  pages.forEach((page) => thaw(page, 0));
  const isQuiet = () =>
    link()?.isIdle() &&
    pages.every(({ store }) => store?.state.synced && store.state.operations.every(({ phase }) => phase === "refused"));
  for (let i = 0; i < 400; i++) {
    const talked = await round(i % 2 === 0, 500);
    if (!talked && isQuiet()) break;
  }
  for (const [op_id, { page, over, begun }] of fates)
    if (!over && pages.includes(page)) throw new Error(`${begun} ${op_id} has no answer where it was begun`);
  const isTriedAgain = steps.some(([kind]) => kind === "retry" || kind === "failover");
  for (const [op_id, { dropped, begun }] of fates)
    if (dropped && !isTriedAgain && model.world.done.has(op_id)) throw new Error(`${begun} ${op_id} was dropped, and carried out`);
  const [first] = pages;
  for (const { store } of pages) {
    judge(store!, model, fates);
    if (shownBy(store!) !== shownBy(first!.store!)) throw new Error("the tabs show other things");
    const [mine, theirs] = [store!, first!.store!].map(({ state }) => JSON.stringify(state.operations));
    if (mine !== theirs) throw new Error(`the tabs have other operations: ${mine} and ${theirs}`);
  }
  while (pages.length) await actions["close"]!(0, 0, 0);
};
