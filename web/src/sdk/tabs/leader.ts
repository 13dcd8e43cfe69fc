// The tab that leads: it has the store with the connection, the storage and the queue, tells the other tabs what changes, and
// does what they ask for.

import { realClock, type Clock } from "../connection/clock.js";
import { here, type Environment } from "../connection/environment.js";
import type { Tell } from "../connection/listeners.js";
import type { Mutation } from "../contract.js";
import type { Link, Listener, Resume } from "../link.js";
import { equal } from "../outbox/equal.js";
import { makes, type Operation } from "../outbox/operation.js";
import { load } from "../replica/details.js";
import type { Following } from "../replica/follow.js";
import { EMPTY, type State } from "../replica/state.js";
import { memory, type Storage } from "../storage/storage.js";
import { openStore, type Store, type View } from "../store.js";
import { difference, isAhead, patch } from "./delta.js";
import { kept } from "./kept.js";
import { outcomeOf, type Deeds, type Message, type Outcome } from "./messages.js";
import { UNKNOWN, type Owned } from "./own.js";
import { NOT_YET, type Role } from "./role.js";

/** A connection that the leader makes: what `connect` returns. */
export interface Connected {
  readonly link: Link;
  reconnectNow(): void;
  close(): void;
}

export interface Leading extends Following {
  /** Connects; only the tab that leads is asked to. */
  connect(options: { resume: Resume | undefined; environment: Environment }): Connected;
  /** Opens the storage that all tabs have in common. Memory, when omitted. */
  storage?: (() => Promise<Storage> | Storage) | undefined;
  /** What says that the network or the page came back. */
  environment?: Environment;
  /** The real one, when omitted. */
  clock?: Clock;
}

export interface Leader extends Role {
  /** Takes over the operations of this tab that are not over. */
  adopt(): void;
}

export interface Around {
  me: string;
  own: Owned;
  post(message: Message): void;
  tell: Tell;
  changed(now: boolean): void;
}

/** So many operations are known by their `op_id` when they are over; the server knows all. */
const KNOWN = 1000;

/** The place of all tabs: one of them is looked at, and each wakes the connection. */
const together = (environment: Environment, isAlone: () => boolean) => {
  const wakes = new Set<() => void>();
  const shared: Environment = {
    ...environment,
    hidden: () => isAlone() && environment.hidden(),
    watch(wake) {
      wakes.add(wake);
      const stop = environment.watch(wake);
      return () => {
        wakes.delete(wake);
        stop();
      };
    },
  };
  return { shared, wake: () => wakes.forEach((wake) => wake()) };
};

/** Tells the others what changed of the store, in numbered messages. */
const teller = (me: string, store: Store, post: (message: Message) => void) => {
  let n = 0;
  let isFollowed = false;
  let told: View | undefined;
  let base: State = EMPTY;

  const send = (to?: string) => {
    const view = store.state;
    if (!isFollowed || (!to && view === told)) return;
    const known = new Set<Operation>(to ? [] : told?.operations);
    const operations = view.operations.map((op) => (known.has(op) ? op.op_id : op));
    const next = store.server();
    const delta = difference(to ? EMPTY : base, next);
    const { durable, synced, connection } = view;
    const rest = [durable, synced, connection];
    const isSame = !delta && told && equal(view.operations, told.operations);
    if (!to && isSame && equal(rest, [told!.durable, told!.synced, told!.connection])) return;
    if (!to) n++;
    post({ kind: "state", leader: me, n, ...(to && { to }), delta, operations, durable, synced, connection });
    told = view;
    base = next;
  };

  return {
    changes: () => send(),
    /** Tells one tab everything. */
    all(to: string) {
      send();
      isFollowed = true;
      send(to);
    },
    has: (leader: string | undefined, at: number | undefined) => leader === me && at === n,
    isAlone: () => !isFollowed,
  };
};

/** Leads with what is stored, or with what this tab holds of the state if that is newer. */
export const lead = async (
  { connect, storage, environment = here(), clock = realClock, ...following }: Leading,
  { me, own, post, tell, changed }: Around,
  before?: Role,
): Promise<Leader> => {
  let isOver = false;
  const disk = kept((await storage?.()) ?? memory, () => !isOver);
  const store = await openStore({ ...following, clock, storage: disk.storage });
  const held = before?.base() ?? EMPTY;
  // An operation that the newer state has may be stored yet: what makes something would be shown twice.
  if (held !== EMPTY && isAhead(held, store.server()) && !store.state.operations.some(makes)) store.server(() => held);

  const say = (message: Message) => isOver || post(message);
  const { changes, all, has, isAlone } = teller(me, store, say);
  const place = together(environment, isAlone);
  const known = new Map<string, Promise<Outcome>>();
  let soon = false;

  /** A hidden tab's timers are late: others are told without one. */
  const changesSoon = () => {
    if (soon) return;
    soon = true;
    queueMicrotask(() => {
      soon = false;
      if (!isOver) changes();
    });
  };

  const begin = (op_id: string, name: Mutation, data: object, undo: Parameters<Store["mutate"]>[2]) => {
    const held = known.get(op_id);
    if (held) return held;
    if (disk.isOver(op_id)) return Promise.resolve(UNKNOWN);
    const outcome = outcomeOf(store.mutate(name, data as never, undo, op_id).done);
    known.set(op_id, outcome);
    if (known.size > KNOWN) known.delete(known.keys().next().value!);
    return outcome;
  };
  // A tab that was frozen may still hold what was stored for one that is over, and ask for it again.
  for (const { op_id, name, data, phase } of store.state.operations)
    if (phase !== "refused") void begin(op_id, name, data, undefined);

  const client = connect({ resume: store.resume(), environment: place.shared });
  const { link } = client;
  store.attach(link);
  const pass = <K extends keyof Listener>(what: K) => ({
    [what](value: never) {
      changesSoon();
      tell(what, value);
      if (what !== "state" && !isAlone()) say({ kind: "tell", what, value });
    },
  });
  const unlisten = link.listen({ ...pass("welcome"), ...pass("event"), ...pass("signal"), ...pass("state") });
  const unsubscribe = store.subscribe(
    (view) => view,
    () => {
      changes();
      changed(true);
    },
  );

  const deeds: Deeds = {
    call: (name, params, op_id) => link.call(name, params as never, op_id ? { op_id } : {}),
    load: (task) => load(store, link, task),
    flush: () => store.flush(),
    retry: (op_id) => store.retry(op_id),
    drop: (op_id) => void store.drop(op_id),
    sync: (workspace) => void store.sync(workspace),
    reconnect: () => client.reconnectNow(),
    put: (change) => void store.server((state) => patch(state, change)),
  };
  const ask: Role["ask"] = async (what, ...args) => await (deeds[what] as (...args: unknown[]) => never)(...args);

  const hear = (message: Message) => {
    if (message.kind === "hello") {
      place.wake();
      if (has(message.leader, message.n)) say({ kind: "same", to: message.from });
      else all(message.from);
    } else if (message.kind === "add") {
      const { op_id, name, data, undo } = message;
      const outcome = begin(op_id, name, data, undo);
      changes();
      void outcome.then((outcome) => say({ kind: "over", op_id, outcome }));
    } else if (message.kind === "ask") {
      const { from: to, id, what, args } = message;
      const done = outcomeOf(ask(what, ...(args as Parameters<Deeds[typeof what]>)));
      void done.then((outcome) => say({ kind: "answer", to, id, outcome }));
    }
  };

  post({ kind: "leader", leader: me });
  return {
    view: () => store.state,
    base: () => store.server(),
    connection: () => link.state ?? NOT_YET,
    adopt() {
      const stored = new Set(store.state.operations.map(({ op_id }) => op_id));
      for (const { op, undo, kept: wasKept } of [...own.all.values()])
        if (wasKept && !stored.has(op.op_id)) own.settle(op.op_id, UNKNOWN);
        else void begin(op.op_id, op.name, op.data, undo).then((outcome) => own.settle(op.op_id, outcome));
    },
    mutate(name, params, undo, given) {
      const { op_id, done } = store.mutate(name, params as never, undo, given);
      const op = store.state.operations.find((op) => op.op_id === op_id)!;
      void outcomeOf(done).then((outcome) => own.settle(op_id, outcome));
      return own.begin(op, undo);
    },
    drop: (op_id) => store.drop(op_id),
    ask,
    hear,
    wake() {},
    async leave(now) {
      unlisten();
      unsubscribe();
      for (const op of store.state.operations) own.list(op, store.state.durable);
      const closed = store.close();
      isOver = now;
      client.close();
      await closed;
      isOver = true;
    },
  };
};
