// What each event does to the state: a table by the event's name. A new event of the contract needs a row; without one this
// file does not compile.

import type { EventFrame, Events, Notification, NotificationChanged, TaskCounts } from "../contract.js";
import {
  idIn,
  NEWEST,
  newer,
  staged,
  tell,
  withoutRole,
  type Details,
  type State,
  type UserState,
  type WorkspaceState,
} from "./state.js";

type Step<S, D> = (state: S, data: D) => S | undefined;
type Steps<S> = { [K in keyof Events]?: Step<S, Events[K]> };

/** In no snapshot. */
const nothing = <S>(state: S): S => state;

/** The state does not follow from events: it has to be synced. */
const sync = () => undefined;

const task: Step<WorkspaceState, Events["task.created"]> = (state, data) => ({
  ...state,
  tasks: newer(state.tasks, data.id, staged(data)),
});
const project: Step<WorkspaceState, Events["project.created"]> = (state, data) => ({
  ...state,
  projects: newer(state.projects, data.id, data),
});
const tag: Step<WorkspaceState, Events["tag.created"]> = (state, data) => ({
  ...state,
  tags: newer(state.tags, data.id, data),
});
const workspace: Step<WorkspaceState, Events["workspace.updated"]> = (state, data) =>
  data.version < state.workspace.version ? state : { ...state, workspace: withoutRole(data) };
const member: Step<WorkspaceState, Events["member.added"]> = (state, { invite_id: _, ...data }) => ({
  ...state,
  members: newer(state.members, data.user.id, data),
});
const gone =
  <T extends "projects" | "tags">(table: T): Step<WorkspaceState, { id: string }> =>
  (state, { id }) => ({ ...state, [table]: state[table].with(id, undefined) });

/** The list with an entity at its place, or without it. */
const listed = <V extends { id: string }>(list: readonly V[], entity: V, there: boolean): V[] => {
  const others = list.filter(({ id }) => id !== entity.id);
  return there ? [...others, entity].sort((a, b) => (a.id < b.id ? -1 : 1)) : others;
};

/** A comment or an attachment, and what its task counts now: its version does not tell. */
const detail =
  <K extends "comments" | "attachments">(kind: K, there: boolean) =>
  (state: WorkspaceState, { task: counts, ...entity }: Details[K][number] & { task: TaskCounts }): WorkspaceState => {
    const held = state.tasks.get(counts.id);
    const details = state.details.get(counts.id);
    const list = details?.[kind] as Details[K][number][] | undefined;
    return {
      ...state,
      tasks: held ? state.tasks.with(counts.id, { ...held, ...counts }) : state.tasks,
      details: list
        ? state.details.with(counts.id, { ...details!, [kind]: listed(list, entity as unknown as Details[K][number], there) })
        : state.details,
    };
  };

const IN_WORKSPACE = {
  "task.created": task,
  "task.updated": task,
  "task.completed": task,
  "task.reopened": task,
  "task.deleted": task,
  "task.restored": task,
  "task.moved": task,
  "task.purged": (state, { id }) => ({
    ...state,
    tasks: state.tasks.with(id, undefined),
    details: state.details.with(id, undefined),
  }),
  "comment.created": detail("comments", true),
  "comment.updated": detail("comments", true),
  "comment.deleted": detail("comments", false),
  "attachment.created": detail("attachments", true),
  "attachment.deleted": detail("attachments", false),
  "workspace.created": workspace,
  "workspace.updated": workspace,
  "workspace.deleted": nothing,
  "member.added": member,
  "member.updated": member,
  "member.removed": (state, { user_id }) => ({ ...state, members: state.members.with(user_id, undefined) }),
  "project.created": project,
  "project.updated": project,
  "project.deleted": gone("projects"),
  "tag.created": tag,
  "tag.updated": tag,
  "tag.deleted": gone("tags"),
  "invite.created": nothing,
  "invite.revoked": nothing,
  "stream.reset": sync,
} satisfies Steps<WorkspaceState>;

/** A notification, unless it is older than all held ones: there may be others in between. */
const notified: Step<UserState, NotificationChanged> = (state, { unread, ...data }) => {
  let { notifications, truncated } = state;
  const held = notifications.get(data.id);
  // By id, which is the server's order.
  const oldest = () => [...notifications].reduce((a: Notification, b) => (b.id < a.id ? b : a)).id;
  if (held || !truncated || !notifications.size || data.id > oldest()) notifications = newer(notifications, data.id, data);
  if (notifications.size > NEWEST) {
    truncated = true;
    notifications = notifications.with(oldest(), undefined);
  }
  return { ...state, notifications, truncated, unread };
};

const IN_USER = {
  "notification.created": notified,
  "notification.updated": notified,
  "notification.all_read": (state, { up_to, unread }) => ({ ...readAll(state, up_to), unread }),
  "notification.deleted": (state, { id, unread }) => ({
    ...state,
    notifications: state.notifications.with(id, undefined),
    unread,
  }),
  "access.granted": (state, { workspace, role }) => ({
    ...state,
    workspaces: state.workspaces.with(workspace.id, { ...workspace, role }),
  }),
  "access.changed": (state, { workspace_id, role }) => {
    const held = state.workspaces.get(workspace_id);
    return held ? { ...state, workspaces: state.workspaces.with(workspace_id, { ...held, role }) } : state;
  },
  "access.lost": (state, { workspace_id }) => ({
    ...state,
    workspaces: state.workspaces.with(workspace_id, undefined),
  }),
  "invite.received": (state, data) => ({ ...state, invites: state.invites.with(data.id, data) }),
  "invite.revoked": (state, { id }) => ({ ...state, invites: state.invites.with(id, undefined) }),
  "profile.updated": (state, user) => (user.version < state.user.version ? state : { ...state, user }),
  "session.created": nothing,
  "session.revoked": nothing,
  "api_token.created": nothing,
  "api_token.revoked": nothing,
  "calendar.created": nothing,
  "calendar.revoked": nothing,
  "stream.reset": sync,
} satisfies Steps<UserState>;

type None<T extends never> = T;
/** No event of the contract is forgotten. */
export type Unhandled = None<Exclude<keyof Events, keyof typeof IN_WORKSPACE | keyof typeof IN_USER>>;

/** All notifications up to a moment are read. */
export const readAll = (state: UserState, up_to: string): UserState => {
  let { notifications } = state;
  for (const held of notifications)
    if (!held.is_read && held.created_at <= up_to)
      notifications = notifications.with(held.id, { ...held, is_read: true, version: held.version + 1 });
  return { ...state, notifications };
};

/**
 * The part of a stream after an event; `undefined` when it has to be synced. An event that is in the state already changes
 * nothing, and so do one of a newer server and one whose task was purged.
 */
const step = <S extends { seq: number }>(steps: Steps<S>, state: S, { seq, event, data }: EventFrame): S | undefined => {
  if (seq <= state.seq) return state;
  if (seq > state.seq + 1) return undefined;
  const known = "purged" in data ? undefined : (steps as Record<string, Step<S, unknown>>)[event];
  const next = known ? known(state, data) : state;
  return next && { ...next, seq };
};

/** A workspace after an event of its stream; `undefined` when it has to be synced. */
export const foldWorkspace = (state: WorkspaceState, frame: EventFrame): WorkspaceState | undefined =>
  step(IN_WORKSPACE, state, frame);

/** The state after an event; `undefined` when the event's stream has to be synced. */
export const fold = (state: State, frame: EventFrame): State | undefined => {
  const id = idIn(frame.stream);
  if (frame.stream.startsWith("user:")) {
    const user = state.user?.user.id === id ? step(IN_USER, state.user, frame) : undefined;
    if (!user || user === state.user) return user && state;
    const lost = frame.event === "access.lost" ? frame.data.workspace_id : "";
    return { ...state, user, workspaces: state.workspaces.with(lost, undefined) };
  }
  const held = state.workspaces.get(id);
  const next = held && foldWorkspace(held, frame);
  if (!next || next === held) return next && state;
  const user = state.user && next.workspace !== held.workspace ? tell(state.user, next.workspace) : state.user;
  return { ...state, user, workspaces: state.workspaces.with(id, frame.event === "workspace.deleted" ? undefined : next) };
};
