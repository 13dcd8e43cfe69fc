// What belongs to one task and is in no snapshot: comments and attachments. They are listed when a program shows the task; from
// then on events keep them up to date.

import type { Attachment, AttachmentPage, Comment, CommentPage } from "../contract.js";
import type { Link } from "../link.js";
import { withWorkspace, type Details, type State } from "./state.js";

/** Where details are put: a store. */
export interface Detailed {
  /** The server's state; what the function makes of it takes its place. */
  server(change?: (state: State) => State): State;
}

/** A list that is asked for again when a deletion crossed it. */
const TRIES = 3;

const all = async <T>(link: Link, name: "comment.list" | "attachment.list", task_id: string): Promise<T[]> => {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const { data }: { data: CommentPage | AttachmentPage } = await link.call(name, { task_id, limit: 100, cursor });
    items.push(...(data.items as unknown[] as T[]));
    cursor = data.next_cursor;
  } while (cursor !== null);
  return items;
};

/** What was listed, and what events brought meanwhile: the newer one of each. */
const joined = <T extends { id: string }>(listed: readonly T[], held: readonly T[]): T[] => {
  const version = (one: T) => ("version" in one ? (one.version as number) : 0);
  const both = new Map(listed.map((one) => [one.id, one]));
  for (const one of held) if (version(one) >= version(both.get(one.id) ?? one)) both.set(one.id, one);
  return [...both.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
};

/**
 * Loads comments and attachments of a task into `details` of its workspace. They are kept up to date until the workspace is
 * synced again: load them when they are not there.
 */
export const load = async (store: Detailed, link: Link, task: string): Promise<void> => {
  const put = (make: (held: Details) => Details) =>
    store.server((state) => {
      const space = [...state.workspaces].find(({ tasks }) => tasks.get(task));
      if (!space) return state;
      const details = make(space.details.get(task) ?? { id: task, comments: [], attachments: [], complete: false });
      return withWorkspace(state, space.workspace.id, { ...space, details: space.details.with(task, details) });
    });
  const counted = () => [...store.server().workspaces].find(({ tasks }) => tasks.get(task))?.tasks.get(task);
  for (let left = TRIES; left; left--) {
    // Events find it from now on.
    put((held) => held);
    const comments = await all<Comment>(link, "comment.list", task);
    const attachments = await all<Attachment>(link, "attachment.list", task);
    let isWhole = true;
    put((held) => {
      const next = {
        ...held,
        comments: joined(comments, held.comments),
        attachments: joined(attachments, held.attachments),
      };
      const { comment_count, attachment_count } = counted()!;
      isWhole = next.comments.length === comment_count && next.attachments.length === attachment_count;
      return isWhole || left === 1 ? { ...next, complete: true } : { ...held, comments: [], attachments: [] };
    });
    if (isWhole) return;
  }
};
