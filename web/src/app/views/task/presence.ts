// Who else looks at a task, and who is writing there: told to others while the panel is open, and heard from them. Nothing of
// it is stored.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { PublicUser, Task } from "../../../sdk/contract.js";
import { useSession } from "../../hooks.js";
import type { Line } from "../../session.js";

/** So long somebody is shown as writing after they were heard; so often the person's own writing is told. */
const SHOWN = 5_000;
const TOLD_EVERY = 2_000;

/** It is online only after its `welcome` was told: listen to its state. */
const isOnline = (client: Line): boolean => client.state.kind === "online";

/** Tells others that the person looks at the task, and that they stopped. */
const useLooking = ({ workspace_id, id: task_id, version }: Task): void => {
  const { client } = useSession();
  // The server does not know a task that was made just now.
  const isKnown = version > 0;
  useEffect(() => {
    if (!isKnown) return;
    const tell = (task: string | null) => {
      if (!isOnline(client)) return;
      const state = document.hidden ? "away" : "online";
      client.call("presence.set", { workspace_id, state, task_id: task }).catch(() => {});
    };
    const look = () => tell(task_id);
    look();
    const unlisten = client.listen({ state: look });
    document.addEventListener("visibilitychange", look);
    return () => {
      unlisten();
      document.removeEventListener("visibilitychange", look);
      tell(null);
    };
  }, [client, workspace_id, task_id, isKnown]);
};

/** The other people who look at the task. */
export const useWatchers = (task: Task): readonly PublicUser[] => {
  const { workspace_id, id: task_id } = task;
  const { client, user } = useSession();
  const [people, set] = useState<ReadonlyMap<string, PublicUser>>(new Map());
  useLooking(task);
  useEffect(() => {
    const list = () => {
      if (!isOnline(client)) return;
      client.call("presence.list", { workspace_id }).then(
        ({ data }) => {
          const here = data.items.filter((one) => one.task_id === task_id && one.user.id !== user);
          set(new Map(here.map((one) => [one.user.id, one.user])));
        },
        () => {},
      );
    };
    list();
    return client.listen({
      state: list,
      signal(frame) {
        if (frame.signal !== "presence.changed" || frame.data.user.id === user) return;
        const { data } = frame;
        if (data.workspace_id !== workspace_id) return;
        set((held) => {
          const next = new Map(held);
          if (data.task_id === task_id && data.state !== "offline") next.set(data.user.id, data.user);
          else next.delete(data.user.id);
          return next;
        });
      },
    });
  }, [client, user, workspace_id, task_id]);
  return [...people.values()];
};

/** The other people who are writing on the task. */
export const useWriters = (task_id: string): readonly PublicUser[] => {
  const { client, user } = useSession();
  const [people, set] = useState<readonly PublicUser[]>([]);
  useEffect(() => {
    const timers = new Map<string, ReturnType<typeof setTimeout>>();
    const stop = (id: string) => {
      clearTimeout(timers.get(id));
      timers.delete(id);
      set((held) => (held.some((one) => one.id === id) ? held.filter((one) => one.id !== id) : held));
    };
    const unlisten = client.listen({
      signal(frame) {
        if (frame.signal !== "typing" || frame.data.task_id !== task_id || frame.data.user.id === user) return;
        const { user: who } = frame.data;
        clearTimeout(timers.get(who.id));
        timers.set(who.id, setTimeout(() => stop(who.id), SHOWN));
        set((held) => (held.some((one) => one.id === who.id) ? held : [...held, who]));
      },
      event({ event, actor, data }) {
        const isWritten = event === "comment.created" && "task_id" in data && data.task_id === task_id;
        if (isWritten && actor.kind === "user") stop(actor.id);
      },
    });
    return () => {
      unlisten();
      for (const timer of timers.values()) clearTimeout(timer);
    };
  }, [client, user, task_id]);
  return people;
};

/** What tells others that the person is writing: call it at each key. */
export const useTellsWriting = (task_id: string): (() => void) => {
  const { client } = useSession();
  const last = useRef(0);
  return useCallback(() => {
    if (Date.now() - last.current < TOLD_EVERY || !isOnline(client)) return;
    last.current = Date.now();
    client.call("presence.typing", { task_id }).catch(() => {});
  }, [client, task_id]);
};
