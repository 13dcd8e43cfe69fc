// Who is in a workspace just now, as the server tells it. Nothing of it is stored.

import { useEffect, useState } from "preact/hooks";
import type { PresenceState } from "../../../sdk/contract.js";
import { useSession } from "../../hooks.js";

/** Signals may be left out: the list is asked for again from time to time. */
const AGAIN = 60_000;

/** The state of each user who is present, by their id. */
export const useOnline = (workspace_id: string): ReadonlyMap<string, PresenceState> => {
  const { client } = useSession();
  const [online, set] = useState<ReadonlyMap<string, PresenceState>>(new Map());
  useEffect(() => {
    let isCurrent = true;
    const list = () => {
      if (client.state.kind !== "online") return;
      client.call("presence.list", { workspace_id }).then(
        ({ data }) => isCurrent && set(new Map(data.items.map(({ user, state }) => [user.id, state]))),
        () => {},
      );
    };
    list();
    const timer = setInterval(list, AGAIN);
    const unlisten = client.listen({
      state: ({ kind }) => (kind === "online" ? list() : set(new Map())),
      signal(frame) {
        if (frame.signal !== "presence.changed" || frame.data.workspace_id !== workspace_id) return;
        const { user, state } = frame.data;
        set((held) => {
          const next = new Map(held);
          if (state === "offline") next.delete(user.id);
          else next.set(user.id, state);
          return next;
        });
      },
    });
    return () => {
      isCurrent = false;
      clearInterval(timer);
      unlisten();
    };
  }, [client, workspace_id]);
  return online;
};
