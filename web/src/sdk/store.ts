// What a program shows: the server's state with the person's operations over it, read at once, kept over reloads, and told to
// those whose part of it changed. Joins the replica, the outbox and the storage; each of them knows nothing of the others.

import { realClock, timer, type Clock } from "./connection/clock.js";
import type { EventFrame, Mutation, Welcome } from "./contract.js";
import type { Link, Params, Resume, State as Connection } from "./link.js";
import type { Begun, Operation, Undo } from "./outbox/operation.js";
import { outbox } from "./outbox/outbox.js";
import { follow, positions, type Following } from "./replica/follow.js";
import { EMPTY, streamOf, type State } from "./replica/state.js";
import { memory, type Storage } from "./storage/storage.js";
import { subscribers } from "./subscribers.js";

/** What is shown. It never changes: a change makes another one, in which what did not change is the same object. */
export interface View extends State {
  /** The person's operations that the streams do not have yet, and those that were refused, in their order. */
  readonly operations: readonly Operation[];
  /** Whether operations outlast the page. */
  readonly durable: boolean;
  /** Whether everything that is followed is there. */
  readonly synced: boolean;
  /** Where the connection is; `undefined` before there is one. */
  readonly connection: Connection | undefined;
}

/** Where a store keeps things, and how it syncs. */
export interface StoreOptions extends Following {
  /** Memory, when omitted. */
  storage?: Storage | undefined;
  /** The real one, when omitted. */
  clock?: Clock;
}

export type Store = Awaited<ReturnType<typeof openStore>>;

/** Changes of the server's state are written together after so many milliseconds. */
const WRITE_AFTER = 300;
/** The state is not tried again so soon when there was no place for it. */
const RETRY_AFTER = 30_000;
/** Opens a store with what was there last. */
export const openStore = async ({ storage = memory, clock = realClock, ...following }: StoreOptions = {}) => {
  let { durable } = storage;
  const loading = storage.load().catch(() => {
    durable = false;
    return memory.load();
  });
  const [foresight, saved] = await Promise.all([import("./outbox/foresight.js"), loading]);
  let base = saved.state;
  let written = base;
  /** Until then only operations are written; and those that could not be. */
  let retryAt = 0;
  let backlog = new Map<string, string | undefined>();
  let link: Link | undefined;
  let follower: ReturnType<typeof follow> | undefined;
  let unlisten = () => {};
  let shown: View;
  /** Whether something about operations changed; whether they have to be replayed. */
  let isOld = true;
  let isStale = true;
  const saving = timer(clock);
  let willSave = false;
  let writing: Promise<void> | undefined;

  const viewOf = (state: State): View => ({
    ...state,
    operations: box.operations(),
    durable,
    synced: !!follower?.isSynced(),
    connection: link?.state,
  });

  const view = (): View => {
    if (isStale) shown = viewOf(box.replay(base, shown));
    else if (isOld) shown = viewOf(shown);
    isStale = isOld = false;
    return shown;
  };

  const { show, soon, stop, subscribe } = subscribers(clock, view);

  const write = async (): Promise<void> => {
    saving.clear();
    willSave = false;
    // Where the state has no place the operations may have.
    const state = clock.now() < retryAt ? written : base;
    const stored = box.addChanges(backlog);
    const changes = backlog;
    backlog = new Map();
    try {
      await storage.save(written, state, changes);
      written = state;
      durable = storage.durable;
    } catch {
      backlog = new Map([...changes, ...backlog]);
      // What is not stored is sent nevertheless, and written with what comes next.
      durable = false;
      retryAt = clock.now() + RETRY_AFTER;
      if (state !== written) await write();
    }
    stored();
  };

  /** Writes what is there now, after what is being written. */
  const flush = (): Promise<void> => {
    if (writing) return writing.then(flush);
    writing = write().then(() => {
      writing = undefined;
      box.send();
      later();
    });
    return writing;
  };

  /** What changed is shown and written soon. */
  const later = () => {
    isOld = true;
    soon();
    if (writing) return;
    if (box.isDirty()) void flush();
    else if (base !== written && !willSave)
      saving.set(Math.max(WRITE_AFTER, retryAt - clock.now()), () => void flush());
    willSave ||= base !== written;
  };

  const box = outbox(clock, {
    ...foresight,
    base: () => base,
    shown: view,
    isSyncing: (stream) => !!follower?.isSyncing(stream),
    changed(what) {
      if (typeof what === "object" && !isStale) shown = { ...shown, ...foresight.predictor(shown, shown)(what) };
      else isStale ||= what !== "phases";
      later();
      if (typeof what === "object") show();
    },
  });
  box.load(saved.queue);
  shown = viewOf(base);

  const set = (state: State) => {
    base = state;
    isStale = true;
    box.advance();
    later();
  };

  const welcome = (of: Welcome) => {
    if (base.user && base.user.user.id !== of.user.id) {
      box.disown();
      set(EMPTY);
    }
    box.welcome(of.limits, base.epoch !== of.epoch);
    follower!.welcome(of);
    later();
  };

  const event = (frame: EventFrame) => {
    box.event(frame);
    follower!.event(frame);
  };

  return {
    /** What is shown now. */
    get state(): View {
      return view();
    },

    /**
     * Calls back when what a selector makes of the state has changed: entities by being another object, arrays and plain objects
     * by having other things in them, one level deep. What the person does is told at once; what comes from the server
     * is told together, a moment later. Ends when the returned function is called.
     */
    subscribe,

    /**
     * Begins an operation: it is shown at once, and sent when it is stored and there is a connection. With an `op_id` it is
     * begun once, however often this is called.
     */
    mutate: <K extends Mutation>(name: K, params: Params<K>, undo?: Undo, op_id?: string): Begun<K> =>
      box.add(name, params as Record<string, unknown>, undo, op_id) as unknown as Begun<K>,
    /** Tries refused operations again: this one, or all. */
    retry: box.retry,
    /** Forgets refused operations: this one, or all; or this one that was not sent yet. */
    drop: box.drop,

    /** The server's state, without the person's operations; what the function makes of it takes its place. */
    server(change?: (state: State) => State): State {
      if (change) set(change(base));
      return base;
    },
    /** Syncs a workspace again: with other tasks, when `open_only` now says so. */
    sync: (workspace: string) => follower?.want(streamOf(workspace)),

    /** From where a connection resumes. */
    resume: (): Resume | undefined => (base.epoch ? positions(base) : undefined),

    /** Follows a connection, and sends over it. */
    attach(to: Link) {
      unlisten();
      link = to;
      follower = follow(clock, to, () => base, set, following);
      unlisten = to.listen({
        welcome,
        event,
        signal: (frame) => follower!.signal(frame),
        state() {
          follower!.pump();
          box.send();
          later();
        },
      });
      box.attach(to);
      later();
    },

    /** Writes what is not written yet: for a page that goes away. */
    flush,

    /** Lets go of the connection and the storage. */
    async close() {
      unlisten();
      follower?.stop();
      box.stop();
      await flush();
      stop();
      saving.clear();
      storage.close?.();
    },
  };
};
