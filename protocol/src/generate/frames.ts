/** The frame of one operation. Without `id`, only errors are answered. `op_id` makes a mutation exactly-once. */
export type RequestOf<K extends keyof Operations> = {
  type: K;
  id?: RequestId | null;
  op_id?: OpId | null;
} & (Record<string, never> extends Operations[K]["params"]
  ? { data?: Operations[K]["params"] | null }
  : { data: Operations[K]["params"] });

/** What a client sends. */
export type ClientFrame = { [K in keyof Operations]: RequestOf<K> }[keyof Operations];

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

/** A durable event by its name. An entry of a purged task has lost its payload. */
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
  data: K extends `task.${string}` ? Events[K] | Forgotten : Events[K];
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
