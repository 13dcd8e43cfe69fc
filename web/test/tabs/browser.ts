// A browser of a test: tabs with a lock that one of them holds and a channel between them, which can be killed and frozen. The
// locks are those of the Web Locks API as far as `openShared` uses them: exclusive, in the order of requests, given up when
// the holder's promise is over or its tab is gone, and not held yet after an abort.

import type { Channel, Locks, Place } from "../../src/sdk/tabs/place.js";

interface Request {
  name: string;
  tab: object;
  grant(): void;
}

export const lockManager = () => {
  let queue: Request[] = [];
  const holders = new Map<string, object>();
  const dead = new Set<object>();

  const next = (name: string) => {
    if (holders.has(name)) return;
    const request = queue.find((other) => other.name === name);
    if (!request) return;
    queue = queue.filter((other) => other !== request);
    holders.set(name, request.tab);
    request.grant();
  };

  const releaseOf = (name: string, tab: object) => {
    if (holders.get(name) !== tab) return;
    holders.delete(name);
    next(name);
  };

  /** The locks as a tab sees them. */
  const of = (tab: object): Locks => ({
    request: (name, { signal }, run) =>
      new Promise((resolve, reject) => {
        const request: Request = {
          name,
          tab,
          grant: () =>
            void Promise.resolve()
              .then(run)
              .then(resolve, reject)
              .finally(() => releaseOf(name, tab)),
        };
        signal.addEventListener("abort", () => {
          if (!queue.includes(request)) return;
          queue = queue.filter((other) => other !== request);
          reject(signal.reason as Error);
        });
        if (!dead.has(tab)) queue.push(request);
        queueMicrotask(() => next(name));
      }),
  });

  return {
    of,
    holder: (name: string) => holders.get(name),
    /** The tab is gone: what it held is free, what it waits for is not given to it. */
    kill(tab: object) {
      dead.add(tab);
      queue = queue.filter((other) => other.tab !== tab);
      for (const [name, holder] of [...holders]) if (holder === tab) releaseOf(name, tab);
    },
  };
};

export type Browser = ReturnType<typeof browser>;

/** Carries messages between channels of one name, each in its order; a step of the test delivers them. */
const wires = () => {
  const ends = new Set<{ name: string; take(text: unknown): void }>();
  return {
    join: (end: { name: string; take(text: unknown): void }) => {
      ends.add(end);
      return () => void ends.delete(end);
    },
    send(from: object, name: string, message: unknown) {
      for (const end of ends) if (end !== from && end.name === name) end.take(structuredClone(message));
    },
  };
};

/** A tab, from outside. */
export interface Tab {
  readonly place: Place;
  /** The tab's page is put away, as with `freeze` and `pagehide`. */
  leave(): void;
  /** It does not run: what it is sent waits, or is lost. */
  freeze(loses: boolean): void;
  thaw(): void;
  /** It is gone at once, without a word. */
  kill(): void;
  /** Delivers what it was sent; whether there was something. */
  deliver(n?: number): boolean;
}

/** A browser whose messages are steps of the test. */
export const browser = () => {
  const locks = lockManager();
  const { join, send } = wires();
  const open = (): Tab => {
    let inbox: (() => void)[] = [];
    let isDead = false;
    let isFrozen = false;
    let loses = false;
    const leaves = new Set<() => void>();
    const parts = new Set<() => void>();

    const channel = (name: string): Channel => {
      const made: Channel = {
        onmessage: null,
        postMessage: (message) => isDead || send(end, name, message),
        close: () => part(),
      };
      const end = {
        name,
        take(message: unknown) {
          if (!(isFrozen && loses)) inbox.push(() => made.onmessage?.({ data: message } as never));
        },
      };
      const part = join(end);
      parts.add(part);
      return made;
    };
    const tab: Tab = {
      place: {
        locks: undefined as never,
        channel,
        watch(leave) {
          leaves.add(leave);
          return () => void leaves.delete(leave);
        },
      },
      leave: () => leaves.forEach((leave) => leave()),
      freeze(lost) {
        isFrozen = true;
        loses = lost;
      },
      thaw: () => void (isFrozen = false),
      kill() {
        isDead = true;
        inbox = [];
        parts.forEach((part) => part());
        locks.kill(tab);
      },
      deliver(n = Infinity) {
        let some = false;
        for (; n > 0 && !isFrozen && !isDead && inbox.length; n--) {
          inbox.shift()!();
          some = true;
        }
        return some;
      },
    };
    (tab.place as { locks: Locks }).locks = locks.of(tab);
    return tab;
  };
  return { open, locks };
};
