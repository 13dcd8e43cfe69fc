// A change in words: `Change the title of “Milk” to “Oat milk”`. Names are those that the server has, so that a title is told as it was
// before; what was made here and is not saved yet is named as it was made. Pure.

import type { Operation, Replica } from "../../sdk/index.js";
import { T } from "../texts.js";
import { dueText } from "../time.js";

type Fields = Readonly<Record<string, unknown>>;

const A = T.connection.acts;
const LONGEST = 60;

const quoted = (text: string): string => {
  const line = text.replace(/\s+/g, " ").trim();
  return T.connection.quoted(line.length > LONGEST ? `${line.slice(0, LONGEST).trimEnd()}…` : line);
};

/** The names behind ids: those of the server, else of what was made here. */
const namesOf = (server: Replica, operations: readonly Operation[]) => {
  const made = (id: unknown, field: string): string | undefined => {
    const maker = operations.find(({ name, data, op_id }) => name.endsWith(".create") && (data["id"] ?? op_id) === id);
    return maker?.data[field] as string | undefined;
  };
  const findIn = <K extends "tasks" | "projects" | "tags">(kind: K, id: string) => {
    for (const space of server.workspaces) {
      const found = space[kind].get(id);
      if (found) return found as NonNullable<ReturnType<(typeof space)[K]["get"]>>;
    }
    return undefined;
  };
  /** An entity by its id, where there is one. */
  const of = <T>(id: unknown, find: (id: string) => T | undefined): T | undefined =>
    typeof id === "string" ? find(id) : undefined;
  const inSpaces = <K extends "tasks" | "projects" | "tags">(kind: K, id: unknown) => of(id, (id) => findIn(kind, id));
  const say = (name: string | undefined, a: string) => (name === undefined ? a : quoted(name));
  return {
    task: (id: unknown) => say(inSpaces("tasks", id)?.title ?? made(id, "title"), T.connection.a.task),
    project: (id: unknown) => say(inSpaces("projects", id)?.name ?? made(id, "name"), T.connection.a.project),
    tag: (id: unknown) => say(inSpaces("tags", id)?.name, T.connection.a.tag),
    workspace: (id: unknown) => say(of(id, (id) => server.user?.workspaces.get(id))?.name, T.connection.a.workspace),
    stage: (task: unknown, key: string) => {
      const space = server.workspaces.get(inSpaces("tasks", task)?.workspace_id ?? "");
      return say(space?.workspace.stages.find((stage) => stage.key === key)?.name, T.connection.a.stage);
    },
    people: (ids: unknown) => {
      const names = ((ids ?? []) as string[]).map((id) => {
        for (const { members } of server.workspaces) if (members.get(id)) return members.get(id)!.user.name;
        return T.connection.a.person;
      });
      return names.join(", ");
    },
  };
};

type Names = ReturnType<typeof namesOf>;

/** What belongs together counts as one field. */
const fieldsOf = ({ id: _, if_version: __, all_day: ___, ...fields }: Fields): string[] => Object.keys(fields);

const updateTask = (data: Fields, names: Names, now: number): string => {
  const task = names.task(data["id"]);
  const fields = fieldsOf(data);
  const [field] = fields;
  if (fields.length !== 1) return A.changeFields(fields.map((name) => T.connection.fields[name] ?? name).join(", "), task);
  const value = data[field!];
  switch (field) {
    case "title":
      return A.retitle(task, quoted(value as string));
    case "due_at":
      return value ? A.setDue(task, dueText({ due_at: value as string, all_day: !!data["all_day"] }, now)) : A.clearDue(task);
    case "priority":
      return A.setPriority(task, T.priorities[(value as string | null) ?? "none"]!);
    case "completed":
      return value ? A.complete(task) : A.reopen(task);
    case "stage":
      return A.moveTo(task, names.stage(data["id"], value as string));
    case "project_id":
      return value ? A.moveTo(task, names.project(value)) : A.moveOut(task);
    default:
      return A.changeFields(T.connection.fields[field!] ?? field!, task);
  }
};

const moveTask = (data: Fields, names: Names): string => {
  const task = names.task(data["id"]);
  if (data["stage"]) return A.moveTo(task, names.stage(data["id"], data["stage"] as string));
  if (data["project_id"]) return A.moveTo(task, names.project(data["project_id"]));
  return data["project_id"] === null ? A.moveOut(task) : A.reorder(task);
};

const aboutTask = (name: string, data: Fields, names: Names, now: number): string | undefined => {
  const task = names.task(data["id"]);
  switch (name) {
    case "task.create":
      return A.addTask(quoted(data["title"] as string));
    case "task.update":
      return updateTask(data, names, now);
    case "task.replace":
      return A.change(task);
    case "task.complete":
      return data["completed"] === false ? A.reopen(task) : A.complete(task);
    case "task.delete":
      return A.remove(task);
    case "task.restore":
      return A.restore(task);
    case "task.move":
      return moveTask(data, names);
    case "task.assign":
      return data["add"] ? A.assign(task, names.people(data["add"])) : A.unassign(task, names.people(data["remove"]));
    case "comment.create":
      return A.comment(names.task(data["task_id"]), quoted(data["body"] as string));
    case "comment.update":
      return A.editComment(quoted(data["body"] as string));
    case "comment.delete":
      return A.removeComment;
    case "attachment.delete":
      return A.removeFile;
  }
  return undefined;
};

const aboutWorkspace = (name: string, data: Fields, names: Names): string | undefined => {
  const workspace = names.workspace(data["workspace_id"]);
  const named = data["name"] as string | undefined;
  const [kind, act] = name.split(".");
  if (kind === "project" || kind === "tag") {
    const what = names[kind](data["id"]);
    if (act === "create") return A.make(quoted(named!));
    if (act === "delete") return A.remove(what);
    if (act === "archive") return data["archived"] === false ? A.unarchive(what) : A.archive(what);
    return named === undefined ? A.change(what) : A.rename(what, quoted(named));
  }
  const who = (data["username"] ?? data["email"]) as string | undefined;
  switch (name) {
    case "workspace.create":
      return A.make(quoted(named!));
    case "workspace.update":
      return named === undefined ? A.change(workspace) : A.rename(workspace, quoted(named));
    case "workspace.delete":
      return A.remove(workspace);
    case "workspace.leave":
      return A.leave(workspace);
    case "member.add":
      return A.addMember(who ?? A.somebody, workspace);
    case "member.update":
      return A.changeRole(names.people([data["user_id"]]), workspace);
    case "member.remove":
      return A.removeMember(names.people([data["user_id"]]), workspace);
    case "invite.create":
      return A.invite(who ?? A.somebody, workspace);
  }
  return undefined;
};

const aboutMe = (name: string, data: Fields): string | undefined => {
  switch (name) {
    case "profile.update":
      return data["preferences"] ? A.settings : A.profile;
    case "notification.mark":
      return data["is_read"] === false ? A.unread : A.read;
    case "notification.mark_all_read":
      return A.readAll;
    case "notification.delete":
    case "notification.delete_many":
      return A.removeNotifications;
  }
  return undefined;
};

/** Several changes in one: the first of them, and how many more. */
const ofBatch = (ops: readonly { type: string; data?: Fields | null }[], names: Names, now: number): string => {
  const [first] = ops;
  const said = first && sayOf(first.type, first.data ?? {}, names, now);
  return said && ops.length > 1 ? A.together(said, ops.length - 1) : (said ?? A.other("batch"));
};

const sayOf = (name: string, data: Fields, names: Names, now: number): string =>
  name === "batch"
    ? ofBatch(data["ops"] as Parameters<typeof ofBatch>[0], names, now)
    : (aboutTask(name, data, names, now) ?? aboutWorkspace(name, data, names) ?? aboutMe(name, data) ?? A.other(name));

/** A change in words. `server` is the server's state, without the person's changes. */
export const inWords = (op: Operation, server: Replica, operations: readonly Operation[], now: number): string => {
  const said = sayOf(op.name, op.data, namesOf(server, operations), now);
  return op.undoes ? A.undo(said) : said;
};
