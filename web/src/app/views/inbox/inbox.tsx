// The inbox: notifications, newest first, by day. The newest are in the replica and work offline; older ones are asked for.

import { useMemo } from "preact/hooks";
import type { Notification } from "../../../sdk/contract.js";
import { useActing } from "../../acting.js";
import { useNow, useView } from "../../hooks.js";
import { Icon } from "../../parts/icons.js";
import { useOffline } from "../../parts/offline.js";
import { T } from "../../texts.js";
import { dateOf, dayName } from "../../time.js";
import { Entry } from "./entry.js";
import { useOlder } from "./older.js";

const newestFirst = (a: Notification, b: Notification): number =>
  a.created_at === b.created_at ? (a.id < b.id ? 1 : -1) : a.created_at < b.created_at ? 1 : -1;

const byDay = (items: readonly Notification[]): [string, Notification[]][] => {
  const days = new Map<string, Notification[]>();
  for (const item of items) {
    const day = dateOf(Date.parse(item.created_at));
    const held = days.get(day);
    if (held) held.push(item);
    else days.set(day, [item]);
  }
  return [...days];
};

const Empty = () => (
  <div class="empty friendly">
    <Icon name="inbox" size={48} />
    <h2>{T.lists.inboxZero}</h2>
    <p>{T.lists.inboxZeroHint}</p>
  </div>
);

const Older = ({ older }: { older: ReturnType<typeof useOlder> }) => {
  const offline = useOffline();
  if (!older.hasMore) return null;
  return (
    <div class="more">
      {older.failed && <p role="alert">{T.lists.olderFailed(older.failed)}</p>}
      {offline && <p class="quiet-text">{T.lists.olderOffline}</p>}
      <button type="button" disabled={offline} aria-busy={older.isLoading} onClick={() => older.isLoading || void older.more()}>
        {older.isLoading ? T.loading : older.failed ? T.retry : T.lists.older}
      </button>
    </div>
  );
};

export default function Inbox() {
  const now = useNow();
  const { act } = useActing();
  const table = useView((view) => view.user?.notifications);
  const unread = useView((view) => view.user?.unread ?? 0);
  const truncated = useView((view) => view.user?.truncated ?? false);
  const held = useMemo(() => [...(table ?? [])].sort(newestFirst), [table]);
  const older = useOlder(held, truncated);
  const days = useMemo(() => byDay([...held, ...older.items]), [held, older.items]);

  /** What is not in the replica is shown as it will be, and as it was when it is refused. */
  const change = (item: Notification, next: Notification | undefined, done: Promise<unknown>) => {
    older.set((all) => all.flatMap((one) => (one.id === item.id ? (next ?? []) : one)));
    if (older.items.includes(item)) done.catch(() => older.set((all) => [...all.filter(({ id }) => id !== item.id), item].sort(newestFirst)));
  };
  const mark = (item: Notification, is_read: boolean) =>
    change(item, { ...item, is_read }, act("notification.mark", { id: item.id, is_read }).done);
  const remove = (item: Notification) => change(item, undefined, act("notification.delete", { id: item.id }).done);
  return (
    <div class="view inbox">
      <header class="view-head">
        <h1>{T.places.inbox}</h1>
        {unread > 0 && <p class="quiet-text">{T.frame.unread(unread)}</p>}
        <button type="button" disabled={!unread} onClick={() => act("notification.mark_all_read", {})}>
          <Icon name="check" />
          {T.lists.markAllRead}
        </button>
      </header>
      {!table && <p class="quiet-text loading">{T.loading}</p>}
      {table && !days.length && <Empty />}
      {days.map(([day, items]) => (
        <section class="task-group" key={day}>
          <header class="group-head">
            <h2>{dayName(day, now)}</h2>
          </header>
          <ul class="notices" aria-label={dayName(day, now)}>
            {items.map((item) => (
              <Entry key={item.id} item={item} now={now} mark={mark} remove={remove} />
            ))}
          </ul>
        </section>
      ))}
      <Older older={older} />
    </div>
  );
}
