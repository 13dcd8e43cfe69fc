// Says what is not yet as it looks: offline and since when, how many changes wait, which were refused. Nothing when all is well. The
// time from which on it is offline lasts over reloads.

import { useEffect, useState } from "preact/hooks";
import { useNow, useSession, useView } from "../hooks.js";
import { Icon } from "../parts/icons.js";
import { T } from "../texts.js";
import { clockTime, dateOf, fullTime } from "../time.js";
import { overlay } from "./shortcuts.js";

/** A connection that comes back sooner, or a change that is saved sooner, is not worth a word. */
const PATIENCE = 1_500;
const GONE_SINCE = "taskwire.gone-since";

/** Since when this tab is offline, also before it was loaded again. */
const since = {
  get(): number {
    try {
      const kept = Number(sessionStorage.getItem(GONE_SINCE));
      if (kept > 0 && kept <= Date.now()) return kept;
      sessionStorage.setItem(GONE_SINCE, String(Date.now()));
    } catch {
      // A browser that keeps nothing: it counts from now.
    }
    return Date.now();
  },
  clear(): void {
    try {
      sessionStorage.removeItem(GONE_SINCE);
    } catch {
      // Nothing was kept.
    }
  },
};

/** The value, once it has been true for a moment. */
const useLasting = (is: boolean): boolean => {
  const [lasts, set] = useState(false);
  useEffect(() => {
    set(false);
    if (!is) return;
    const timer = setTimeout(() => set(true), PATIENCE);
    return () => clearTimeout(timer);
  }, [is]);
  return is && lasts;
};

/** Since when the connection is gone; nothing while it is there, or only just gone. */
const useGone = (): number | undefined => {
  const kind = useView((view) => view.connection?.kind);
  const [gone, set] = useState<number>();
  useEffect(() => {
    if (kind === "online") {
      since.clear();
      set(undefined);
    } else set((held) => held ?? since.get());
  }, [kind === "online"]);
  const lasts = useLasting(kind !== "online");
  return lasts ? gone : undefined;
};

const moment = (at: number, now: number): string => (dateOf(at) === dateOf(now) ? clockTime(at) : fullTime(at));

const Show = () => (
  <button type="button" onClick={() => (overlay.value = "changes")}>
    {T.connection.review}
  </button>
);

const Offline = ({ gone, waiting }: { gone: number; waiting: number }) => {
  const { client } = useSession();
  const now = useNow();
  const durable = useView((view) => view.durable);
  return (
    <>
      <Icon name="offline" size={16} />
      <span>{T.connection.offlineSince(moment(gone, now))}</span>
      {waiting > 0 && <span>{T.connection.waiting(waiting)}</span>}
      {waiting > 0 && !durable && <span>{T.connection.notDurable}</span>}
      <button type="button" onClick={() => client.reconnectNow()}>
        {T.connection.reconnect}
      </button>
    </>
  );
};

export const ConnectionBar = () => {
  const gone = useGone();
  const waiting = useView((view) => view.operations.filter(({ phase }) => phase !== "refused" && phase !== "saved").length);
  const refused = useView((view) => view.operations.filter(({ phase }) => phase === "refused").length);
  const isSlow = useLasting(waiting > 0) && gone === undefined;
  const isShown = gone !== undefined || refused > 0 || isSlow;
  return (
    <div class="bar-place" role="status">
      {isShown && (
        <div class={`connection-bar${refused ? " bad" : ""}`}>
          {gone !== undefined && <Offline gone={gone} waiting={waiting} />}
          {isSlow && <span>{T.connection.saving(waiting)}</span>}
          {refused > 0 && <span>{T.connection.refused(refused)}</span>}
          {refused + waiting > 0 && <Show />}
        </div>
      )}
    </div>
  );
};
