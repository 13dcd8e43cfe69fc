// What each event does to the state: a table by the event's name. A new event of the contract needs a row, or a name
// among those that are ignored; without one this file does not compile.

import type { Comment, EventFrame, Events, NotificationChanged, Task, TaskCounts, Workspace } from "../contract.js";
import {
  idIn,
  idOf,
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
import type { Table } from "./table.js";

type Step<S, D> = (state: S, data: D) => S | undefined;
type Steps<S> = { [K in keyof Events]?: Step<S, Events[K]> };

/** They change nothing that is in a snapshot. */
type Ignored =
  | "workspace.deleted"
  | "invite.created"
  | `${"session" | "api_token" | "calendar"}.${"created" | "revoked"}`;

/** The state does not follow from events: it has to be synced. */
const sync = () => undefined;

type Entity<K extends keyof WorkspaceState> = WorkspaceState[K] extends Table<infer V> ? V : never;
type Removed = { id?: string; user_id?: string; workspace_id?: string };

/** Puts an entity into a table, unless a newer version of it is there. */
const put =
  <K extends "tasks" | "projects" | "tags" | "members">(table: K): Step<WorkspaceState, Entity<K>> =>
  (state, data) => {
    const { invite_id: _, ...entity } = data as unknown as Task & { invite_id?: string };
    return {
      ...state,
      [table]: newer(state[table] as Table<Task>, idOf(entity), table === "tasks" ? staged(entity) : entity),
    };
  };

/** Takes an entity out of tables. */
const take =
  <S>(...tables: (keyof S)[]): Step<S, Removed> =>
  (state, { id, user_id, workspace_id }) =>
    tables.reduce(
      (state, table) => ({
        ...state,
        [table]: (state[table] as Table<unknown>).with((user_id ?? workspace_id ?? id)!, undefined),
      }),
      state,
    );

const workspace: Step<WorkspaceState, Workspace> = (state, data) =>
  data.version < state.workspace.version ? state : { ...state, workspace: withoutRole(data) };

/** A comment or an attachment, and what its task counts now: its version does not tell. */
const detail =
  <K extends "comments" | "attachments">(
    list: K,
    there: boolean,
  ): Step<WorkspaceState, Details[K][number] & { task: TaskCounts }> =>
  (state, data) => {
    const { task, ...entity } = data as Comment & { task: TaskCounts };
    const held = state.tasks.get(task.id);
    const details = state.details.get(task.id);
    const others = (details?.[list] as Comment[] | undefined)?.filter(({ id }) => id !== entity.id) ?? [];
    const listed = there ? [...others, entity].sort((a, b) => (a.id < b.id ? -1 : 1)) : others;
    return {
      ...state,
      tasks: held ? state.tasks.with(task.id, { ...held, ...task }) : state.tasks,
      details: details ? state.details.with(task.id, { ...details, [list]: listed }) : state.details,
    };
  };

const task = put("tasks");
const project = put("projects");
const tag = put("tags");
const member = put("members");
const comment = detail("comments", true);

const IN_WORKSPACE = {
  "task.created": task,
  "task.updated": task,
  "task.completed": task,
  "task.reopened": task,
  "task.deleted": task,
  "task.restored": task,
  "task.moved": task,
  "task.purged": take("tasks", "details"),
  "comment.created": comment,
  "comment.updated": comment,
  "comment.deleted": detail("comments", false),
  "attachment.created": detail("attachments", true),
  "attachment.deleted": detail("attachments", false),
  "workspace.created": workspace,
  "workspace.updated": workspace,
  "member.added": member,
  "member.updated": member,
  "member.removed": take("members"),
  "project.created": project,
  "project.updated": project,
  "project.deleted": take("projects"),
  "tag.created": tag,
  "tag.updated": tag,
  "tag.deleted": take("tags"),
  "stream.reset": sync,
} satisfies Steps<WorkspaceState>;

/** A notification, unless it is older than all held ones: there may be others in between. */
const notified: Step<UserState, NotificationChanged> = (state, { unread: _, ...data }) => {
  let { notifications, truncated } = state;
  // By id, which is the server's order.
  const oldest = () => [...notifications].map(({ id }) => id).sort()[0] ?? "";
  if (notifications.get(data.id) || !truncated || data.id > oldest())
    notifications = newer(notifications, data.id, data);
  if (notifications.size > NEWEST) {
    truncated = true;
    notifications = notifications.with(oldest(), undefined);
  }
  return { ...state, notifications, truncated };
};

const IN_USER = {
  "notification.created": notified,
  "notification.updated": notified,
  "notification.all_read": (state, { up_to }) => readAll(state, up_to),
  "notification.deleted": take("notifications"),
  "access.granted": (state, { workspace, role }) => ({
    ...state,
    workspaces: state.workspaces.with(workspace.id, { ...workspace, role }),
  }),
  "access.changed": (state, { workspace_id, role }) => {
    const held = state.workspaces.get(workspace_id);
    return { ...state, workspaces: state.workspaces.with(workspace_id, held && { ...held, role }) };
  },
  "access.lost": take("workspaces"),
  "invite.received": (state, data) => ({ ...state, invites: state.invites.with(data.id, data) }),
  "invite.revoked": take("invites"),
  "profile.updated": (state, user) => (user.version < state.user.version ? state : { ...state, user }),
  "stream.reset": sync,
} satisfies Steps<UserState>;

type None<T extends never> = T;
/** No event of the contract is forgotten. */
export type Unhandled = None<Exclude<keyof Events, keyof typeof IN_WORKSPACE | keyof typeof IN_USER | Ignored>>;

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
const step = <S extends { seq: number }>(
  steps: Steps<S>,
  state: S,
  { seq, event, data }: EventFrame,
): S | undefined => {
  if (seq <= state.seq) return state;
  if (seq > state.seq + 1) return undefined;
  const known = "purged" in data ? undefined : (steps as Record<string, Step<S, unknown>>)[event];
  const next = known ? known(state, data) : state;
  return next && ({ ...next, seq, ...("unread" in data && { unread: data.unread }) } as S);
};

/** The state after an event; `undefined` when the event's stream has to be synced. */
export const fold = (state: State, frame: EventFrame): State | undefined => {
  const id = idIn(frame.stream);
  if (frame.stream.startsWith("user:")) {
    const user = state.user?.user.id === id ? step<UserState>(IN_USER, state.user, frame) : undefined;
    if (!user || user === state.user) return user && state;
    const lost = frame.event === "access.lost" ? frame.data.workspace_id : "";
    return { ...state, user, workspaces: state.workspaces.with(lost, undefined) };
  }
  const held = state.workspaces.get(id);
  const next = held && step<WorkspaceState>(IN_WORKSPACE, held, frame);
  if (!next || next === held) return next && state;
  const user = state.user && next.workspace !== held.workspace ? tell(state.user, next.workspace) : state.user;
  return {
    ...state,
    user,
    workspaces: state.workspaces.with(id, frame.event === "workspace.deleted" ? undefined : next),
  };
};
