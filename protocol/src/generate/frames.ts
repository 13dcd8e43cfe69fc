/** The operations of a kind. */
export type OperationsOfKind<Kind extends (typeof OPERATIONS)[keyof Operations]["kind"]> = {
  [K in keyof Operations]: (typeof OPERATIONS)[K]["kind"] extends Kind ? K : never;
}[keyof Operations];

/** The operations that change state: those that take an `op_id`. */
export type Mutation = OperationsOfKind<"mutation">;

/** The operations that read. */
export type Query = OperationsOfKind<"query">;

/** The operations that act at once and leave no log entry. */
export type Command = OperationsOfKind<"command">;

/** The operations that concern the socket or the sign-in itself. */
export type SessionOperation = OperationsOfKind<"session">;

/** The parameters of an operation: `data` may be omitted when none is required. */
export type DataOf<K extends keyof Operations> = Record<string, never> extends Operations[K]["params"]
  ? { data?: Operations[K]["params"] | null }
  : { data: Operations[K]["params"] };

/** The frame of one operation. Without `id`, only errors are answered. `op_id` makes a mutation exactly-once. */
export type RequestOf<K extends keyof Operations> = {
  type: K;
  id?: RequestId | null;
} & (K extends Mutation ? { op_id?: OpId | null } : unknown) &
  DataOf<K>;

/** What a client sends. */
export type ClientFrame = { [K in keyof Operations]: RequestOf<K> }[keyof Operations];

/** A mutation of a batch. Its `op_id` makes it exactly-once; it is allowed with `atomic: false` only. */
export type BatchOpOf<K extends Exclude<Mutation, "batch">> = { type: K; op_id?: OpId | null } & DataOf<K>;

/** One mutation of a batch. */
export type BatchOp = { [K in Exclude<Mutation, "batch">]: BatchOpOf<K> }[Exclude<Mutation, "batch">];

/** The answer to `auth`; it precedes every event. */
export interface WelcomeFrame {
  type: "welcome";
  id: RequestId | null;
  data: Welcome;
}

/** A request was carried out. `at`, for a mutation: the last `seq` that it produced in each stream that the caller may read. */
export interface OkFrame<Output = unknown> {
  type: "ok";
  id: RequestId;
  at?: Record<string, number>;
  data: Output;
  /** Whether this repeats the first answer, because the mutation was carried out before. */
  replayed?: boolean;
}

/** A request was refused. `id` is `null` when the request had none, or when it could not be read. */
export interface ErrorFrame {
  type: "error";
  id: RequestId | null;
  error: Failure;
}

/** A durable event by its name. An entry that showed a purged task has lost its payload. */
export interface EventOf<K extends keyof Events> {
  type: "event";
  stream: StreamId;
  /** Its place in the stream: from 1, without gaps. */
  seq: number;
  event: K;
  at: Timestamp;
  /** Who caused it. */
  actor: Actor;
  /** The `op_id` of the mutation, if it had one. */
  op_id?: OpId;
  data: K extends ForgettableEvent ? Events[K] | Forgotten : Events[K];
}

/** Something happened: stored, in order, without gaps. `event` names it. */
export type EventFrame = { [K in keyof Events]: EventOf<K> }[keyof Events];

/** Something happened: not stored, may be omitted. `signal` names it. */
export type SignalFrame = {
  [K in keyof Signals]: { type: "signal"; signal: K; data: Signals[K] };
}[keyof Signals];

/** The answer to `ping`. */
export interface PongFrame {
  type: "pong";
  id: RequestId | null;
}

/** What a server sends; `type` tells which frame it is. */
export type ServerFrame = WelcomeFrame | OkFrame | ErrorFrame | EventFrame | SignalFrame | PongFrame;

/** The answer to an operation: most are answered by `ok`, `auth` by `welcome`, `ping` by `pong`. */
export type AnswerTo<K extends keyof Operations> =
  | (K extends "auth" ? WelcomeFrame : K extends "ping" ? PongFrame : OkFrame<Operations[K]["output"]>)
  | ErrorFrame;
