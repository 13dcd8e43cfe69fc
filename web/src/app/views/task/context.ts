// What all parts of the panel know: the task that is open, what the person may do to it, and who changed it last. Owns nothing.

import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import type { EventFrame, Task } from "../../../sdk/contract.js";
import { useSession } from "../../hooks.js";

export interface Open {
  readonly task: Task;
  /** Whether the person may change it: it is not deleted, and they are no viewer. */
  readonly may: boolean;
  /** Who else changed it last, while it is open. */
  readonly changedBy: string | undefined;
}

export const OpenTask = createContext<Open | undefined>(undefined);

export const useOpen = (): Open => {
  const open = useContext(OpenTask);
  if (!open) throw new Error("used outside of a task's panel");
  return open;
};

/** Whether an event is about a task, what is written on it, or a file of it. */
export const isAbout = ({ data }: EventFrame, task: string): boolean =>
  ("id" in data && data.id === task) || ("task_id" in data && data.task_id === task);

/** The name of the person who changed a task last, other than the one who looks at it. */
export const useChangedBy = (task: string): string | undefined => {
  const { client, user } = useSession();
  const [name, set] = useState<string>();
  useEffect(
    () =>
      client.listen({
        event(frame) {
          const { actor } = frame;
          if (actor.kind === "user" && actor.id !== user && isAbout(frame, task)) set(actor.name);
        },
      }),
    [client, user, task],
  );
  return name;
};
