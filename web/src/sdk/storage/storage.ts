// Where a store keeps what must outlast the page. Knows nothing of how.

import { EMPTY, type State } from "../replica/state.js";

/** Changes of texts by key: one to write, or `undefined` to delete. */
export type Changes = ReadonlyMap<string, string | undefined>;

/** What was there last. */
export interface Saved {
  /** Each stream with its position, in one epoch. */
  state: State;
  /** The operations of the queue; their keys tell the order. */
  queue: ReadonlyMap<string, string>;
}

/** A place that keeps a state and a queue. */
export interface Storage {
  /** Whether they outlast the page. */
  readonly durable: boolean;
  load(): Promise<Saved>;
  /** Writes how a state differs from the one that was written last, and changes of the queue: all of it or nothing. */
  save(from: State, to: State, queue: Changes): Promise<void>;
  close?(): void;
}

/** Keeps nothing: all ends with the page. */
export const memory: Storage = {
  durable: false,
  load: async () => ({ state: EMPTY, queue: new Map() }),
  save: async () => {},
};
