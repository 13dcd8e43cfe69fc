// Pages of notifications: what an event makes of them, and how one follows another. Pure.

import type { EventFrame, Notification } from "../../../sdk/contract.js";

export type Items = readonly Notification[];

/** The items after an event. */
export const after = (items: Items, { event, data }: Pick<EventFrame, "event" | "data">): Items => {
  if (event === "notification.updated" && "type" in data) {
    const { unread: _, ...changed } = data as Notification & { unread: number };
    return items.map((item) => (item.id === changed.id ? changed : item));
  }
  if (event === "notification.deleted") {
    const { id } = data as { id: string };
    return items.filter((item) => item.id !== id);
  }
  if (event === "notification.all_read") {
    const { up_to } = data as { up_to: string };
    return items.map((item) => (item.created_at <= up_to ? { ...item, is_read: true } : item));
  }
  return items;
};

/** Those of a page that are older than what is held. */
export const below = (held: Items, page: Items): Items => {
  const oldest = held.reduce((least, { created_at }) => (created_at < least ? created_at : least), "~");
  const ids = new Set(held.map(({ id }) => id));
  return page.filter(({ id, created_at }) => !ids.has(id) && created_at <= oldest);
};
