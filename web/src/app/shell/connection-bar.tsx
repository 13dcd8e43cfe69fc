// Says what is not yet as it looks: offline and since when, how many changes wait, which were refused. Nothing when all is well.

import { useEffect, useState } from "preact/hooks";
import { useSession, useView } from "../hooks.js";
import { Icon } from "../parts/icons.js";
import { T } from "../texts.js";
import { clockTime } from "../time.js";
import { overlay } from "./shortcuts.js";

/** A connection that comes back sooner is not worth a word. */
const PATIENCE = 1_500;

/** Since when the connection is gone; nothing while it is there, or only just gone. */
const useGone = (): number | undefined => {
  const online = useView((view) => view.connection?.kind === "online");
  const [gone, set] = useState<number>();
  useEffect(() => {
    if (online) return set(undefined);
    const since = Date.now();
    const timer = setTimeout(() => set(since), PATIENCE);
    return () => clearTimeout(timer);
  }, [online]);
  return gone;
};

export const ConnectionBar = () => {
  const { client } = useSession();
  const gone = useGone();
  const waiting = useView((view) => view.operations.filter(({ phase }) => phase !== "refused" && phase !== "saved").length);
  const refused = useView((view) => view.operations.filter(({ phase }) => phase === "refused").length);
  const durable = useView((view) => view.durable);
  if (gone === undefined && !refused) return <div class="bar-place" role="status" />;
  return (
    <div class="bar-place" role="status">
      <div class={`connection-bar${refused ? " bad" : ""}`}>
        {gone !== undefined && (
          <>
            <Icon name="offline" size={16} />
            <span>{T.connection.offlineSince(clockTime(gone))}</span>
            {waiting > 0 && <span>{T.connection.waiting(waiting)}</span>}
            {waiting > 0 && !durable && <span>{T.connection.notDurable}</span>}
            <button type="button" onClick={() => client.reconnectNow()}>
              {T.connection.reconnect}
            </button>
          </>
        )}
        {refused > 0 && (
          <>
            <span>{T.connection.refused(refused)}</span>
            <button type="button" onClick={() => (overlay.value = "changes")}>
              {T.connection.review}
            </button>
          </>
        )}
      </div>
    </div>
  );
};
