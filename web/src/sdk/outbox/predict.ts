// What a mutation will do, as far as a client can tell: a table by the mutation's name. What is not in it is sent without being
// shown. The same operation over the same state gives the same result, so predictions are repeated over each newer state of
// the server.

import type { BatchOp, Mutation, Operations, Task, User } from "../contract.js";
import { readAll } from "../replica/fold.js";
import { idOf, type Details, type State, type UserState, type WorkspaceState } from "../replica/state.js";
import type { Table } from "../replica/table.js";
import { equal } from "./equal.js";
import type { Fields } from "./operation.js";
import { atEnd, beside, type Placed } from "./position.js";

/** What a prediction needs to know of an operation. */
export interface Predicted {
  /** Also the id of what it makes, until the server says the real one. */
  op_id: string;
  name: Mutation;
  data: unknown;
  /** When the person did it. */
  created_at: string;
}

type Entities = { [K in keyof WorkspaceState]: WorkspaceState[K] extends Table<infer V> ? V : never };
export type Kind = "tasks" | "projects" | "tags" | "details";
type Known = { [K in Mutation]?: (data: Operations[K]["params"]) => void };

/** The workspace that has an entity. */
export const holder = (state: State, kind: Kind, id: string): WorkspaceState | undefined => {
  for (const workspace of state.workspaces) if (workspace[kind].get(id)) return workspace;
  return undefined;
};

/** The task that has a loaded comment. */
export const taskOf = (state: State, comment: string): string => {
  for (const { details } of state.workspaces)
    for (const { id, comments } of details) if (comments.some((held) => held.id === comment)) return id;
  return "";
};

const isChild = ({ parent_id }: Task) => parent_id;

/** What `null` means where a field has no `null`. */
const NONE: Fields = { tags: [], assignee_ids: [], blocked_by: [], priority: "none" };

const BLANK = {
  project_id: null,
  parent_id: null,
  description: null,
  completed: false,
  completed_at: null,
  stage: "",
  due_at: null,
  all_day: false,
  remind_at: null,
  recurrence: null,
  comment_count: 0,
  attachment_count: 0,
  is_deleted: false,
  deleted_at: null,
};

/** Fields of a task that a person edits, as the server keeps them. `day` says whether it is due on a day. */
const given = (data: Fields, day: unknown): Partial<Task> => {
  const { id: _, stage: __, completed: ___, before, after, if_version, workspace_id, ...fields } = data;
  for (const [key, value] of Object.entries(fields))
    fields[key] = typeof value === "string" ? value.trim() || null : (value ?? NONE[key] ?? null);
  if (day && fields["due_at"]) fields["due_at"] = `${String(fields["due_at"]).slice(0, 10)}T00:00:00.000Z`;
  return fields;
};

/** Predicts one operation after the other over a state. What stays equal to what was shown stays the same object. */
export const predictor = (state: State, shown?: State): ((op: Predicted) => State) => {
  let op: Predicted;

  const put = <K extends Kind>(id: string, kind: K, entity: string, value: Entities[K] | undefined) => {
    const held = state.workspaces.get(id)!;
    const before = shown?.workspaces.get(id)?.[kind].get(entity);
    const table = (held[kind] as Table<Entities[K]>).with(
      entity,
      (before && equal(before, value) ? before : value) as Entities[K],
    );
    state = { ...state, workspaces: state.workspaces.with(id, { ...held, [kind]: table }) };
  };

  /** Changes an entity, or takes it away. */
  const edit = <K extends Kind>(
    kind: K,
    id: string,
    change: (entity: Entities[K], workspace: WorkspaceState) => Partial<Entities[K]> | undefined,
  ) => {
    const workspace = holder(state, kind, id);
    if (!workspace) return;
    const entity = (workspace[kind] as Table<never>).get(id)! as Entities[K] & object;
    const changes = change(entity, workspace);
    const next = changes && { ...entity, ...changes };
    if (equal(next, entity)) return;
    if (next && "updated_at" in next) next.updated_at = op.created_at;
    put(workspace.workspace.id, kind, id, next);
  };

  const make = <K extends "tasks" | "projects" | "tags">(kind: K, workspace: string, fields: object) => {
    const { op_id: id, created_at } = op;
    const times = kind === "tags" ? {} : { position: atEnd(id), created_at, updated_at: created_at };
    const entity = { id, workspace_id: workspace, version: 0, ...times, ...fields };
    if (state.workspaces.get(workspace) && !holder(state, kind, idOf(entity)))
      put(workspace, kind, idOf(entity), entity as never);
  };

  const editTask = (id: string, change: (task: Task, workspace: WorkspaceState) => Partial<Task>) =>
    edit("tasks", id, (task, workspace) => (task.is_deleted ? task : change(task, workspace)));

  /** What is below a task. Subtasks nest two levels. */
  const below = (id: string): Task[] => {
    const children = holder(state, "tasks", id)?.tasks.filter(isChild) ?? [];
    const ids = new Set([id]);
    const add = () => children.filter((task) => ids.has(task.parent_id!)).map((task) => (ids.add(task.id), task));
    add();
    return add();
  };

  const enter = (task: Task, { workspace: { stages } }: WorkspaceState, key: string | undefined): Partial<Task> => {
    const stage = stages.find((stage) => stage.key === key);
    if (!stage) return {};
    const completed = stage.kind === "done";
    const completed_at = completed === task.completed ? task.completed_at : completed ? op.created_at : null;
    return { stage: stage.key, completed, completed_at };
  };

  const complete = (task: Task, workspace: WorkspaceState, completed: boolean | null | undefined): Partial<Task> => {
    const kind = completed ? "done" : "open";
    const stage = workspace.workspace.stages.find((stage) => stage.kind === kind);
    return completed == null || completed === task.completed ? {} : enter(task, workspace, stage?.key);
  };

  const update = (data: Operations["task.update"]["params"]) => {
    const { id, stage, completed, all_day, project_id } = data;
    const before = holder(state, "tasks", id)?.tasks.get(id);
    editTask(id, (task, workspace) => ({
      ...given(all_day ? { due_at: task.due_at, ...data } : { ...data }, all_day ?? task.all_day),
      ...(stage ? enter(task, workspace, stage) : complete(task, workspace, completed)),
    }));
    // What is below it goes along, if it was in the same project.
    if (project_id !== undefined && before && !before.is_deleted)
      for (const task of below(id))
        if (task.project_id === before.project_id) editTask(task.id, () => ({ project_id }));
  };

  const move = (
    kind: "tasks" | "projects",
    id: string,
    before: string | null | undefined,
    after: string | null | undefined,
  ) =>
    edit(kind, id, (_, workspace) => {
      const among = workspace[kind] as Table<Placed>;
      const anchor = among.get(before ?? after ?? "");
      return anchor ? { position: beside(anchor, before ? -1 : 1, among, id, op.op_id) } : {};
    });

  /** Deletes what is below a task with it, or restores what was deleted with it. */
  const setDeleted = (id: string, deleted_at: string | null) => {
    const at = holder(state, "tasks", id)?.tasks.get(id)?.deleted_at ?? null;
    if (!at === !deleted_at) return;
    for (const task of [{ id, deleted_at: at }, ...below(id)])
      if (task.deleted_at === at) edit("tasks", task.id, () => ({ is_deleted: !!deleted_at, deleted_at }));
  };

  /** Puts other names in place of a tag's. */
  const retag = (id: string, names: string[]) => {
    const workspace = holder(state, "tags", id);
    const was = workspace?.tags.get(id)?.name ?? "";
    for (const task of workspace?.tasks ?? [])
      if (task.tags.includes(was))
        edit("tasks", task.id, ({ tags }) => ({
          tags: [...new Set(tags.flatMap((tag) => (tag === was ? names : tag)))],
        }));
  };

  const editUser = (change: (user: UserState) => Partial<UserState>) => {
    if (state.user) state = { ...state, user: { ...state.user, ...change(state.user) } };
  };

  /** Marks a notification, or takes it away. */
  const mark = (id: string, is_read?: boolean) =>
    editUser(({ notifications, unread }) => {
      const held = notifications.get(id);
      if (!held) return {};
      const counted = Number(is_read === false) - Number(!held.is_read);
      return {
        notifications: notifications.with(id, is_read === undefined ? is_read : { ...held, is_read }),
        unread: unread + counted,
      };
    });

  const editComments = (
    task: string,
    counted: number,
    change: (comments: Details["comments"]) => Details["comments"],
  ) => {
    edit("tasks", task, ({ comment_count }) => ({ comment_count: comment_count + counted }));
    edit("details", task, ({ comments }) => ({ comments: change(comments) }));
  };

  const known: Known = {
    "task.create"(data) {
      const { id, workspace_id, stage } = data;
      const home = [...(state.user?.workspaces ?? [])].find(({ kind }) => kind === "personal")?.id;
      const at = workspace_id ?? home ?? "";
      const workspace = state.workspaces.get(at);
      const first = workspace?.workspace.stages.find(({ kind }) => kind === "open")?.key;
      const fields = {
        ...BLANK,
        ...NONE,
        ...given({ ...data }, data.all_day),
        id,
        position: atEnd(id!),
        created_by: state.user?.user.id,
      };
      if (workspace) make("tasks", at, { ...fields, ...enter(fields as never, workspace, stage ?? first) });
    },
    "task.update": update,
    "task.replace": update,
    "task.complete": ({ id, completed }) =>
      editTask(id, (task, workspace) => complete(task, workspace, completed ?? !task.completed)),
    "task.assign": ({ id, add, remove }) =>
      editTask(id, ({ assignee_ids }) => {
        const people = [...new Set([...assignee_ids, ...(add ?? [])])].filter((id) => !remove?.includes(id));
        return equal(people, assignee_ids) ? {} : { assignee_ids: people };
      }),
    "task.move"({ before, after, ...data }) {
      update(data as { id: string });
      move("tasks", data.id, before, after);
    },
    "task.delete"({ id, permanent }) {
      setDeleted(id, op.created_at);
      if (!permanent) return;
      for (const { id: child, parent_id } of below(id))
        if (parent_id === id) edit("tasks", child, () => ({ parent_id: null }));
      edit("tasks", id, () => undefined);
    },
    "task.restore": ({ id }) => setDeleted(id, null),
    "project.create": ({ workspace_id, ...data }) =>
      make("projects", workspace_id, { is_archived: false, color: null, ...data }),
    "project.update"({ before, after, ...data }) {
      edit("projects", data.id, () => data);
      move("projects", data.id, before, after);
    },
    "project.archive": ({ id, archived }) => edit("projects", id, () => ({ is_archived: archived ?? true })),
    "project.delete"({ id }) {
      for (const task of holder(state, "projects", id)?.tasks ?? [])
        if (task.project_id === id) edit("tasks", task.id, () => ({ project_id: null }));
      edit("projects", id, () => undefined);
    },
    "tag.create": ({ workspace_id, ...data }) => make("tags", workspace_id, { color: null, ...data }),
    "tag.update"(data) {
      const { id } = data;
      const name = data.name?.toLowerCase();
      // With the name of another tag the two become one.
      const other = [...(holder(state, "tags", id)?.tags ?? [])].find(
        (tag) => tag.id !== id && tag.name.toLowerCase() === name,
      );
      if (data.name) retag(id, [other?.name ?? data.name]);
      edit("tags", id, () => (other ? undefined : data));
    },
    "tag.delete"({ id }) {
      retag(id, []);
      edit("tags", id, () => undefined);
    },
    "comment.create"({ task_id, body, mentions }) {
      const { op_id: id, created_at } = op;
      const { username, name, photo_url, id: me } = state.user?.user ?? ({} as User);
      const author = { id: me, username, name, photo_url };
      const comment = {
        id,
        task_id,
        body,
        author,
        mentions: mentions ?? [],
        version: 0,
        created_at,
        updated_at: created_at,
      };
      editComments(task_id, 1, (comments) => [...comments, comment]);
    },
    "comment.update": ({ id, body }) =>
      editComments(taskOf(state, id), 0, (comments) =>
        comments.map((held) => (held.id === id ? { ...held, body } : held)),
      ),
    "comment.delete": ({ id }) =>
      editComments(taskOf(state, id), -1, (comments) => comments.filter((held) => held.id !== id)),
    "notification.mark": ({ id, is_read }) => mark(id, is_read),
    "notification.mark_all_read": () => editUser((user) => ({ ...readAll(user, op.created_at), unread: 0 })),
    "notification.delete": ({ id }) => mark(id),
    "notification.delete_many": ({ ids }) => ids.forEach((id) => mark(id)),
    "workspace.update"({ workspace_id, name, stages }) {
      const held = state.workspaces.get(workspace_id);
      if (!held) return;
      const changes = {
        ...(name && { name }),
        ...(stages && { stages: stages.map((stage) => ({ ...stage, color: stage.color ?? null })) }),
      };
      const workspace = { ...held.workspace, ...changes };
      editUser((user) => {
        const listed = user.workspaces.get(workspace_id);
        return listed ? { workspaces: user.workspaces.with(workspace_id, { ...listed, ...changes }) } : {};
      });
      state = { ...state, workspaces: state.workspaces.with(workspace_id, { ...held, workspace }) };
    },
    "profile.update": ({ preferences, ...fields }) =>
      editUser(({ user }) => {
        const all = { ...(preferences !== null && user.preferences), ...preferences };
        for (const key in all) if (all[key] === null) delete all[key];
        return { user: { ...user, ...fields, preferences: all } };
      }),
    batch: ({ ops }) => ops.forEach(({ type, data }: BatchOp) => (known[type] as Known["batch"])?.(data as never)),
  };

  return (next) => {
    op = next;
    (known[op.name] as ((data: unknown) => void) | undefined)?.(op.data);
    return state;
  };
};
