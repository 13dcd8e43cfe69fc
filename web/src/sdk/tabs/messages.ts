// What tabs say to each other. One of them leads: it has the connection, the storage and the queue. The others follow: each has
// a copy of the server's state and of the queue, and asks the leader to do what is to be done.

import type { Failure, Mutation } from "../contract.js";
import { Lost, Refused, type Answer, type Listener, type Name, type State as Connection } from "../link.js";
import type { Fields, Operation, Undo } from "../outbox/operation.js";
import type { Delta } from "./delta.js";

/** How something ended. */
export type Outcome = { value: unknown } | { failure: Failure } | { lost: string } | { error: string };

/** What a follower asks the leader to do. */
export interface Deeds {
  call(name: Name, params: unknown, op_id?: string): Promise<Answer<Name>>;
  load(task: string): Promise<void>;
  flush(): Promise<void>;
  retry(op_id?: string): void;
  drop(op_id?: string): void;
  sync(workspace: string): void;
  reconnect(): void;
  /** Changes the server's state as it is held. */
  put(change: Delta): void;
}

/** Of a tab. */
export type Message =
  /** A tab has this much of the leader's state, and wants what is missing. */
  | { kind: "hello"; from: string; leader?: string | undefined; n?: number | undefined }
  /** A person began an operation in a tab. */
  | { kind: "add"; op_id: string; name: Mutation; data: Fields; undo?: Undo | undefined }
  | { kind: "ask"; from: string; id: number; what: keyof Deeds; args: unknown[] }
  /** A person has signed out. */
  | { kind: "end" }
  /** A tab leads from now on. */
  | { kind: "leader"; leader: string }
  | StateMessage
  /** A tab that said hello has everything of the state. */
  | { kind: "same"; to: string }
  /** An operation was carried out, refused or dropped. */
  | { kind: "over"; op_id: string; outcome: Outcome }
  | { kind: "answer"; to: string; id: number; outcome: Outcome }
  /** What the connection tells. */
  | { kind: "tell"; what: keyof Listener; value: unknown };

/** What changed at the leader. Each has the next number; one that is for a tab has all. */
export interface StateMessage {
  kind: "state";
  leader: string;
  n: number;
  to?: string;
  delta: Delta | undefined;
  /** The queue; an operation that did not change by its id. */
  operations: (Operation | string)[];
  durable: boolean;
  synced: boolean;
  connection: Connection | undefined;
}

/** How a promise ends, as a message can say it. */
export const outcomeOf = (promise: Promise<unknown>): Promise<Outcome> =>
  promise.then(
    (value) => ({ value }),
    (error: unknown) =>
      error instanceof Refused
        ? { failure: error.failure }
        : error instanceof Lost
          ? { lost: error.message }
          : { error: String(error) },
  );

/** The error of an outcome. */
export const errorOf = (outcome: Exclude<Outcome, { value: unknown }>): Error =>
  "failure" in outcome
    ? new Refused(outcome.failure)
    : "lost" in outcome
      ? new Lost(outcome.lost)
      : new Error(outcome.error);
