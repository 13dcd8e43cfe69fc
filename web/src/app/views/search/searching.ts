// What a search finds: asked of the server as one types, or of what the browser holds while it is offline. Answers that are late
// are dropped. Follows what others change.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { FoundTask, Status } from "../../../sdk/contract.js";
import { reason, useActing } from "../../acting.js";
import { useSession } from "../../hooks.js";
import { useOffline } from "../../parts/offline.js";
import { searchIn } from "./marks.js";

export interface Question {
  text: string;
  workspace: string | undefined;
  status: Status | undefined;
}

export interface Found {
  items: readonly FoundTask[];
  next: string | null;
  /** What was asked. */
  text: string;
  offline: boolean;
}

const PAGE = 30;
const MOST_OFFLINE = 100;
/** Changes by others are followed at most this often. */
const AGAIN_AFTER = 1_500;

const isAbout = (event: string): boolean => event.startsWith("task.") || event.startsWith("comment.");

export const useSearching = ({ text, workspace, status }: Question) => {
  const { client, store } = useSession();
  const { ask } = useActing();
  const offline = useOffline();
  const [found, set] = useState<Found>();
  const [failed, setFailed] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const asking = useRef<AbortController | undefined>(undefined);
  const pages = useRef(1);

  const local = () => {
    const spaces = [...store.state.workspaces].filter((space) => !workspace || space.workspace.id === workspace);
    const items = searchIn(spaces.flatMap((space) => [...space.tasks]), text, status, MOST_OFFLINE);
    set({ items, next: null, text, offline: true });
  };

  /** Asks for the first page, or for one behind what was found. */
  const search = async (behind?: Found): Promise<void> => {
    asking.current?.abort();
    const mine = (asking.current = new AbortController());
    setFailed(undefined);
    if (!text) return set(undefined), setBusy(false);
    if (offline) return local(), setBusy(false);
    setBusy(true);
    try {
      const question = { q: text, limit: PAGE, workspace_id: workspace ?? null, status: status ?? null, cursor: behind?.next ?? null };
      const page = await ask("task.search", question, { signal: mine.signal });
      if (asking.current !== mine) return;
      pages.current = behind ? pages.current + 1 : 1;
      set({ items: [...(behind?.items ?? []), ...page.items], next: page.next_cursor, text, offline: false });
    } catch (error) {
      if (asking.current === mine) setFailed(reason(error));
    } finally {
      if (asking.current === mine) setBusy(false);
    }
  };
  const current = useRef(search);
  current.current = search;

  useEffect(() => void current.current(), [text, workspace, status, offline]);
  useEffect(() => () => asking.current?.abort(), []);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = () => {
      timer = undefined;
      if (pages.current === 1) void current.current();
    };
    const end = client.listen({ event: ({ event }) => void (isAbout(event) && (timer ??= setTimeout(again, AGAIN_AFTER))) });
    return () => (end(), clearTimeout(timer));
  }, [client]);

  const retry = useCallback(() => void current.current(), []);
  const more = useCallback(() => void (found && current.current(found)), [found]);
  return { found, failed, isBusy, retry, more };
};
