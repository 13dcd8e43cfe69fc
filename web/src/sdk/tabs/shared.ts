// A store that the tabs of a browser have in common: one connection, one storage and one queue, in the tab that holds a lock.
// The browser gives the lock to another tab as soon as that one is gone.

import { realClock } from "../connection/clock.js";
import { here } from "../connection/environment.js";
import { listeners } from "../connection/listeners.js";
import { newId } from "../connection/op-id.js";
import { isMutation } from "../connection/requests.js";
import type { Link } from "../link.js";
import { positions } from "../replica/follow.js";
import type { Store } from "../store.js";
import { subscribers } from "../subscribers.js";
import { difference } from "./delta.js";
import { follower, type Follower } from "./follower.js";
import { gone } from "./gone.js";
import { lead, type Leader, type Leading } from "./leader.js";
import type { Deeds, Message } from "./messages.js";
import { owned } from "./own.js";
import { alone, browserPlace, type Place } from "./place.js";
import type { Role } from "./role.js";

/** What tabs have in common. */
export interface SharedOptions extends Leading {
  /** The name of the lock and the channel: another one for each server and account. */
  name: string;
  /** Is called in each tab when the person has signed out in one. */
  ended?: () => void;
  /** Where there are locks and channels; found out when left out. Without them a store is alone. */
  place?: Place | undefined;
}

/** A {@link Store} that tabs share. Its connection is made where it is needed. */
export interface Shared extends Omit<Store, "attach"> {
  /** The connection, wherever it is. A tab that was frozen misses events and signals; its `state` misses nothing. */
  readonly link: Link;
  /** Loads comments and attachments of a task, as `load` does. */
  load(task: string): Promise<void>;
  /** Connects without waiting, also after the person signed in again. */
  reconnectNow(): void;
  /** Ends the store in all tabs, for a person who signs out. */
  signOut(): Promise<void>;
}

/** After so many milliseconds every tab has heard what one said. */
const HEARD = 100;
/** A tab that is closed does not wait longer for another one that stores what was begun in it. */
const PATIENCE = 2000;

/** Opens a store that is shared with the other tabs. */
export const openShared = async (options: SharedOptions): Promise<Shared> => {
  const { name, ended, place = browserPlace() ?? alone, clock = realClock, environment = here() } = options;
  const foresight = await import("../outbox/foresight.js");
  const me = newId(clock.now());
  const own = owned();
  const { tell, listen } = listeners();
  const channel = place.channel(name);
  let isClosed = false;
  let isReady = () => {};
  let isFailed = (_: unknown) => {};
  const ready = new Promise<void>((resolve, reject) => ([isReady, isFailed] = [resolve, reject]));

  const post = (message: Message) => {
    if (!isClosed) channel.postMessage(message);
  };
  const { show, soon, stop, subscribe } = subscribers(clock, () => role.view());
  const changed = (now: boolean) => (now ? show() : soon());
  const around = { clock, me, own, foresight, post, tell, changed, ready: isReady };
  let role: Role = follower(around);
  /** Gives the lock away: there is one while this tab leads. */
  let release: (() => void) | undefined;
  let campaign: AbortController | undefined;

  const leads = async ({ signal }: AbortController) => {
    if (signal.aborted) return;
    const leader: Leader = await lead({ ...options, environment, clock }, around, role);
    if (signal.aborted) return leader.leave(true);
    const before = role as Follower;
    role = leader;
    leader.adopt();
    before.handOver(leader);
    const over = new Promise<void>((resolve) => (release = resolve));
    show();
    isReady();
    await over;
  };

  /** Leads when no other tab does. */
  const run = () => {
    if (campaign || isClosed) return;
    const mine = (campaign = new AbortController());
    place.locks
      .request(name, { signal: mine.signal }, () => leads(mine))
      .catch((error: unknown) => {
        if (campaign !== mine) return;
        campaign = undefined;
        isFailed(error);
      });
  };

  /** The page is put away: a tab that does not run must not lead. */
  const leave = () => {
    const mine = campaign;
    campaign = undefined;
    mine?.abort();
    if (!release) return;
    const left = role;
    void left.leave(true);
    role = follower(around, left);
    release();
    release = undefined;
  };

  const back = () => {
    role.wake();
    run();
  };
  const unwatch = [place.watch(leave, back), environment.watch(back)];

  /** What was begun here is stored, wherever that is done; within a time. */
  const stored = () =>
    new Promise<unknown>((resolve) => {
      const cancel = clock.after(PATIENCE, () => resolve(undefined));
      void role.ask("flush").then(resolve, resolve).finally(cancel);
    });

  const shut = async (isEnd: boolean) => {
    // Until then this tab may have to lead, to store it.
    if (!isEnd && own.all.size) await stored();
    unwatch.forEach((stop) => stop());
    campaign?.abort();
    await role.leave(false);
    isClosed = true;
    stop();
    channel.close();
    // No tab leads that has not heard of the end yet.
    if (isEnd && release) clock.after(HEARD, release);
    else release?.();
  };

  let closing: Promise<void> | undefined;
  const close = (isEnd = false) => (closing ??= shut(isEnd));

  /** The person has signed out. */
  const end = async () => {
    if (closing) return closing;
    void close(true);
    role = gone("signed out");
    show();
    tell("state", role.connection());
    await closing;
    ended?.();
  };

  channel.onmessage = ({ data }: { data: Message }) => {
    if (isClosed) return;
    if (data.kind === "end") void end();
    else role.hear(data);
  };
  run();
  await ready.catch(async (error: unknown) => {
    await close();
    throw error;
  });

  const ask = <K extends keyof Deeds>(what: K, ...args: Parameters<Deeds[K]>) =>
    void role.ask(what, ...args).catch(() => {});

  const link: Link = {
    get state() {
      return role.connection();
    },
    call: (name, params, { op_id, signal } = {}) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        signal?.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
        // It may be asked of one leader after the other.
        role.ask("call", name, params, op_id ?? (isMutation(name) ? newId() : undefined)).then(resolve as never, reject);
      }),
    listen,
  };

  return {
    link,
    get state() {
      return role.view();
    },
    subscribe,
    mutate: (name, params, undo, op_id) =>
      role.mutate(name, params as Record<string, unknown>, undo, op_id) as never,
    retry: (op_id) => ask("retry", op_id),
    drop: (op_id) => role.drop(op_id),
    /** In a tab that does not lead, the change is made a moment later. */
    server(change) {
      const delta = change && difference(role.base(), change(role.base()));
      if (delta) ask("put", delta);
      return role.base();
    },
    sync: (workspace) => ask("sync", workspace),
    resume: () => (role.base().epoch ? positions(role.base()) : undefined),
    load: (task) => role.ask("load", task),
    flush: () => role.ask("flush"),
    reconnectNow: () => ask("reconnect"),
    close: () => close(),
    async signOut() {
      post({ kind: "end" });
      await end();
    },
  };
};
