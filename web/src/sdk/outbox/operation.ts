// One operation of a person: what it is, and what it is about. Pure.

import type { Failure, Mutation } from "../contract.js";
import type { Answer, Refused } from "../link.js";

export type Fields = Record<string, unknown>;

/**
 * Where an operation is: not yet stored; stored, to be sent; sent, without an answer; carried out, and not yet in the streams;
 * refused, and kept until it is tried again or dropped.
 */
export type Phase = "writing" | "waiting" | "sending" | "saved" | "refused";

/** An operation of the person. Another phase makes another object. */
export interface Operation {
  readonly op_id: string;
  readonly name: Mutation;
  readonly data: Fields;
  /** When the person did it. */
  readonly created_at: string;
  readonly phase: Phase;
  /** Why it was refused. */
  readonly failure?: Failure | undefined;
  /** The `op_id` of the operation that it takes back. */
  readonly undoes?: string;
  /** Whether it may have been sent: it does not change any more, and cannot be dropped unless it is refused. */
  readonly sent?: boolean;
  /** Whether the streams have what it makes, though not yet the answer with its id. */
  readonly landed?: boolean;
}

/** What makes an operation the undo of another one. */
export interface Undo {
  undoes: string;
  /** What the entity must still have, so that nobody's later change is lost. */
  expect: Fields;
}

/** An operation that was begun. */
export interface Begun<K extends Mutation = Mutation> {
  op_id: string;
  /** The server's answer. It rejects with the reason when the operation is refused, or dropped before it was sent. */
  done: Promise<Answer<K>>;
}

/** What the server answers to an operation, alone or in a batch. */
export type Result = { data: unknown; at: Record<string, number>; replayed?: boolean } | { error: Failure };

/** An operation in the queue. */
export interface Entry {
  op: Operation;
  /** Its place in the queue. */
  n: number;
  /** All ids in its parameters but the workspace's. */
  ids: Set<string>;
  /** How often the server failed to carry it out. */
  failed: number;
  /** Whether nothing else may be under way with it: it may concern whatever another one is about. */
  alone: boolean;
  /** What the entity must have for an undo. */
  expect?: Fields | undefined;
  /** Where the streams have it. */
  at?: Record<string, number> | undefined;
  waiting: { resolve(answer: Answer<Mutation>): void; reject(why: Refused): void }[];
}

const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
/** Those that may be part of a batch, and concern only what they name. */
const BATCHED = /^(task|comment|notification)\.(?!mark_all)|^project\.[cua]/;

/** Whether its `op_id` stands for what it makes until the server says the real id. */
export const makes = ({ name, data }: Operation): boolean => name.endsWith(".create") && !data["id"];

export const isPending = ({ op }: { op: Operation }): boolean => op.phase !== "refused";

export const isUnsent = (held: { op: Operation }): boolean => !held.op.sent && isPending(held);

/** Whether it is shown over the server's state. */
export const isShown = (op: Operation): boolean => isPending({ op }) && !(op.landed && makes(op));

const idsOf = (op: Operation): Set<string> => {
  const ids = JSON.stringify({ ...op.data, workspace_id: 0 }).match(ID) ?? [];
  return new Set(makes(op) ? [...ids, op.op_id] : ids);
};

/** Changes what an operation is or where it is. */
export const change = (entry: Entry, fields: Partial<Operation>): void => {
  entry.op = { ...entry.op, ...fields };
  if (fields.data) entry.ids = idsOf(entry.op);
};

export const entryOf = (op: Operation, n: number): Entry => ({
  op,
  n,
  ids: idsOf(op),
  failed: 0,
  alone: !BATCHED.test(op.name) || !!op.data["permanent"],
  waiting: [],
});
