// Takes the person's own operations back by others that do the opposite. An undo waits until its operation is carried out, and
// is refused when somebody has changed the same field since.

import type { Mutation } from "../contract.js";
import { refusal } from "../connection/requests.js";
import type { Params } from "../link.js";
import type { State } from "../replica/state.js";
import { inverse } from "./inverse.js";
import type { Begun, Fields, Operation, Undo } from "./operation.js";
import { subject } from "./subject.js";

/** What is undone: a store. */
export interface Undoable {
  readonly state: State & { readonly operations: readonly Operation[] };
  mutate<K extends Mutation>(name: K, params: Params<K>, undo?: Undo): Begun<K>;
  drop(op_id: string): boolean;
}

/** An operation that can be taken back, with the entity that it is about. */
interface Done {
  op: Operation;
  before: Fields | undefined;
  after: Fields | undefined;
}

/** So many operations are remembered. */
const REMEMBERED = 100;

/** Remembers the operations that are begun with `mutate`, so that they can be taken back until the page ends. */
export const undoable = (store: Undoable) => {
  let history: Done[] = [];
  const forget = (op_id: string) => {
    history = history.filter(({ op }) => op.op_id !== op_id);
  };

  return {
    /** Begins an operation, as the store does. */
    mutate<K extends Mutation>(name: K, params: Params<K>): Begun<K> {
      const before = subject(store.state, name, params as Fields);
      const begun = store.mutate(name, params);
      const { op_id, done } = begun;
      const op = store.state.operations.find((op) => op.op_id === op_id);
      if (!op) return begun;
      const after = subject(store.state, name, op.data);
      // An edit may have gone into one that was not sent yet.
      const first = history.find(({ op }) => op.op_id === op_id);
      const made = { op, before: first ? first.before : before, after };
      forget(op_id);
      history = [...history, made].slice(-REMEMBERED);
      done.then(
        ({ data }) => (made.after = data as Fields),
        () => forget(op_id),
      );
      return begun;
    },

    /**
     * Takes an operation back: this one, or the last one. `undefined` when it was not sent yet and is only forgotten, or when
     * there is none. Throws {@link Refused} when it cannot be taken back.
     */
    undo(op_id?: string): Begun | undefined {
      const [last] = history.filter(({ op }) => op_id === undefined || op.op_id === op_id).slice(-1);
      if (!last) return undefined;
      const { op, before, after } = last;
      if (store.drop(op.op_id)) return undefined;
      const made = inverse(store.state, op, before, after);
      if (!made) throw refusal("CONFLICT", "this cannot be taken back");
      forget(op.op_id);
      return store.mutate(made.name, made.data as never, { undoes: op.op_id, expect: made.expect });
    },
  };
};
