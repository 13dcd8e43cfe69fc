// A disk that several tabs have in common, as IndexedDB is one: what is asked of it is done in the order in which it was asked,
// a step of the test each, and a write is done whole or not at all.

import { onRecords } from "../../src/sdk/storage/records.js";
import type { Storage } from "../../src/sdk/storage/storage.js";
import { inMemory } from "../store/records.js";

/** The disk, as a tab has it. */
export interface Disk {
  storage: Storage;
  /** The tab is gone: what it asked for is not done, but for the next thing if that has begun. */
  die(isBegun: boolean): void;
}

export const slowDisk = () => {
  const records = inMemory();
  let queue: { owner: object; run(): void }[] = [];

  const open = (): Disk => {
    const owner = {};
    let isDead = false;
    /** Never comes back to a tab that is gone. */
    const ask = <T>(run: () => Promise<T>): Promise<T> =>
      new Promise((resolve) => {
        if (!isDead) queue.push({ owner, run: () => void run().then((value) => isDead || resolve(value)) });
      });
    const storage = onRecords({
      durable: true,
      load: () => ask(records.load),
      write: (changes) => ask(() => records.write(changes)),
    });
    return {
      storage,
      die(isBegun) {
        isDead = true;
        queue = queue.filter((asked, i) => asked.owner !== owner || (i === 0 && isBegun));
      },
    };
  };

  /** Does the next thing that was asked for; whether there was one. */
  const tick = (): boolean => {
    const next = queue.shift();
    next?.run();
    return !!next;
  };
  return { open, tick };
};
