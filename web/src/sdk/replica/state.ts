// What a user may read, as pure data: snapshot + events = state. Each part says at which `seq` of its stream it is.
// Does not know how snapshots and events come.

import type {
  Attachment,
  Comment,
  Invite,
  Member,
  Notification,
  Project,
  SnapshotOpening,
  Tag,
  Task,
  User,
  UserSnapshot,
  Workspace,
  WorkspaceSnapshot,
} from "../contract.js";
import { Table } from "./table.js";

/** What belongs to one task and is in no snapshot. It is kept up to date from when it is loaded. */
export interface Details {
  /** The task. */
  id: string;
  /** Oldest first. */
  comments: readonly Comment[];
  attachments: readonly Attachment[];
  /** False while they are on their way. */
  complete: boolean;
}

/** A workspace as all its members see it. */
export interface WorkspaceState {
  /** The `seq` of the last event. */
  seq: number;
  /** The workspace, without the user's role: that is in {@link UserState.workspaces}. */
  workspace: Workspace;
  members: Table<Member>;
  projects: Table<Project>;
  tags: Table<Tag>;
  /** Deleted ones included, but see `open_only`. */
  tasks: Table<Task>;
  /** By task; only of tasks for which they were loaded. */
  details: Table<Details>;
  /** False while pages of the snapshot are missing. */
  complete: boolean;
  /** Whether tasks are missing that were completed or deleted at the time of the snapshot. */
  open_only: boolean;
}

/** The user's own state. */
export interface UserState {
  /** The `seq` of the last event. */
  seq: number;
  user: User;
  /** With the user's role in each. */
  workspaces: Table<Workspace>;
  /** Invitations without an answer. */
  invites: Table<Invite>;
  /** The newest 100. */
  notifications: Table<Notification>;
  /** How many notifications are unread, of all. */
  unread: number;
  /** Whether there may be older notifications than the held ones. */
  truncated: boolean;
}

/** Everything that a user may read, as far as it is synced. */
export interface State {
  /** In which epoch of the server; empty before the first `welcome`. */
  epoch: string;
  user: UserState | undefined;
  workspaces: Table<WorkspaceState>;
}

export const EMPTY: State = { epoch: "", user: undefined, workspaces: new Table() };

/** The `seq` of what is from another epoch: it is shown until it is synced. */
export const OTHER = -1;

/** As many notifications as a snapshot has. */
export const NEWEST = 100;

/** The id of an entity; a member has that of its user. */
export const idOf = (entity: { id: string } | { user: { id: string } }): string =>
  "id" in entity ? entity.id : entity.user.id;

/** The stream's id without its kind. */
export const idIn = (stream: string): string => stream.slice(stream.indexOf(":") + 1);

export const streamOf = (workspace: string): string => `workspace:${workspace}`;

/** A task in a stage. What a server of an older version sent has none: it is in the standard one. */
export const staged = (task: Task): Task => (task.stage ? task : { ...task, stage: task.completed ? "done" : "todo" });

/** A workspace without a role: the workspace's own stream does not tell of changes of it. */
export const withoutRole = ({ role: _, ...workspace }: Workspace): Workspace => workspace;

/** The table with this entity, unless it has a newer version. */
export const newer = <V extends { version: number }>(table: Table<V>, id: string, entity: V): Table<V> => {
  const held = table.get(id);
  return held && held.version > entity.version ? table : table.with(id, entity);
};

/** The state of a workspace by the beginning of its snapshot. */
export const beginWorkspace = (
  { seq, workspace, members, projects, tags }: SnapshotOpening,
  tasks: readonly Task[],
  open_only: boolean,
  complete: boolean,
): WorkspaceState => ({
  seq,
  workspace: withoutRole(workspace),
  members: Table.of(members, idOf),
  projects: Table.of(projects, idOf),
  tags: Table.of(tags, idOf),
  tasks: Table.of(tasks.map(staged), idOf),
  details: new Table(),
  complete,
  open_only,
});

/** The state with a later page. The events since the first page come after the last one. */
export const addPage = (state: WorkspaceState, { tasks, cursor }: WorkspaceSnapshot): WorkspaceState => ({
  ...state,
  tasks: tasks.reduce((all, task) => newer(all, task.id, staged(task)), state.tasks),
  complete: !cursor,
});

/** The user's list shows a workspace as the workspace's own stream does, if that is newer. */
export const tell = (user: UserState, workspace: Workspace): UserState => {
  const held = user.workspaces.get(workspace.id);
  if (!held || held.version > workspace.version) return user;
  const told = held.role ? { ...workspace, role: held.role } : workspace;
  return { ...user, workspaces: user.workspaces.with(workspace.id, told) };
};

/** The state with this workspace, or without it. */
export const withWorkspace = (state: State, id: string, workspace: WorkspaceState | undefined): State => ({
  ...state,
  user: state.user && workspace ? tell(state.user, workspace.workspace) : state.user,
  workspaces: state.workspaces.with(id, workspace),
});

/** The state with the user's snapshot, without the workspaces that it does not list. */
export const withUser = (state: State, snapshot: UserSnapshot): State => {
  const { workspaces, invites, notifications, ...rest } = snapshot;
  let user: UserState = {
    ...rest,
    workspaces: Table.of(workspaces, idOf),
    invites: Table.of(invites, idOf),
    notifications: Table.of(notifications, idOf),
    truncated: notifications.length >= NEWEST,
  };
  let held = state.workspaces;
  for (const { workspace, seq } of held)
    if (!user.workspaces.get(workspace.id)) held = held.with(workspace.id, undefined);
    else if (seq > OTHER) user = tell(user, workspace);
  return { ...state, user, workspaces: held };
};
