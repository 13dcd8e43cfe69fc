// The operations that were begun in this tab and are not over: their promises, which last while the tab leads, follows, and
// leads again.

import type { Mutation } from "../contract.js";
import type { Answer } from "../link.js";
import type { Begun, Operation, Undo } from "../outbox/operation.js";
import { errorOf, type Outcome } from "./messages.js";

/** An operation of this tab. */
export interface Own {
  op: Operation;
  undo: Undo | undefined;
  /** Whether the leader has it in its queue, or had it there. */
  listed: boolean;
  /** Whether it was stored: when it is not in the queue of another leader, it is over. */
  kept: boolean;
  waiting: { resolve(answer: Answer<Mutation>): void; reject(why: Error): void }[];
}

export type Owned = ReturnType<typeof owned>;

/** It left the queue while nobody could say how. */
export const UNKNOWN: Outcome = { lost: "it is over, and the tab that knows how is gone" };

export const owned = () => {
  const all = new Map<string, Own>();
  return {
    all,
    /** Remembers an operation until it is over. */
    begin(op: Operation, undo: Undo | undefined): Begun {
      const { op_id } = op;
      const own = all.get(op_id) ?? { op, undo, listed: false, kept: false, waiting: [] };
      own.op = op;
      all.set(op_id, own);
      const done = new Promise<Answer<Mutation>>((resolve, reject) => own.waiting.push({ resolve, reject }));
      // A program that does not wait for it sees it among the operations.
      done.catch(() => {});
      return { op_id, done };
    },
    /** The leader has it in its queue, so. */
    list(op: Operation, durable: boolean) {
      const own = all.get(op.op_id);
      if (own) Object.assign(own, { op, listed: true, kept: durable && op.phase !== "writing" });
    },
    /** It is over. */
    settle(op_id: string, outcome: Outcome) {
      const own = all.get(op_id);
      all.delete(op_id);
      for (const { resolve, reject } of own?.waiting ?? [])
        if ("value" in outcome) resolve(outcome.value as Answer<Mutation>);
        else reject(errorOf(outcome));
    },
  };
};
