// Who is told when what is shown has changed. Does not know what that is, nor where it comes from.

import { timer, type Clock } from "./connection/clock.js";
import { safely } from "./connection/listeners.js";
import { equal } from "./outbox/equal.js";

interface Subscription<V> {
  select(view: V): unknown;
  tell(value: never): void;
  value: unknown;
}

/** Showing takes at most a fifth of the time, and waits no longer than this. */
const SHOW_AFTER = 100;

export const subscribers = <V>(clock: Clock, view: () => V) => {
  const all = new Set<Subscription<V>>();
  const showing = timer(clock);
  let willShow = false;
  let cost = 0;

  /** Tells those whose part changed. */
  const show = () => {
    showing.clear();
    willShow = false;
    const began = clock.now();
    for (const subscription of [...all]) {
      const value = subscription.select(view());
      if (!all.has(subscription) || equal(value, subscription.value)) continue;
      subscription.value = value;
      safely(() => subscription.tell(value as never));
    }
    cost = clock.now() - began;
  };

  return {
    show,
    /** Tells them in a moment, together with what else changes until then. */
    soon() {
      if (!willShow) showing.set(Math.min(SHOW_AFTER, 4 * cost), show);
      willShow = true;
    },
    stop: showing.clear,
    /** Calls back when what a selector makes of it has changed, until the returned function is called. */
    subscribe<T>(select: (view: V) => T, tell: (value: T) => void): () => void {
      const subscription: Subscription<V> = { select, tell, value: select(view()) };
      all.add(subscription);
      return () => void all.delete(subscription);
    },
  };
};
