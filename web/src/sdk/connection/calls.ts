// Calls from when they are made until they are answered: in their order, as fast as the server allows, again after a lost
// connection. Does not know what carries the frames.

import type { ErrorFrame, Limits, OkFrame, PongFrame } from "../contract.js";
import { Lost, Refused, type Answer, type Name, type Options, type Params } from "../link.js";
import { backoff, timer, type Clock } from "./clock.js";
import { cost, frame, isMutation, isRepeatable, refusal, unreadable } from "./requests.js";
import { newId } from "./op-id.js";

/** A call that may be sent. */
export interface Request {
  id: number;
  name: string;
  params: Record<string, unknown>;
  text: string;
}

interface Call extends Request {
  op_id: string | undefined;
  tries: number;
  /** Whether nobody waits any more. */
  over: boolean;
  settle(done: () => void): void;
  resolve(answer: unknown): void;
  reject(why: unknown): void;
}

/** So many times a call is sent that the server could not carry out just now, and no wait is longer than this. */
const TRIES = 5;
const PATIENCE = 10_000;

export type Calls = ReturnType<typeof calls>;

export const calls = (
  clock: Clock,
  most: number,
  /** Sends a request; `false` when there is no session. */
  send: (request: Request) => boolean,
) => {
  let lastId = 0;
  let waiting: Call[] = [];
  const sent = new Map<number, Call>();
  let limits: Limits | undefined;
  // What the server lets this socket send: so many now, and more each second.
  let tokens = 0;
  let counted = 0;
  const pause = timer(clock);
  let pausedUntil = 0;

  const refill = () => {
    const now = clock.now();
    const { ops_per_second, burst } = limits!;
    tokens = Math.min(burst, tokens + (Math.max(0, now - counted) * ops_per_second) / 1000);
    counted = now;
  };

  const again = (at: number) => pause.set(Math.max(0, at - clock.now()), pump);

  /** Sends what waits, as far as the server allows. */
  const pump = () => {
    pause.clear();
    if (!limits) return;
    refill();
    while (waiting.length && sent.size < Math.max(1, limits.in_flight - 1)) {
      const call = waiting[0]!;
      const price = Math.min(cost(call.params), limits.burst);
      const wait = Math.max(pausedUntil - clock.now(), ((price - tokens) / limits.ops_per_second) * 1000);
      if (wait > 0) return again(clock.now() + wait);
      const wrong = unreadable(call.text, call.params, limits.frame_bytes);
      if (!wrong && !send(call)) return;
      waiting.shift();
      if (wrong) call.reject(wrong);
      else {
        tokens -= price;
        sent.set(call.id, call);
      }
    }
  };

  /** Puts calls back to where they were. */
  const putBack = (back: Call[]) => {
    waiting = [...back.filter((call) => !call.over), ...waiting].sort((a, b) => a.id - b.id);
  };

  /** Whether a refused call waits for its next try now. */
  const retried = (call: Call, { error }: ErrorFrame): boolean => {
    if (!error.retryable || !isRepeatable(call.name) || ++call.tries >= TRIES) return false;
    const wait = error.retry_after_ms ?? backoff(clock, call.tries);
    if (wait > PATIENCE) return false;
    // Everything waits with it, so that the order stays.
    pausedUntil = Math.max(pausedUntil, clock.now() + wait);
    if (error.code === "RATE_LIMITED") tokens = Math.min(tokens, 0);
    putBack([call]);
    return true;
  };

  return {
    nextId: () => ++lastId,
    pump,
    /** How many are sent and not answered. */
    underWay: () => sent.size,

    add<K extends Name>(name: K, params: Params<K>, options: Options = {}): Promise<Answer<K>> {
      return new Promise((resolve, reject) => {
        const { signal } = options;
        if (signal?.aborted) return reject(signal.reason);
        if (waiting.length >= most) return reject(refusal("UNAVAILABLE", "too many calls wait", true));
        const op_id = options.op_id ?? (isMutation(name) ? newId(clock.now()) : undefined);
        const id = ++lastId;
        const abort = () => {
          waiting = waiting.filter((waits) => waits !== call);
          call.reject(signal!.reason);
        };
        const settle = (done: () => void) => {
          if (call.over) return;
          call.over = true;
          signal?.removeEventListener("abort", abort);
          done();
        };
        const call: Call = {
          id,
          name,
          op_id,
          params: params as Record<string, unknown>,
          text: frame(name, id, params, op_id),
          tries: 0,
          over: false,
          settle,
          resolve: (answer) => settle(() => resolve(answer as Answer<K>)),
          reject: (why) => settle(() => reject(why)),
        };
        signal?.addEventListener("abort", abort);
        waiting.push(call);
        pump();
      });
    },

    /** A session began with these limits. */
    begin(of: Limits) {
      limits = of;
      tokens = of.burst;
      counted = clock.now();
      pump();
    },

    /** The sent call with this id. */
    find: (id: number): Request | undefined => sent.get(id),

    /** Takes an answer. */
    answer(answer: OkFrame | ErrorFrame | PongFrame) {
      const id = answer.id as number;
      const call = sent.get(id);
      if (!call) return;
      sent.delete(id);
      if (answer.type === "ok") {
        const { data, at = {}, replayed = false } = answer;
        call.resolve({ data, at, replayed });
      } else if (answer.type === "pong") call.resolve({ data: {}, at: {}, replayed: false });
      else if (call.over || !retried(call, answer)) call.reject(new Refused(answer.error));
      pump();
    },

    /** The connection is lost: what may be repeated is sent on the next one. */
    interrupt() {
      pause.clear();
      limits = undefined;
      const interrupted = [...sent.values()];
      sent.clear();
      for (const call of interrupted)
        if (!isRepeatable(call.name)) call.reject(new Lost("the connection ended before the answer"));
      putBack(interrupted);
    },

    /** Nothing is sent any more. */
    end(why: string) {
      for (const call of [...sent.values(), ...waiting]) call.reject(new Lost(why, call.op_id));
      sent.clear();
      waiting = [];
      pause.clear();
    },
  };
};
