// What the replica, the outbox and the hooks need of a connection, whatever carries it: a WebSocket, server-sent events beside
// HTTP requests, or another tab. Owns no state and no I/O.

import type { EventFrame, Failure, Operations, SignalFrame, Welcome } from "./contract.js";

/** The wire name of an operation. */
export type Name = keyof Operations;

/** The parameters of an operation. */
export type Params<K extends Name> = Operations[K]["params"];

/** What an operation answers. */
export type Output<K extends Name> = Operations[K]["output"];

/** A request that was carried out. */
export interface Answer<K extends Name> {
  data: Output<K>;
  /** The last position that a mutation produced in each stream that the caller may read. */
  at: Record<string, number>;
  /** Whether this repeats the first answer to the `op_id`. */
  replayed: boolean;
}

/** The server refused a request: nothing was changed. */
export class Refused extends Error {
  override readonly name = "Refused";
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

/** The connection ended before the answer. Only a repetition with the same `op_id` tells whether it was carried out. */
export class Lost extends Error {
  override readonly name = "Lost";
  constructor(
    message: string,
    /** The `op_id` with which a mutation was sent. */
    readonly op_id?: string,
  ) {
    super(message);
  }
}

/** A token callback throws it when nobody is signed in any more: the connection stops until {@link Link} is told to go on. */
export class SignedOut extends Error {
  override readonly name = "SignedOut";
}

/** Where to continue: the last `seq` that was told of each stream, in one epoch. */
export interface Resume {
  epoch: string;
  positions: Record<string, number>;
}

/** How a request is sent. */
export interface Options {
  /** Makes a mutation exactly-once. Without it the client makes one. */
  op_id?: string;
  /** Gives up waiting. The server may carry the request out nevertheless. */
  signal?: AbortSignal;
}

/** What a connection tells. Events come in the order of their stream, without gaps and without repetitions. */
export interface Listener {
  /** A session began, or was resumed. What `streams` says with `resumed: false` must be synced. */
  welcome?(welcome: Welcome): void;
  event?(event: EventFrame): void;
  signal?(signal: SignalFrame): void;
  /** The state changed. */
  state?(state: State): void;
}

/** Where a connection is. */
export type State =
  | { kind: "connecting"; attempt: number }
  | { kind: "online" }
  /** It tries again at `retry_at` (milliseconds since 1970), or when the network or the page comes back. */
  | { kind: "offline"; retry_at: number; reason: string }
  /** It does not try again by itself: signed out, or refused for good. `code` is the close code, if there was one. */
  | { kind: "closed"; code?: number; reason: string };

/** A connection. */
export interface Link {
  readonly state: State;
  /** Sends a request as soon as there is a session. Rejects with {@link Refused} or {@link Lost}. */
  call<K extends Name>(name: K, params: Params<K>, options?: Options): Promise<Answer<K>>;
  /** Listens until the returned function is called. */
  listen(listener: Listener): () => void;
}
