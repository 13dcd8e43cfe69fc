// What a person does to tasks and the rest: shown at once, told when it is refused, undone from a toast. Knows no view.

import { Refused, type Args, type Callable, type contract } from "../sdk/index.js";
import { useSession } from "./hooks.js";
import type { Session } from "./session.js";
import { T } from "./texts.js";
import { tell } from "./toasts.js";

type Mutation = contract.Mutation;
type Parameters<K extends Mutation> = contract.Operations[K]["params"];

/** The reason of a failure, for people. */
export const reason = (error: unknown): string =>
  error instanceof Refused ? error.failure.message : error instanceof Error ? error.message : String(error);

/** What can be done, for a session. */
export const acting = ({ undoing, client }: Session) => {
  const notUndone = (error: unknown): void => tell(T.undoRefused(reason(error)), { tone: "bad" });
  /** Takes an operation back: this one, or the last one. */
  const undo = (op_id?: string): void => {
    try {
      undoing.undo(op_id)?.done.catch(notUndone);
    } catch (error) {
      notUndone(error);
    }
  };

  return {
    /**
     * Begins an operation: it is shown at once. With `said`, a toast says so and offers to undo it. A refusal is told, and stays in the
     * list of changes.
     */
    act<K extends Mutation>(name: K, params: Parameters<K>, said?: string) {
      const begun = undoing.mutate(name, params);
      if (said) tell(said, { action: { label: T.undo, run: () => undo(begun.op_id) } });
      begun.done.catch((error: unknown) => tell(T.refused(reason(error)), { tone: "bad" }));
      return begun;
    },

    /** Asks the server for what is in no replica, or does what is not shown before the server did it. */
    ask: <K extends Callable>(name: K, ...args: Args<K>) => client.call(name, ...args).then(({ data }) => data),
    undo,
  };
};

export const useActing = () => acting(useSession());
