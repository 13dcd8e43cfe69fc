// The numbers of a workspace, as the server counts them: asked for again when it says that they changed.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Stats } from "../../../sdk/contract.js";
import { reason, useActing } from "../../acting.js";
import { useSession } from "../../hooks.js";
import { useOffline } from "../../parts/offline.js";

export interface Numbers {
  stats: Stats;
  days: number;
  /** When they were counted. */
  at: number;
}

export const useNumbers = (workspace: string, days: number) => {
  const { client } = useSession();
  const { ask } = useActing();
  const offline = useOffline();
  const [numbers, set] = useState<Numbers>();
  const [failed, setFailed] = useState<string>();
  const asked = useRef(0);

  const load = async (): Promise<void> => {
    const mine = ++asked.current;
    try {
      const stats = await ask("stats.get", { workspace_id: workspace, days });
      if (asked.current !== mine) return;
      set({ stats, days, at: Date.now() });
      setFailed(undefined);
    } catch (error) {
      if (asked.current === mine) setFailed(reason(error));
    }
  };
  const current = useRef(load);
  current.current = load;

  useEffect(() => {
    if (!offline) void current.current();
  }, [workspace, days, offline]);
  useEffect(() => {
    const end = client.listen({
      signal: (frame) => {
        if (frame.signal === "stats.changed" && frame.data.workspace_id === workspace) void current.current();
      },
    });
    return () => {
      end();
      asked.current++;
    };
  }, [client, workspace]);
  return { numbers, failed, offline, retry: () => void current.current() };
};
