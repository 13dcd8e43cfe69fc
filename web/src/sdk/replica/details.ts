// What belongs to one task and is in no snapshot: comments and attachments. They are listed once; events keep them up to date.

import type { Attachment, Comment, EventFrame } from "../contract.js";
import type { Link } from "../link.js";
import { foldWorkspace } from "./fold.js";
import { withWorkspace, type State } from "./state.js";

/** All items of a list. */
const all = async <T>(page: (cursor: string | null) => Promise<{ items: T[]; next_cursor: string | null }>): Promise<T[]> => {
  const items: T[] = [];
  for (let cursor: string | null = null, more = true; more; more = cursor !== null) {
    const answer: { items: T[]; next_cursor: string | null } = await page(cursor);
    items.push(...answer.items);
    cursor = answer.next_cursor;
  }
  return items;
};

export const details = (link: () => Link, read: () => State, write: (state: State) => void) => {
  /** The events that come while a task's lists are on their way. */
  const kept = new Map<string, EventFrame[]>();

  const load = async (task: string): Promise<void> => {
    const events: EventFrame[] = [];
    kept.set(task, events);
    const list = <T>(name: "comment.list" | "attachment.list") =>
      all<T>(async (cursor) => (await link().call(name, { task_id: task, limit: 100, cursor })).data as never);
    try {
      const comments = await list<Comment>("comment.list");
      const attachments = await list<Attachment>("attachment.list");
      const held = [...read().workspaces].find(({ tasks }) => tasks.get(task));
      if (!held || kept.get(task) !== events) return;
      const loaded = { ...held, details: held.details.with(task, { id: task, comments, attachments }) };
      // Each of them is applied to what may have it already, or not yet.
      const next = events.reduce((state, frame) => foldWorkspace({ ...state, seq: frame.seq - 1 }, frame) ?? state, loaded);
      write(withWorkspace(read(), held.workspace.id, { ...next, seq: held.seq }));
    } finally {
      if (kept.get(task) === events) kept.delete(task);
    }
  };

  const event = (frame: EventFrame) => {
    if (kept.size && /^(comment|attachment)\./.test(frame.event) && "task" in frame.data)
      kept.get((frame.data.task as { id: string }).id)?.push(frame);
  };

  return { load, event };
};
