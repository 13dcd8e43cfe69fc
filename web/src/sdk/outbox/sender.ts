// Sends operations in their order, as many at once as do not depend on each other, and again until there is an answer. Does
// not know what they do.

import { timer, type Clock } from "../connection/clock.js";
import type { Failure, Limits } from "../contract.js";
import { Refused, type Link } from "../link.js";
import { change, isPending, makes, type Entry, type Fields, type Operation, type Result } from "./operation.js";

/** So many requests are under way at once; so often a failure of the server is repeated; so long is a wait it does not tell. */
const REQUESTS = 4;
const TRIES = 8;
const PATIENCE = 1000;

/** The session ended: the operation itself is not refused. */
const SESSION = /^(AUTH_REQUIRED|INVALID_TOKEN|TOKEN_)/;

export interface Queue {
  entries(): readonly Entry[];
  /** What stands against sending an operation: a refusal, or other parameters. */
  objection(entry: Entry): Refused | Fields | undefined;
  /** Why an operation is refused for its version, or its parameters for another one. */
  conflict(entry: Entry, failure: Failure): Refused | Fields;
  /** Whether an operation takes one back that is before it in the queue. */
  isHeld(entry: Entry): boolean;
  /** Changes an operation, which is then written before it is sent. */
  rewrite(entry: Entry, fields: Partial<Operation>): void;
  refuse(entry: Entry, why: Refused): void;
  done(entry: Entry, answer: Exclude<Result, { error: Failure }>): void;
  /** Only phases are other ones, or anything. */
  changed(what?: "phases"): void;
}

export const sender = (
  clock: Clock,
  { entries, objection, conflict, isHeld, rewrite, refuse, done, changed }: Queue,
) => {
  let link: Link | undefined;
  let limits: Limits | undefined;
  let requests = 0;
  const pause = timer(clock);
  let paused = false;

  /** Whether an undo may be sent. */
  const isReady = (entry: Entry): boolean => {
    if (!entry.expect) return true;
    if (isHeld(entry)) return false;
    const why = objection(entry);
    if (why instanceof Refused) refuse(entry, why);
    else if (why) rewrite(entry, { data: why, phase: "writing" });
    return !why;
  };

  /** The next operations for one request. */
  const next = (): Entry[] => {
    const under = entries().filter(({ op }) => op.phase === "sending");
    const taken = new Set(under.flatMap(({ ids }) => [...ids]));
    const request: Entry[] = [];
    const most = Math.min(limits!.batch, limits!.burst);
    // A character has at most three bytes.
    let room = limits!.frame_bytes / 4;
    if (under.some(({ alone }) => alone)) return [];
    for (const entry of entries()) {
      const { op, ids } = entry;
      if (op.phase === "writing") break;
      if (op.phase !== "waiting") continue;
      const alone = entry.alone || !!entry.expect;
      if (alone && (request.length || under.length)) break;
      if ([...ids].some((id) => taken.has(id))) break;
      if (!isReady(entry)) {
        if (isPending(entry)) break;
        continue;
      }
      room -= JSON.stringify(op.data).length + 100;
      if (request.length && (room < 0 || request.length >= most)) break;
      request.push(entry);
      if (alone) break;
      // What names it waits until the server says the real id.
      if (makes(op)) taken.add(op.op_id);
    }
    return request;
  };

  const call = async (request: readonly Entry[]): Promise<readonly Result[]> => {
    const [{ op }] = request as [Entry];
    if (request.length === 1) return [await link!.call(op.name, op.data as never, { op_id: op.op_id })];
    const ops = request.map(({ op: { name, op_id, data } }) => ({ type: name, op_id, data }));
    return (await link!.call("batch", { ops: ops as never, atomic: false })).data.results as readonly Result[];
  };

  const goOn = () => {
    pause.clear();
    paused = false;
    send();
  };

  const wait = (ms: number) => {
    paused = true;
    pause.set(ms, goOn);
  };

  /** Whether a refused operation is sent again. */
  const isRepeated = (entry: Entry, { code, retryable, retry_after_ms }: Failure): boolean => {
    if (!retryable && !SESSION.test(code)) return false;
    if (code === "INTERNAL_ERROR" && ++entry.failed >= TRIES) return false;
    wait(retry_after_ms ?? PATIENCE);
    return true;
  };

  const settle = (request: readonly Entry[], results: readonly Result[]) => {
    // What follows one that is sent again may have failed because of it.
    let again = false;
    request.forEach((entry, i) => {
      const result = results[i]!;
      if (!("error" in result)) {
        change(entry, { phase: "saved" });
        done(entry, result);
        return;
      }
      const { error } = result;
      const why = error.code === "VERSION_CONFLICT" ? conflict(entry, error) : new Refused(error);
      if (!(why instanceof Refused)) return rewrite(entry, { data: why, phase: "writing" });
      if (!isRepeated(entry, error) && !again) return refuse(entry, why);
      again = true;
      change(entry, { phase: "waiting" });
    });
  };

  /** A request got no answer, or was refused as a whole. */
  const failed = (request: readonly Entry[], why: unknown) => {
    const error = why instanceof Refused ? why.failure : undefined;
    if (error && request.length === 1) return settle(request, [{ error }]);
    for (const entry of request) {
      change(entry, { phase: "waiting" });
      entry.alone ||= !!error && !error.retryable;
    }
    wait(error?.retry_after_ms ?? PATIENCE);
  };

  const send = () => {
    while (link?.state.kind === "online" && limits && !paused && requests < REQUESTS) {
      const request = next();
      if (!request.length) break;
      requests++;
      for (const entry of request) change(entry, { phase: "sending", sent: true });
      call(request)
        .then(
          (results) => settle(request, results),
          (why: unknown) => failed(request, why),
        )
        .then(() => {
          requests--;
          send();
        });
    }
    changed("phases");
  };

  return {
    send,
    attach(to: Link) {
      link = to;
    },
    welcome(of: Limits) {
      limits = of;
      goOn();
    },
    stop() {
      link = undefined;
      pause.clear();
    },
  };
};
