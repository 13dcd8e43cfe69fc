/** The frame of one operation. Without `id` there is no answer but an error; `op_id` makes a mutation exactly-once. */
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

/** A request was done. `at`, of a mutation: the last `seq` that it produced in each stream the caller may read. */
export interface OkFrame<Output = unknown> {
  type: "ok";
  id: RequestId;
  at?: Record<string, number>;
  data: Output;
  /** It was done before: this is the first answer again. */
  replayed?: boolean;
}

/** A request was refused; `id` is `null` when the request had none or it could not be read. */
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
  /** Who did it. */
  actor: Actor;
  /** The mutation's `op_id`, when it had one. */
  op_id?: OpId;
  data: K extends `task.${string}` ? Events[K] | Forgotten : Events[K];
}

/** Something happened: durable, ordered, gapless. `event` tells which. */
export type EventFrame = { [K in keyof Events]: EventOf<K> }[keyof Events];

/** Something to know now: ephemeral. `signal` tells what. */
export type SignalFrame = {
  [K in keyof Signals]: { type: "signal"; signal: K; data: Signals[K] };
}[keyof Signals];

/** The answer to `ping`. */
export interface PongFrame {
  type: "pong";
  id: RequestId | null;
}

/** What a server sends; `type` tells which. */
export type ServerFrame = WelcomeFrame | OkFrame | ErrorFrame | EventFrame | SignalFrame | PongFrame;

/** The answer to an operation: most are answered by `ok`, `auth` by `welcome`, `ping` by `pong`. */
export type AnswerTo<K extends keyof Operations> =
  | (K extends "auth" ? WelcomeFrame : K extends "ping" ? PongFrame : OkFrame<Operations[K]["output"]>)
  | ErrorFrame;
