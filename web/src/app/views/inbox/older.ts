// The notifications that are older than those which the replica holds: asked for page by page, and kept as the server has them
// from then on.

import { useEffect, useRef, useState } from "preact/hooks";
import { reason, useActing } from "../../acting.js";
import { useSession } from "../../hooks.js";
import { after, below, type Items } from "./pages.js";

const PAGE = 50;

/** `held` are those of the replica, `truncated` says whether there may be others. */
export const useOlder = (held: Items, truncated: boolean) => {
  const { client } = useSession();
  const { ask } = useActing();
  const [items, set] = useState<Items>([]);
  const [isLoading, setLoading] = useState(false);
  const [failed, setFailed] = useState<string>();
  const [hasMore, setMore] = useState(true);
  const cursor = useRef<string | null>(null);

  useEffect(() => client.listen({ event: (frame) => set((all) => after(all, frame)) }), [client]);

  /** The first pages have what the replica holds: it goes on until there is something else. */
  const more = async (): Promise<void> => {
    setLoading(true);
    setFailed(undefined);
    try {
      for (let found: Items = []; !found.length; ) {
        const page = await ask("notification.list", { limit: PAGE, cursor: cursor.current });
        cursor.current = page.next_cursor;
        found = below([...held, ...items], page.items);
        const added = found;
        set((all) => [...all, ...added.filter(({ id }) => !all.some((item) => item.id === id))]);
        setMore(!!page.next_cursor);
        if (!page.next_cursor) break;
      }
    } catch (error) {
      setFailed(reason(error));
    } finally {
      setLoading(false);
    }
  };
  const shown = items.filter(({ id }) => !held.some((item) => item.id === id));
  return { items: shown, set, more, isLoading, failed, hasMore: truncated && hasMore };
};
