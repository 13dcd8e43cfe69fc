// One notification: what happened, who did it, and what can be done with it.

import type { Notification, NotificationType } from "../../../sdk/contract.js";
import { Avatar } from "../../parts/avatar.js";
import { Icon, type IconName } from "../../parts/icons.js";
import { href } from "../../places.js";
import { T } from "../../texts.js";
import { ago, fullTime } from "../../time.js";

const ICONS: Partial<Record<NotificationType, IconName>> = {
  TASK_ASSIGNED: "user",
  TASK_REMINDER: "bell",
  TASK_DUE: "today",
  TASK_OVERDUE: "today",
  TASK_COMPLETED: "check",
  TASK_DELETED: "trash",
  TASK_CREATED: "plus",
  TASK_UPDATED: "edit",
  COMMENT_ADDED: "comment",
  MENTION: "comment",
  MEMBER_ADDED: "members",
  INVITE: "members",
};

/** Where a notification leads. */
const target = ({ task_id, workspace_id }: Notification): string | undefined => {
  if (task_id) return href({ scene: { at: "inbox" }, task: task_id });
  if (!workspace_id) return undefined;
  return href({ scene: { at: "workspace", workspace: workspace_id, project: undefined, layout: "board" } });
};

interface Props {
  item: Notification;
  now: number;
  mark(item: Notification, is_read: boolean): void;
  remove(item: Notification): void;
}

export const Entry = ({ item, now, mark, remove }: Props) => {
  const { title, message, is_read, actor, type, created_at, id } = item;
  const to = target(item);
  const moment = Date.parse(created_at);
  // The message says it all; the title only of what kind it is.
  const what = message || title;
  const name = (
    <>
      {!is_read && <span class="sr-only">{T.lists.unread}: </span>}
      {what}
    </>
  );
  return (
    <li class={`notice${is_read ? "" : " unread"}`} data-key={id}>
      <span class="notice-who">
        {actor ? <Avatar user={actor} size={32} /> : <Icon name={ICONS[type] ?? "bell"} size={20} />}
        {actor && ICONS[type] && (
          <span class="notice-kind">
            <Icon name={ICONS[type]} size={12} />
          </span>
        )}
      </span>
      <div class="notice-text">
        {to ? (
          <a class="notice-title" href={to} onClick={() => !is_read && mark(item, true)}>
            {name}
          </a>
        ) : (
          <span class="notice-title">{name}</span>
        )}
        <p class="notice-about">
          {what !== title && <span>{title}</span>}
          <time dateTime={created_at} title={fullTime(moment)}>
            {ago(moment, now)}
          </time>
        </p>
      </div>
      <span class="notice-acts">
        <button
          type="button"
          class="quiet icon-button"
          aria-label={(is_read ? T.lists.markUnread : T.lists.markRead)(what)}
          title={(is_read ? T.lists.markUnread : T.lists.markRead)(what)}
          onClick={() => mark(item, !is_read)}
        >
          {is_read ? <Icon name="inbox" /> : <Icon name="check" />}
        </button>
        <button
          type="button"
          class="quiet icon-button"
          aria-label={T.lists.deleteOne(what)}
          title={T.lists.deleteOne(what)}
          onClick={() => remove(item)}
        >
          <Icon name="trash" />
        </button>
      </span>
    </li>
  );
};
