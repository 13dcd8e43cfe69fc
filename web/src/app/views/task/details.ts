// Comments and files of the open task: loaded when it is opened, and again when a snapshot took them away. Events keep them.

import { useEffect, useState } from "preact/hooks";
import type { Details } from "../../../sdk/index.js";
import { reason } from "../../acting.js";
import { useSession, useView } from "../../hooks.js";
import { useOpen } from "./context.js";

export interface Loading {
  /** What is there; nothing before it was loaded the first time. */
  readonly details: Details | undefined;
  readonly online: boolean;
  /** Why it could not be loaded. */
  readonly failed: string | undefined;
  again(): void;
}

export const useDetails = (): Loading => {
  const { store } = useSession();
  const {
    task: { id, workspace_id, version },
  } = useOpen();
  const details = useView((view) => view.workspaces.get(workspace_id)?.details.get(id));
  const online = useView((view) => view.connection?.kind === "online");
  const [failed, fail] = useState<string>();
  const [loads, loaded] = useState(0);
  const isThere = !!details?.complete;
  // The server does not know a task that was made just now.
  const isKnown = version > 0;
  useEffect(() => {
    if (isThere || !online || failed || !isKnown) return;
    let isCurrent = true;
    store.load(id).then(
      // A snapshot that came meanwhile took them away again.
      () => isCurrent && loaded((n) => n + 1),
      (error: unknown) => isCurrent && fail(reason(error)),
    );
    return () => void (isCurrent = false);
  }, [store, id, isThere, online, failed, isKnown, loads]);
  return { details, online, failed, again: () => fail(undefined) };
};
