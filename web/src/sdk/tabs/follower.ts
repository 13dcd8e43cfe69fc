// A tab that follows: it shows the leader's state with the operations over it, those of its own at once, and has the leader do
// what is to be done. Owns no connection, no storage and no queue.

import type { Clock } from "../connection/clock.js";
import type { Tell } from "../connection/listeners.js";
import { isRepeatable } from "../connection/requests.js";
import { Lost } from "../link.js";
import { isShown, isUnsent, type Operation, type Undo } from "../outbox/operation.js";
import { EMPTY, type State } from "../replica/state.js";
import type { View } from "../store.js";
import { patch } from "./delta.js";
import { errorOf, type Deeds, type Message, type StateMessage } from "./messages.js";
import { UNKNOWN, type Owned } from "./own.js";
import { NOT_YET, type Role } from "./role.js";

export interface Follower extends Role {
  /** Lets another role do what was asked for and has no answer. */
  handOver(to: Role): void;
}

export interface Around {
  clock: Clock;
  /** The id of this tab. */
  me: string;
  own: Owned;
  foresight: typeof import("../outbox/foresight.js");
  post(message: Message): void;
  tell: Tell;
  /** What is shown changed; `now` says that the person did it. */
  changed(now: boolean): void;
  /** Everything is there. */
  ready(): void;
}

/** The leader may have begun a call that must not be repeated. */
const isOnce = ({ what, args, sent }: Asked) => sent && what === "call" && !isRepeatable(args[0] as string);
const GONE = "the tab with the connection is gone";

interface Asked {
  what: keyof Deeds;
  args: readonly unknown[];
  sent: boolean;
  resolve(value: unknown): void;
  reject(why: Error): void;
}

type Rest = Pick<View, "durable" | "synced" | "connection">;

export const follower = (
  { clock, me, own, foresight, post, tell, changed, ready }: Around,
  /** The role before this one. */
  before?: Role,
): Follower => {
  let leader: string | undefined;
  /** The number of the last message; `undefined` while all is to be sent. */
  let n: number | undefined;
  let base: State = before?.base() ?? EMPTY;
  let held: readonly Operation[] = before?.view().operations ?? [];
  let rest: Rest = { durable: !!before?.view().durable, synced: false, connection: before?.view().connection };
  const asks = new Map<number, Asked>();
  let last = 0;
  let shown: View | undefined;
  let isStale = true;

  const view = (): View => {
    if (shown && !isStale) return shown;
    const ids = new Set(held.map(({ op_id }) => op_id));
    const unlisted = [...own.all.values()].filter(({ listed, op }) => !listed && !ids.has(op.op_id)).map(({ op }) => op);
    const operations = [...held, ...unlisted];
    const predict = foresight.predictor(base, shown);
    let state = base;
    for (const op of operations) if (isShown(op)) state = predict(op);
    isStale = false;
    return (shown = { ...state, operations, ...rest });
  };

  const change = () => {
    isStale = true;
    changed(false);
  };

  const hello = () => post({ kind: "hello", from: me, leader, n });

  /** Asks for all. */
  const begin = () => {
    n = undefined;
    hello();
  };

  const add = ({ op_id, name, data }: Operation, undo: Undo | undefined) =>
    post({ kind: "add", op_id, name, data, undo });

  /** Has the leader do what it may not know of. */
  const resend = () => {
    for (const { op, undo, kept, listed } of [...own.all.values()])
      if (kept && !listed) own.settle(op.op_id, UNKNOWN);
      else add(op, undo);
    for (const [id, asked] of asks)
      if (!asked.sent) {
        asked.sent = true;
        post({ kind: "ask", from: me, id, what: asked.what, args: [...asked.args] });
      }
  };

  /** Another tab leads. What the one before it was asked may be done or not: it is asked again. */
  const follow = (next: string) => {
    leader = next;
    for (const mine of own.all.values()) mine.listed = false;
    for (const [id, asked] of asks)
      if (isOnce(asked)) {
        asks.delete(id);
        asked.reject(new Lost(GONE));
      } else asked.sent = false;
  };

  const take = (message: StateMessage) => {
    const { delta, operations, durable, synced, connection } = message;
    n = message.n;
    if (message.to) base = EMPTY;
    if (delta) base = patch(base, delta);
    const known = new Map(held.map((op) => [op.op_id, op]));
    held = operations.map((op) => (typeof op === "string" ? known.get(op)! : op));
    for (const op of held) own.list(op, durable);
    const state = connection ?? NOT_YET;
    const isOther = JSON.stringify(state) !== JSON.stringify(rest.connection ?? NOT_YET);
    // As it was before, where it is the same.
    rest = { durable, synced, connection: isOther ? connection : rest.connection };
    change();
    if (isOther) tell("state", state);
  };

  const hearState = (message: StateMessage) => {
    if (message.to === me) {
      if (leader !== message.leader) follow(message.leader);
      take(message);
      resend();
      ready();
    } else if (message.to || leader === undefined) return;
    else if (leader !== message.leader) {
      follow(message.leader);
      begin();
    } else if (n === undefined) return;
    else if (message.n === n + 1) take(message);
    // What came between them was lost while this tab was frozen.
    else if (message.n > n) begin();
  };

  const hear = (message: Message) => {
    if (message.kind === "state") hearState(message);
    else if (message.kind === "same" && message.to === me) resend();
    else if (message.kind === "leader") {
      follow(message.leader);
      begin();
    } else if (message.kind === "over") {
      own.settle(message.op_id, message.outcome);
      change();
    } else if (message.kind === "answer" && message.to === me) {
      const asked = asks.get(message.id);
      asks.delete(message.id);
      if ("value" in message.outcome) asked?.resolve(message.outcome.value);
      else asked?.reject(errorOf(message.outcome));
    } else if (message.kind === "tell") tell(message.what, message.value as never);
  };

  const ask = (what: keyof Deeds, ...args: unknown[]): Promise<never> =>
    new Promise((resolve, reject) => {
      const id = ++last;
      const sent = n !== undefined;
      asks.set(id, { what, args, sent, resolve: resolve as (value: unknown) => void, reject });
      if (sent) post({ kind: "ask", from: me, id, what, args });
    });

  hello();
  return {
    view,
    base: () => base,
    connection: () => rest.connection ?? NOT_YET,
    mutate(name, params, undo, op_id) {
      const op = foresight.operationOf(view, clock.now(), name, params, undo, op_id);
      const begun = own.begin(op, undo);
      if (n !== undefined) add(op, undo);
      // The whole queue is not replayed for each one.
      if (shown && !isStale && !op_id)
        shown = { ...shown, ...foresight.predictor(shown, shown)(op), operations: [...shown.operations, op] };
      else isStale = true;
      changed(true);
      return begun;
    },
    drop(op_id) {
      const over = view().operations.filter(
        (op) => (op_id === undefined || op.op_id === op_id) && (op.phase === "refused" || (op_id && isUnsent({ op }))),
      );
      if (over.length) void ask("drop", op_id).catch(() => {});
      return over.length > 0;
    },
    ask: ask as Role["ask"],
    hear,
    wake() {
      // Answers may be lost.
      for (const asked of asks.values()) asked.sent &&= isOnce(asked);
      hello();
    },
    handOver(to) {
      for (const asked of asks.values())
        if (isOnce(asked)) asked.reject(new Lost(GONE));
        else to.ask(asked.what, ...(asked.args as Parameters<Deeds["call"]>)).then(asked.resolve, asked.reject);
    },
    leave: async () => {},
  };
};
