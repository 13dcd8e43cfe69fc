// Asks the server for what it must do before anything can be shown, and says so at once when it cannot be reached: what was typed
// then stays where it is. Knows no view.

import { useMemo } from "preact/hooks";
import type { Args, Callable, contract } from "../sdk/index.js";
import type { Line } from "./session.js";
import { reason } from "./acting.js";
import { useSession } from "./hooks.js";
import { T } from "./texts.js";
import { tell } from "./toasts.js";

const PATIENCE = 20_000;

/** Calls back whenever the connection is there again. `welcome` comes too early to send anything. */
export const whenOnline = (client: Line, run: () => void): (() => void) =>
  client.listen({ state: ({ kind }) => kind === "online" && run() });

export const useAsking = () => {
  const { client } = useSession();
  return useMemo(
    () =>
      async <K extends Callable>(name: K, params: contract.Operations[K]["params"]): Promise<contract.Operations[K]["output"]> => {
        // A connection that is only just being made is worth a wait.
        if (!/online|connecting/.test(client.state.kind)) throw new Error(T.form.offline);
        const late = AbortSignal.timeout(PATIENCE);
        const { data } = await client.call(name, ...([params, { signal: late }] as unknown as Args<K>)).catch((error: unknown) => {
          throw late.aborted ? new Error(T.form.noAnswer) : error;
        });
        return data;
      },
    [client],
  );
};

/** Does what is shown once the server did it: a toast says what came of it. Resolves with whether it was done. */
export const useDoing = () => {
  const ask = useAsking();
  return useMemo(
    () =>
      async <K extends Callable>(name: K, params: contract.Operations[K]["params"], said?: string): Promise<boolean> => {
        try {
          await ask(name, params);
          if (said) tell(said);
          return true;
        } catch (error) {
          tell(T.refused(reason(error)), { tone: "bad" });
          return false;
        }
      },
    [ask],
  );
};
