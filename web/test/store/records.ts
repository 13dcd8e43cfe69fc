// Records in memory, for tests of what keeps records.

import type { Records } from "../../src/sdk/storage/records.js";

export const inMemory = (): Records => {
  const all = new Map<string, string>();
  return {
    durable: true,
    load: async () => new Map(all),
    async write(changes) {
      for (const [key, text] of changes)
        if (text === undefined) all.delete(key);
        else all.set(key, text);
    },
  };
};
