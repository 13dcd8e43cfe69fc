// The storage of the tab that leads. It remembers which operations have left the queue: a tab that was frozen meanwhile may not
// know, and would begin them again. And it takes nothing more from a tab that does not lead any more.

import type { Operation } from "../outbox/operation.js";
import type { Changes, Storage } from "../storage/storage.js";

/** So many operations that are over are remembered. */
const REMEMBERED = 1000;
/** The keys of those that are over. */
const OVER = "qo/";

export interface Kept {
  storage: Storage;
  /** Whether an operation has left the queue. */
  isOver(op_id: string): boolean;
}

export const kept = (inner: Storage, leads: () => boolean): Kept => {
  /** The operations that are stored, by their keys. */
  let stored = new Map<string, string>();
  const over = new Set<string>();

  const storedAfter = (queue: Changes) => {
    const next = new Map(stored);
    for (const [key, text] of queue)
      if (text === undefined) next.delete(key);
      else next.set(key, (JSON.parse(text) as { op: Operation }).op.op_id);
    return next;
  };

  /** Adds to what is to be written that those that leave the queue are over. */
  const addOver = (changes: Map<string, string | undefined>, next: Map<string, string>) => {
    // One that is tried again has another key.
    const still = new Set(next.values());
    for (const key of [...changes.keys()]) {
      const op_id = stored.get(key);
      if (!op_id || still.has(op_id)) continue;
      over.add(op_id);
      changes.set(OVER + op_id, "");
    }
    // Ids are in the order of time.
    for (const op_id of over.size > REMEMBERED ? [...over].sort().slice(0, -REMEMBERED) : []) {
      over.delete(op_id);
      changes.set(OVER + op_id, undefined);
    }
  };

  const storage: Storage = {
    get durable() {
      return inner.durable;
    },
    async load() {
      const { state, queue } = await inner.load();
      const [gone, open] = [true, false].map((is) => [...queue].filter(([key]) => key.startsWith(OVER) === is));
      for (const [key] of gone!) over.add(key.slice(OVER.length));
      stored = storedAfter(new Map(open));
      return { state, queue: new Map(open) };
    },
    async save(from, to, queue) {
      if (!leads()) throw new Error("another tab leads");
      const changes = new Map(queue);
      const next = storedAfter(queue);
      addOver(changes, next);
      await inner.save(from, to, changes);
      stored = next;
    },
    close: () => inner.close?.(),
  };
  return { storage, isOver: (op_id) => over.has(op_id) };
};
