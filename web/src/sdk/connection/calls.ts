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
  signal: AbortSignal | undefined;
  // Nobody hears them once the call was given up.
  resolve(answer: unknown): void;
  reject(why: unknown): void;
}

/** So many times a call is sent that the server could not carry out just now, and no wait is longer than this. */
const TRIES = 5;
const PATIENCE = 10_000;

export const calls = (
  clock: Clock,
  /** The most that wait. */
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

  /** Sends what waits, as far as the server allows. */
  const pump = () => {
    pause.clear();
    if (!limits) return;
    const { ops_per_second, burst, in_flight, frame_bytes } = limits;
    const now = clock.now();
    tokens = Math.min(burst, tokens + (Math.max(0, now - counted) * ops_per_second) / 1000);
    counted = now;
    // One place is kept for the connection's own requests.
    while (waiting.length && sent.size < Math.max(1, in_flight - 1)) {
      const call = waiting[0]!;
      const price = Math.min(cost(call.params), burst);
      const wait = Math.max(pausedUntil - now, ((price - tokens) / ops_per_second) * 1000);
      if (wait > 0) return pause.set(wait, pump);
      const wrong = unreadable(call.text, call.params, frame_bytes);
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
    waiting = [...back, ...waiting].filter(({ signal }) => !signal?.aborted).sort((a, b) => a.id - b.id);
  };

  /** Whether a refused call waits for its next try now. */
  const retried = (call: Call, { error }: ErrorFrame): boolean => {
    const wait = error.retry_after_ms ?? backoff(clock, call.tries);
    if (!error.retryable || !isRepeatable(call.name) || ++call.tries >= TRIES || wait > PATIENCE) return false;
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

    add<K extends Name>(name: K, params: Params<K>, { op_id, signal }: Options = {}): Promise<Answer<K>> {
      if (isMutation(name)) op_id ??= newId(clock.now());
      const id = ++lastId;
      const text = frame(name, id, params, op_id);
      let giveUp = () => {};
      return new Promise<Answer<K>>((resolve, reject) => {
        giveUp = () => reject(signal!.reason);
        if (signal?.aborted) return giveUp();
        if (waiting.length >= most) return reject(refusal("UNAVAILABLE", "the queue is full", true));
        signal?.addEventListener("abort", giveUp);
        waiting.push({ id, name, op_id, params, text, tries: 0, signal, resolve, reject } as Call);
        pump();
      }).finally(() => {
        signal?.removeEventListener("abort", giveUp);
        if (signal?.aborted) putBack([]);
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

    /** Takes the answer to a sent call. */
    answer(answer: OkFrame | ErrorFrame | PongFrame) {
      const id = answer.id as number;
      const call = sent.get(id)!;
      sent.delete(id);
      if (answer.type !== "error") {
        const { data = {}, at = {}, replayed = false } = answer as Partial<OkFrame>;
        call.resolve({ data, at, replayed });
      } else if (!retried(call, answer)) call.reject(new Refused(answer.error));
      pump();
    },

    /** The connection is lost: what may be repeated is sent on the next one. */
    interrupt() {
      pause.clear();
      limits = undefined;
      const [repeated, lost]: [Call[], Call[]] = [[], []];
      for (const call of sent.values()) (isRepeatable(call.name) ? repeated : lost).push(call);
      sent.clear();
      for (const { reject } of lost) reject(new Lost("no answer"));
      putBack(repeated);
    },

    /** Nothing is sent any more. */
    end(why: string) {
      for (const { reject, op_id } of waiting.splice(0)) reject(new Lost(why, op_id));
    },
  };
};
