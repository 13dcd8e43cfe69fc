// What a tab can do, whether it leads or follows.

import type { Mutation } from "../contract.js";
import type { State as Connection } from "../link.js";
import type { Begun, Fields, Undo } from "../outbox/operation.js";
import type { State } from "../replica/state.js";
import type { View } from "../store.js";
import type { Deeds, Message } from "./messages.js";

export interface Role {
  view(): View;
  /** The server's state, without operations. */
  base(): State;
  connection(): Connection;
  mutate(name: Mutation, params: Fields, undo: Undo | undefined, op_id: string | undefined): Begun;
  /** Whether there is an operation to drop. */
  drop(op_id: string | undefined): boolean;
  /** Does it, here or at the leader. */
  ask<K extends keyof Deeds>(what: K, ...args: Parameters<Deeds[K]>): Promise<Awaited<ReturnType<Deeds[K]>>>;
  hear(message: Message): void;
  /** The network or the page came back. */
  wake(): void;
  /**
   * The tab leaves this role, when the promise resolves. Or at once: then what is written when this returns is written before
   * another tab can lead, and nothing after it.
   */
  leave(now: boolean): Promise<void>;
}

/** Before there is a connection. */
export const NOT_YET: Connection = { kind: "connecting", attempt: 1 };
