// What a mutation will do, as far as a client can tell: a table by the mutation's name. What is not in it is sent without
// being shown. Pure: the same operation over the same state gives the same result, so that predictions can be repeated over
// each newer state of the server.

import type { BatchOp, Mutation, Operations, Project, Task, User, Workspace } from "../contract.js";
import type { Details, State, UserState, WorkspaceState } from "../replica/state.js";
import { readAll } from "../replica/fold.js";
import type { Table } from "../replica/table.js";
import { equal } from "./equal.js";
import { atEnd, beside } from "./position.js";

/** What a prediction needs to know of an operation. */
export interface Predicted {
  /** Also the id of what it makes, until the server says the real one. */
  op_id: string;
  name: Mutation;
  data: unknown;
  /** When the person did it. */
  created_at: string;
}

/** The operation, and what was shown before: what stays equal stays the same object. */
interface Act {
  op: Predicted;
  shown: State | undefined;
}

type Params<K extends Mutation> = Operations[K]["params"];
type Predict<K extends Mutation> = (state: State, data: Params<K>, act: Act) => State;
type Entities = { [K in keyof WorkspaceState]: WorkspaceState[K] extends Table<infer V> ? V : never };
type Kind = "tasks" | "projects" | "tags" | "details";

/** The workspace that has an entity. */
export const holder = (state: State, kind: Kind, id: string): WorkspaceState | undefined => {
  for (const workspace of state.workspaces) if (workspace[kind].get(id)) return workspace;
  return undefined;
};

const put = <K extends Kind>(state: State, id: string, kind: K, entity: string, value: Entities[K] | undefined, act: Act) => {
  const held = state.workspaces.get(id)!;
  const table = held[kind] as Table<Entities[K]>;
  const shown = act.shown?.workspaces.get(id)?.[kind].get(entity) as Entities[K] | undefined;
  const next: WorkspaceState = { ...held, [kind]: table.with(entity, shown && value && equal(shown, value) ? shown : value) };
  return { ...state, workspaces: state.workspaces.with(id, next) };
};

/** The state with a changed entity, unless nothing changes. */
const edit = <K extends "tasks" | "projects" | "tags">(
  state: State,
  kind: K,
  id: string,
  act: Act,
  change: (entity: Entities[K], workspace: WorkspaceState) => Partial<Entities[K]>,
): State => {
  const workspace = holder(state, kind, id);
  if (!workspace) return state;
  const entity = workspace[kind].get(id) as unknown as Entities[K] & object;
  const next: Entities[K] & object = { ...entity, ...change(entity, workspace) };
  if (equal(next, entity)) return state;
  if ("updated_at" in next) next.updated_at = act.op.created_at;
  return put(state, workspace.workspace.id, kind, id, next, act);
};

const editTask = (
  state: State,
  id: string,
  act: Act,
  change: (task: Task, workspace: WorkspaceState) => Partial<Task>,
): State => edit(state, "tasks", id, act, (task, workspace) => (task.is_deleted ? {} : change(task, workspace)));

const isChild = ({ parent_id }: Task) => parent_id;

/** What is below a task. Subtasks nest two levels. */
const below = ({ tasks }: WorkspaceState, id: string): Task[] => {
  const children = tasks.filter(isChild);
  const first = children.filter(({ parent_id }) => parent_id === id);
  const ids = new Set(first.map((task) => task.id));
  return [...first, ...children.filter(({ parent_id }) => ids.has(parent_id!))];
};

const enter = (task: Task, { workspace }: WorkspaceState, key: string, now: string): Partial<Task> => {
  const stage = workspace.stages.find((stage) => stage.key === key);
  if (!stage) return {};
  const completed = stage.kind === "done";
  return { stage: key, completed, completed_at: completed === task.completed ? task.completed_at : completed ? now : null };
};

const complete = (task: Task, workspace: WorkspaceState, completed: boolean, now: string): Partial<Task> => {
  const stage = workspace.workspace.stages.find(({ kind }) => kind === (completed ? "done" : "open"));
  return stage && completed !== task.completed ? enter(task, workspace, stage.key, now) : {};
};

/** What `null` means where a field has no `null`. */
const NONE: Partial<Task> = { tags: [], assignee_ids: [], blocked_by: [], priority: "none" };

/** Which fields a person edits. */
const FIELDS = [
  "title", "description", "priority", "due_at", "all_day", "remind_at", "recurrence", "tags", "assignee_ids", "blocked_by",
  "project_id", "parent_id",
] as const;

/** The given fields as the server keeps them. */
const given = (data: object, all: boolean | undefined): Partial<Task> => {
  const fields: Record<string, unknown> = {};
  for (const key of FIELDS) {
    let value = (data as Record<string, unknown>)[key];
    if (value === undefined) continue;
    if (typeof value === "string" && (key === "title" || key === "description")) value = value.trim() || null;
    if (key === "due_at" && value && (fields["all_day"] ?? all)) value = `${(value as string).slice(0, 10)}T00:00:00.000Z`;
    fields[key] = value ?? NONE[key as keyof Task] ?? null;
  }
  return fields;
};

const update: Predict<"task.update"> = (state, data, act) => {
  const now = act.op.created_at;
  const before = holder(state, "tasks", data.id)?.tasks.get(data.id);
  const next = editTask(state, data.id, act, (task, workspace) => ({
    ...given(data.all_day && !("due_at" in data) ? { ...data, due_at: task.due_at } : data, data.all_day ?? task.all_day),
    ...(data.stage ? enter(task, workspace, data.stage, now) : {}),
    ...(data.completed !== undefined && !data.stage ? complete(task, workspace, data.completed, now) : {}),
  }));
  return before && "project_id" in data ? along(next, before, data.project_id ?? null, act) : next;
};

/** What is below a task goes along to another project, if it was in the same one. */
const along = (state: State, before: Task, project_id: string | null, act: Act): State => {
  if (before.project_id === project_id || before.is_deleted) return state;
  const tasks = below(state.workspaces.get(before.workspace_id)!, before.id);
  return tasks
    .filter((task) => task.project_id === before.project_id)
    .reduce((state, { id }) => editTask(state, id, act, () => ({ project_id })), state);
};

const deleted = (state: State, id: string, deleted_at: string | null, act: Act): State =>
  edit(state, "tasks", id, act, (task) =>
    task.is_deleted === !!deleted_at ? {} : { is_deleted: !!deleted_at, deleted_at },
  );

const editUser = (state: State, change: (user: UserState) => Partial<UserState>): State =>
  state.user ? { ...state, user: { ...state.user, ...change(state.user) } } : state;

const mark = (state: State, id: string, is_read: boolean | undefined): State =>
  editUser(state, ({ notifications, unread }) => {
    const held = notifications.get(id);
    if (!held || held.is_read === is_read) return {};
    const counted = Number(is_read === false) - Number(!held.is_read && is_read !== false);
    return {
      notifications: notifications.with(id, is_read === undefined ? undefined : { ...held, is_read }),
      unread: Math.max(0, unread + counted),
    };
  });

/** Changes the details of a task, and how many comments it has. */
const editComments = (
  state: State,
  act: Act,
  task: string,
  counted: number,
  change: (comments: Details["comments"]) => Details["comments"],
): State => {
  const workspace = holder(state, "tasks", task);
  const held = workspace?.tasks.get(task);
  if (!workspace || !held) return state;
  const { id } = workspace.workspace;
  const details = workspace.details.get(task);
  const next = counted
    ? put(state, id, "tasks", task, { ...held, comment_count: held.comment_count + counted }, act)
    : state;
  return details ? put(next, id, "details", task, { ...details, comments: change(details.comments) }, act) : next;
};

/** The task that has a loaded comment. */
export const taskOf = (state: State, comment: string): string | undefined => {
  for (const { details } of state.workspaces)
    for (const { id, comments } of details) if (comments.some((held) => held.id === comment)) return id;
  return undefined;
};

const PREDICT: { [K in Mutation]?: Predict<K> } = {
  "task.create": (state, data, act) => {
    const me = state.user?.user;
    const personal = [...(state.user?.workspaces ?? [])].find(({ kind }) => kind === "personal")?.id;
    const workspace = state.workspaces.get(data.workspace_id ?? personal ?? "");
    const { op_id, created_at } = act.op;
    const id = data.id ?? op_id;
    if (!workspace || workspace.tasks.get(id)) return state;
    const task: Task = {
      id, workspace_id: workspace.workspace.id, project_id: null, parent_id: null, title: "", description: null,
      completed: false, completed_at: null, stage: "", blocked_by: [], priority: "none", due_at: null, all_day: false,
      remind_at: null, recurrence: null, position: atEnd(id), tags: [], assignee_ids: [], comment_count: 0,
      attachment_count: 0, is_deleted: false, deleted_at: null, version: 0, created_by: me?.id ?? "", created_at,
      updated_at: created_at,
      ...given(data, !!data.all_day),
    };
    const stage = data.stage ?? workspace.workspace.stages.find(({ kind }) => kind === "open")?.key ?? "";
    return put(state, task.workspace_id, "tasks", id, { ...task, ...enter(task, workspace, stage, created_at) }, act);
  },
  "task.update": update,
  "task.replace": (state, data, act) => update(state, data, act),
  "task.complete": (state, data, act) =>
    editTask(state, data.id, act, (task, workspace) =>
      complete(task, workspace, data.completed ?? !task.completed, act.op.created_at),
    ),
  "task.assign": (state, data, act) =>
    editTask(state, data.id, act, ({ assignee_ids }) => {
      const people = [...new Set([...assignee_ids, ...(data.add ?? [])])].filter((id) => !data.remove?.includes(id));
      return equal(people, assignee_ids) ? {} : { assignee_ids: people };
    }),
  "task.move": (state, data, act) => {
    const { before, after, id, ...fields } = data;
    const anchor = before ?? after;
    const { stage, ...places } = fields;
    const moved = update(state, { id, ...places, ...(stage && { stage }) }, act);
    return anchor
      ? editTask(moved, id, act, (_, { tasks }) => {
          const other = tasks.get(anchor);
          return other ? { position: beside(other, before ? -1 : 1, tasks, id, act.op.op_id) } : {};
        })
      : moved;
  },
  "task.delete": (state, { id, permanent }, act) => {
    const workspace = holder(state, "tasks", id);
    const task = workspace?.tasks.get(id);
    if (!workspace || !task) return state;
    const tasks = task.is_deleted ? [] : below(workspace, id);
    let next = tasks.reduce((state, { id }) => deleted(state, id, act.op.created_at, act), state);
    if (!permanent) return deleted(next, id, act.op.created_at, act);
    for (const child of tasks)
      if (child.parent_id === id) next = edit(next, "tasks", child.id, act, () => ({ parent_id: null }));
    return put(next, workspace.workspace.id, "tasks", id, undefined, act);
  },
  "task.restore": (state, { id }, act) => {
    const workspace = holder(state, "tasks", id);
    const at = workspace?.tasks.get(id)?.deleted_at;
    if (!workspace || !at) return state;
    const along = below(workspace, id).filter(({ deleted_at }) => deleted_at === at);
    return along.reduce((state, { id }) => deleted(state, id, null, act), deleted(state, id, null, act));
  },
  "project.create": (state, data, act) => {
    const workspace = state.workspaces.get(data.workspace_id);
    const { op_id: id, created_at } = act.op;
    if (!workspace) return state;
    const project: Project = {
      id, workspace_id: data.workspace_id, name: data.name.trim(), color: data.color ?? null, position: atEnd(id),
      is_archived: false, version: 0, created_at, updated_at: created_at,
    };
    return put(state, data.workspace_id, "projects", id, project, act);
  },
  "project.update": (state, { id, name, color, before, after }, act) =>
    edit(state, "projects", id, act, (_, { projects }) => {
      const anchor = projects.get(before ?? after ?? "");
      return {
        ...(name !== undefined && { name: name.trim() }),
        ...(color !== undefined && { color }),
        ...(anchor && { position: beside(anchor, before ? -1 : 1, projects, id, act.op.op_id) }),
      };
    }),
  "project.archive": (state, { id, archived }, act) =>
    edit(state, "projects", id, act, () => ({ is_archived: archived ?? true })),
  "project.delete": (state, { id }, act) => {
    const workspace = holder(state, "projects", id);
    if (!workspace) return state;
    const tasks = [...workspace.tasks].filter(({ project_id }) => project_id === id);
    const next = tasks.reduce((state, task) => edit(state, "tasks", task.id, act, () => ({ project_id: null })), state);
    return put(next, workspace.workspace.id, "projects", id, undefined, act);
  },
  "tag.create": (state, { workspace_id, name, color }, act) => {
    const { op_id: id } = act.op;
    if (!state.workspaces.get(workspace_id)) return state;
    const tag = { id, workspace_id, name: name.trim(), color: color ?? null, version: 0 };
    return put(state, workspace_id, "tags", id, tag, act);
  },
  "tag.update": (state, { id, name, color }, act) => {
    const workspace = holder(state, "tags", id);
    if (!workspace) return state;
    const to = name?.trim();
    // With the name of another tag the two become one.
    const other = to && [...workspace.tags].find((tag) => tag.id !== id && tag.name.toLowerCase() === to.toLowerCase());
    const next = other
      ? put(state, workspace.workspace.id, "tags", id, undefined, act)
      : edit(state, "tags", id, act, () => ({ ...(to && { name: to }), ...(color !== undefined && { color }) }));
    return to ? retag(next, workspace, workspace.tags.get(id)!.name, [other ? other.name : to], act) : next;
  },
  "tag.delete": (state, { id }, act) => {
    const workspace = holder(state, "tags", id);
    if (!workspace) return state;
    const next = put(state, workspace.workspace.id, "tags", id, undefined, act);
    return retag(next, workspace, workspace.tags.get(id)!.name, [], act);
  },
  "comment.create": (state, { task_id, body, mentions }, act) => {
    const { id, username, name, photo_url } = state.user?.user ?? ({} as User);
    const { op_id, created_at } = act.op;
    const author = { id, username, name, photo_url };
    const comment = {
      id: op_id, task_id, body: body.trim(), author, mentions: mentions ?? [], version: 0, created_at, updated_at: created_at,
    };
    return editComments(state, act, task_id, 1, (comments) => [...comments, comment]);
  },
  "comment.update": (state, { id, body }, act) =>
    editComments(state, act, taskOf(state, id) ?? "", 0, (comments) =>
      comments.map((held) => (held.id === id ? { ...held, body: body.trim() } : held)),
    ),
  "comment.delete": (state, { id }, act) =>
    editComments(state, act, taskOf(state, id) ?? "", -1, (comments) => comments.filter((held) => held.id !== id)),
  "notification.mark": (state, { id, is_read }) => mark(state, id, is_read),
  "notification.mark_all_read": (state, _, act) =>
    editUser(state, (user) => ({ ...readAll(user, act.op.created_at), unread: 0 })),
  "notification.delete": (state, { id }) => mark(state, id, undefined),
  "notification.delete_many": (state, { ids }) => ids.reduce((state, id) => mark(state, id, undefined), state),
  "workspace.update": (state, { workspace_id, name, stages }) => {
    const held = state.workspaces.get(workspace_id);
    if (!held) return state;
    const change = (workspace: Workspace): Workspace => ({
      ...workspace,
      ...(name !== undefined && { name: name.trim() }),
      ...(stages && { stages: stages.map((stage) => ({ ...stage, color: stage.color ?? null })) }),
    });
    const listed = state.user?.workspaces.get(workspace_id);
    const next = { ...held, workspace: change(held.workspace) };
    return {
      ...editUser(state, ({ workspaces }) => ({ workspaces: workspaces.with(workspace_id, listed && change(listed)) })),
      workspaces: state.workspaces.with(workspace_id, next),
    };
  },
  "profile.update": (state, { preferences, ...fields }) =>
    editUser(state, ({ user }) => {
      const all = Object.entries({ ...user.preferences, ...preferences }).filter(([, value]) => value !== null);
      const kept = preferences === null ? {} : preferences ? Object.fromEntries(all) : user.preferences;
      return { user: { ...user, ...fields, preferences: kept } };
    }),
  batch: (state, { ops }, act) =>
    ops.reduce((state, op: BatchOp) => predict(state, { ...act.op, name: op.type, data: op.data ?? {} }, act.shown), state),
};

/** The tasks of a workspace with other names in place of a tag's. */
const retag = (state: State, { workspace, tasks }: WorkspaceState, was: string, names: string[], act: Act): State =>
  [...tasks]
    .filter(({ tags }) => tags.includes(was))
    .reduce((state, { id }) => {
      const change = ({ tags }: Task) => ({ tags: [...new Set(tags.flatMap((tag) => (tag === was ? names : [tag])))] });
      return workspace ? edit(state, "tasks", id, act, change) : state;
    }, state);

/** The state as it will be after an operation, as far as a client can tell. */
export const predict = (state: State, op: Predicted, shown?: State): State => {
  const known = PREDICT[op.name] as Predict<Mutation> | undefined;
  return known ? known(state, op.data as never, { op, shown }) : state;
};
