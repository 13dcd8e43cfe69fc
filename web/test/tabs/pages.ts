// Pages of one browser in this process, at a real server: each has a store that it shares over Node's `BroadcastChannel`.

import type { TestContext } from "node:test";
import { WebSocket } from "ws";
import { connect, type Client } from "../../src/sdk/client.js";
import type { Environment } from "../../src/sdk/connection/environment.js";
import { onRecords, type Records } from "../../src/sdk/storage/records.js";
import type { Channel, Place } from "../../src/sdk/tabs/place.js";
import { openShared, type Shared, type SharedOptions } from "../../src/sdk/tabs/shared.js";
import { inMemory } from "../store/records.js";
import { lockManager } from "./browser.js";

export interface Page {
  store: Shared;
  /** How often this page was asked for a token. */
  tokens: number;
  /** Whether it was told that the person has signed out. */
  ended: boolean;
  isLeader(): boolean;
  /** It is gone at once, without a word; what it writes is not written. */
  kill(): void;
  /** It is put away. */
  leave(): void;
  /** It is sent nothing, until it comes back. */
  deafen(): void;
  isDeaf(): boolean;
  wake(): void;
}

export interface Pages {
  records: Records;
  open(): Promise<Page>;
}

let count = 0;

/** The pages of a browser; those that are open end with the test. */
export const pages = (
  test: TestContext,
  url: string,
  token: () => Promise<string>,
  more: Partial<SharedOptions> = {},
): Pages => {
  const name = `taskwire ${process.pid} ${++count}`;
  const locks = lockManager();
  const records = inMemory();

  const open = async (): Promise<Page> => {
    const me = {};
    const wakes = new Set<() => void>();
    const leaves = new Set<() => void>();
    const clients = new Set<Client>();
    const state = { isDead: false, isDeaf: false };

    const channel = (name: string): Channel => {
      const real = new BroadcastChannel(name);
      const made: Channel = {
        onmessage: null,
        postMessage: (message) => state.isDead || real.postMessage(message),
        close: () => real.close(),
      };
      real.onmessage = (event) => {
        if (!state.isDead && !state.isDeaf) made.onmessage?.(event as never);
      };
      return made;
    };
    const watching = (all: Set<() => void>) => (run: () => void) => {
      all.add(run);
      return () => void all.delete(run);
    };
    const place: Place = { locks: locks.of(me), channel, watch: watching(leaves) };
    const environment: Environment = {
      hidden: () => false,
      blocked: () => false,
      block() {},
      watch: watching(wakes),
    };
    const write: Records["write"] = async (changes) => {
      await Promise.resolve();
      if (!state.isDead) await records.write(changes);
    };
    const page: Page = {
      store: undefined as never,
      tokens: 0,
      ended: false,
      isLeader: () => locks.holder(name) === me,
      kill() {
        state.isDead = true;
        clients.forEach((client) => client.close());
        locks.kill(me);
      },
      leave: () => leaves.forEach((leave) => leave()),
      deafen: () => void (state.isDeaf = true),
      isDeaf: () => state.isDeaf,
      wake() {
        state.isDeaf = false;
        wakes.forEach((wake) => wake());
      },
    };
    page.store = await openShared({
      name,
      place,
      environment,
      storage: () => onRecords({ ...records, write }),
      ended: () => void (page.ended = true),
      connect({ resume, environment }) {
        const client = connect({
          url,
          WebSocket,
          resume,
          environment,
          token() {
            page.tokens++;
            return token();
          },
        });
        clients.add(client);
        return client;
      },
      ...more,
    });
    test.after(() => page.store.close());
    return page;
  };
  return { records, open };
};
