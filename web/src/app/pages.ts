// Lists that no replica has, page by page from the server: loaded, loaded anew when something changed, failed and tried again. Knows
// no operation.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { reason } from "./acting.js";

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
  total?: number;
}

export interface Pages<T> {
  items: readonly T[] | undefined;
  total: number | undefined;
  /** Why the last load failed. */
  failed: string | undefined;
  loading: boolean;
  /** Loads the next page; `undefined` on the last one. */
  more: (() => void) | undefined;
  /** Loads anew: as many pages as are shown. What is shown stays until then. */
  reload: () => void;
}

interface Held<T> {
  items: T[];
  cursor: string | null;
  total: number | undefined;
}

/** Loads pages; another `key` begins anew. */
export const usePages = <T>(load: (cursor: string | null) => Promise<Page<T>>, key: string): Pages<T> => {
  const [held, setHeld] = useState<Held<T>>();
  const [failed, fail] = useState<string>();
  const [loading, setLoading] = useState(true);
  const run = useRef(0);
  const current = useRef({ load, held });
  current.current = { load, held };

  /** Loads pages until there are so many items. */
  const fetchPages = useCallback(async (from: Held<T> | undefined, wanted: number) => {
    const mine = ++run.current;
    setLoading(true);
    try {
      let made = from;
      do {
        const page: Page<T> = await current.current.load(made?.cursor ?? null);
        made = { items: [...(made?.items ?? []), ...page.items], cursor: page.next_cursor, total: page.total ?? made?.total };
      } while (made.cursor && made.items.length < wanted);
      if (mine !== run.current) return;
      setHeld(made);
      fail(undefined);
    } catch (error) {
      if (mine === run.current) fail(reason(error));
    }
    if (mine === run.current) setLoading(false);
  }, []);

  const reload = useCallback(() => void fetchPages(undefined, current.current.held?.items.length ?? 1), [fetchPages]);
  const more = useCallback(() => {
    const { held } = current.current;
    if (held?.cursor) void fetchPages(held, held.items.length + 1);
  }, [fetchPages]);

  useEffect(() => {
    void fetchPages(undefined, 1);
    return () => void run.current++;
  }, [key, fetchPages]);

  return { items: held?.items, total: held?.total, failed, loading, more: held?.cursor ? more : undefined, reload };
};
