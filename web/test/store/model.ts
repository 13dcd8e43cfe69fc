// A server in memory, as small as a test of the client needs: logs with a `seq`, versions, `op_id`s, refusals, pages, epochs.
// What it does to entities is written on its own, and not with the client's code.

import type { EventFrame, Failure, Limits, Mutation, Task, Welcome, Workspace } from "../../src/sdk/contract.js";

type Row = Record<string, unknown> & { id: string; version: number };
export type Data = Record<string, unknown>;
export type Reply = { data: unknown; at: Record<string, number>; replayed?: boolean };

export class Denied extends Error {
  failure: Failure;
  constructor(code: Failure["code"], context?: unknown, retryable = false) {
    super(code);
    const more = context === undefined ? {} : { context };
    this.failure = { code, message: code, retryable, retry_after_ms: retryable ? 100 : null, request_id: "", ...more };
  }
}

interface Space {
  workspace: Workspace & Row;
  members: Map<string, Data & { version: number }>;
  projects: Map<string, Row>;
  tags: Map<string, Row>;
  tasks: Map<string, Task & Row>;
  comments: Map<string, Row>;
}

interface World {
  spaces: Map<string, Space>;
  user: Row;
  /** Workspaces of the user, with the role. */
  access: Map<string, string>;
  notifications: Map<string, Row>;
  logs: Map<string, EventFrame[]>;
  /** The request and the reply of each `op_id`. */
  ops: Map<string, [string, Reply]>;
  /** How often each `op_id` was carried out. */
  done: Map<string, number>;
}

let count = 0;
/** Ids that rise. */
export const id = (): string => {
  const n = (++count).toString(16).padStart(12, "0");
  return `01990000-0000-7000-8000-${n.slice(1)}${n.slice(-1)}`;
};
export const resetIds = () => void (count = 0);

export const ME = "01980000-0000-7000-8000-0000000000aa";
export const OTHER = "01980000-0000-7000-8000-0000000000bb";
export const TEAM = "01980000-0000-7000-8000-000000000001";
export const HOME = "01980000-0000-7000-8000-000000000002";

const LIMITS: Limits = { frame_bytes: 65536, in_flight: 64, batch: 100, streams: 256, ops_per_second: 50, burst: 200 };
const STAGES = [
  { key: "todo", name: "To do", kind: "open", color: null },
  { key: "doing", name: "Doing", kind: "active", color: null },
  { key: "done", name: "Done", kind: "done", color: null },
] as const;

const publicUser = ({ id, username, name, photo_url }: Data) => ({ id, username, name, photo_url });

export class Model {
  world: World;
  epoch = "e1";
  /** The entry up to which each log is cut off. */
  cut = new Map<string, number>();
  now = 1_800_000_000_000;
  /** The next mutations of the user fail so. */
  failures: Denied[] = [];
  page = 3;
  private backup: World;

  constructor() {
    const user = {
      id: ME, username: "ada", name: "Ada", email: "ada@example.org", role: "user", plan: "free", is_active: true,
      is_verified: true, timezone: "UTC", preferences: {}, photo_url: null, version: 1, created_at: this.time(),
      updated_at: this.time(),
    };
    this.world = {
      spaces: new Map(), user, access: new Map(), notifications: new Map(), logs: new Map(), ops: new Map(), done: new Map(),
    };
    for (const [id, kind] of [[HOME, "personal"], [TEAM, "team"]] as const) {
      const workspace = {
        id, name: kind, kind, stages: [...STAGES], version: 1, created_at: this.time(), updated_at: this.time(),
      } as Workspace & Row;
      const member = { user: publicUser(user), role: "owner", joined_at: this.time(), version: 1 };
      const rest = { projects: new Map(), tags: new Map(), tasks: new Map(), comments: new Map() };
      this.world.spaces.set(id, { workspace, members: new Map([[ME, member]]), ...rest });
      this.world.access.set(id, "owner");
    }
    this.backup = structuredClone(this.world);
  }

  time() {
    return new Date(this.now).toISOString();
  }

  head(stream: string) {
    return this.world.logs.get(stream)?.length ?? 0;
  }

  streams() {
    return [`user:${ME}`, ...[...this.world.access.keys()].map((id) => `workspace:${id}`)];
  }

  /** Remembers this moment. */
  back() {
    this.backup = structuredClone(this.world);
  }

  /** Another epoch; after a failure the state of the backup. */
  restart(lost: boolean) {
    this.epoch = `e${Number(this.epoch.slice(1)) + 1}`;
    if (lost) this.world = structuredClone(this.backup);
    else this.back();
  }

  welcome(resume: { epoch: string; positions: Record<string, number> } | undefined): Welcome {
    const streams = this.streams().map((stream) => {
      const at = resume?.positions[stream];
      const head = this.head(stream);
      const reason =
        at === undefined ? "new" : resume!.epoch !== this.epoch ? "epoch" : at > head ? "unknown" : at < (this.cut.get(stream) ?? 0) ? "expired" : "";
      return { stream, seq: head, resumed: !reason, ...(reason && { reason }) };
    });
    return {
      protocol: 1, revision: 2, server: {}, epoch: this.epoch, user: this.world.user, session: {}, heartbeat_ms: 25000,
      limits: LIMITS, streams,
    } as unknown as Welcome;
  }

  emit(stream: string, event: string, data: Data, op_id: string | undefined, at: Record<string, number>) {
    const log = this.world.logs.get(stream) ?? [];
    this.world.logs.set(stream, log);
    const seq = log.length + 1;
    const frame = { type: "event", stream, seq, event, at: this.time(), actor: { kind: "server" }, data: structuredClone(data) };
    log.push({ ...frame, ...(op_id && { op_id }) } as unknown as EventFrame);
    at[stream] = seq;
  }

  private change(space: Space, event: string, before: Row, next: Data, op: string | undefined, at: Record<string, number>, kind: "tasks" | "projects" | "tags") {
    if (JSON.stringify(before) === JSON.stringify({ ...before, ...next })) return before;
    const stamp = kind === "tags" ? {} : { updated_at: this.time() };
    const row = { ...before, ...next, version: before.version + 1, ...stamp };
    (space[kind] as Map<string, Row>).set(row.id, row);
    this.emit(`workspace:${space.workspace.id}`, event, row, op, at);
    return row;
  }

  private find<K extends "tasks" | "projects" | "tags" | "comments">(kind: K, id: unknown): [Space, Row] {
    for (const [workspace, space] of this.world.spaces) {
      const row = this.world.access.has(workspace) && (space[kind] as Map<string, Row>).get(id as string);
      if (row) return [space, row];
    }
    throw new Denied("NOT_FOUND");
  }

  private entered(space: Space, task: Data, key: unknown): Data {
    const stage = space.workspace.stages.find((stage) => stage.key === key);
    if (!stage) throw new Denied("VALIDATION_ERROR");
    const completed = stage.kind === "done";
    return { stage: key, completed, completed_at: completed === task["completed"] ? task["completed_at"] : completed ? this.time() : null };
  }

  private edit(name: string, data: Data, op: string | undefined, at: Record<string, number>, me: boolean): unknown {
    const [space, row] = this.find("tasks", data["id"]);
    const task = row as unknown as Task & Row;
    if (task.is_deleted) throw new Denied("CONFLICT");
    if (data["if_version"] !== undefined && data["if_version"] !== task.version) throw new Denied("VERSION_CONFLICT", { current: task });
    let next: Data = {};
    for (const key of ["title", "description", "priority", "due_at", "tags", "assignee_ids", "project_id", "parent_id"])
      if (key in data) next[key] = data[key];
    if (data["project_id"]) this.find("projects", data["project_id"]);
    if ("title" in next) next["title"] = String(next["title"]).trim();
    if ("stage" in data) next = { ...next, ...this.entered(space, task, data["stage"]) };
    if ("completed" in data && data["completed"] !== task.completed)
      next = { ...next, ...this.entered(space, task, data["completed"] ? "done" : "todo") };
    if (name === "task.assign")
      next["assignee_ids"] = [...new Set([...task.assignee_ids, ...((data["add"] as string[]) ?? [])])].filter(
        (id) => !((data["remove"] as string[]) ?? []).includes(id),
      );
    const beside = data["before"] ?? data["after"];
    if (beside) {
      const [, anchor] = this.find("tasks", beside);
      const others = [...space.tasks.values()].filter(({ id }) => id !== task.id).map(({ position }) => position).sort();
      const place = others.indexOf(anchor["position"] as string);
      // A place of the server's own, which a client cannot know.
      next["position"] = data["before"] ? `${others[place - 1] ?? ""}h` : `${others[place]}h`;
    }
    for (const tag of (next["tags"] as string[] | undefined) ?? [])
      if (![...space.tags.values()].some((held) => held["name"] === tag)) this.tag(space, tag, op, at);
    const completed = next["completed"] ?? task.completed;
    const event = completed !== task.completed ? (completed ? "task.completed" : "task.reopened") : name === "task.move" ? "task.moved" : "task.updated";
    const changed = this.change(space, event, row, next, op, at, "tasks");
    if (changed !== row && !me) this.notify(task.id, op, at);
    return changed;
  }

  private tag(space: Space, name: unknown, op: string | undefined, at: Record<string, number>): Row {
    const tag = { id: id(), workspace_id: space.workspace.id, name, color: null, version: 1 };
    space.tags.set(tag.id, tag as unknown as Row);
    this.emit(`workspace:${space.workspace.id}`, "tag.created", tag, op, at);
    return tag as unknown as Row;
  }

  private unread() {
    return [...this.world.notifications.values()].filter(({ is_read }) => !is_read).length;
  }

  notify(task_id: string | null, op: string | undefined, at: Record<string, number>) {
    const row = {
      id: id(), type: "TASK_UPDATED", title: "t", message: "m", is_read: false, task_id, workspace_id: TEAM, actor: null,
      version: 1, created_at: this.time(),
    };
    this.world.notifications.set(row.id, row);
    this.emit(`user:${ME}`, "notification.created", { ...row, unread: this.unread() }, op, at);
  }

  /** Removes the user from the team, or lets them in again. */
  admit(yes: boolean) {
    const at = {};
    const space = this.world.spaces.get(TEAM)!;
    if (yes === this.world.access.has(TEAM)) return;
    if (yes) {
      this.world.access.set(TEAM, "member");
      const member = { user: publicUser(this.world.user), role: "member", joined_at: this.time(), version: 1 };
      space.members.set(ME, member);
      this.emit(`workspace:${TEAM}`, "member.added", member, undefined, at);
      const seq = this.head(`workspace:${TEAM}`);
      this.emit(`user:${ME}`, "access.granted", { workspace: space.workspace, role: "member", seq }, undefined, at);
    } else {
      this.world.access.delete(TEAM);
      space.members.delete(ME);
      this.emit(`workspace:${TEAM}`, "member.removed", { user_id: ME }, undefined, at);
      this.emit(`user:${ME}`, "access.lost", { workspace_id: TEAM, reason: "removed" }, undefined, at);
    }
  }

  /** Carries out a mutation without looking at its `op_id`. */
  private decide(name: string, data: Data, op: string | undefined, at: Record<string, number>, me: boolean): unknown {
    const { world } = this;
    const who = me ? ME : OTHER;
    switch (name) {
      case "task.create": {
        const workspace_id = (data["workspace_id"] as string) ?? HOME;
        const space = world.access.has(workspace_id) ? world.spaces.get(workspace_id)! : undefined;
        if (!space) throw new Denied("NOT_FOUND");
        if ([...world.spaces.values()].some(({ tasks }) => tasks.has(data["id"] as string))) throw new Denied("CONFLICT");
        if (!String(data["title"]).trim()) throw new Denied("VALIDATION_ERROR");
        if (data["project_id"]) this.find("projects", data["project_id"]);
        const made = id();
        const task = {
          id: (data["id"] as string) ?? made, workspace_id, project_id: data["project_id"] ?? null, parent_id: data["parent_id"] ?? null,
          title: String(data["title"]).trim(), description: data["description"] ?? null, completed: false, completed_at: null,
          stage: "todo", blocked_by: [], priority: data["priority"] ?? "none", due_at: data["due_at"] ?? null, all_day: false,
          remind_at: null, recurrence: null, position: made.replaceAll("-", ""), tags: data["tags"] ?? [], assignee_ids: [],
          comment_count: 0, attachment_count: 0, is_deleted: false, deleted_at: null, version: 1, created_by: who,
          created_at: this.time(), updated_at: this.time(),
        };
        for (const tag of task.tags as string[])
          if (![...space.tags.values()].some((held) => held["name"] === tag)) this.tag(space, tag, op, at);
        const row = { ...task, ...this.entered(space, task, data["stage"] ?? "todo") } as unknown as Task & Row;
        space.tasks.set(row.id, row);
        this.emit(`workspace:${workspace_id}`, "task.created", row, op, at);
        return row;
      }
      case "task.update":
      case "task.complete":
      case "task.assign":
      case "task.move":
        return this.edit(name, data, op, at, me);
      case "task.delete":
      case "task.restore": {
        const [space, row] = this.find("tasks", data["id"]);
        const restore = name === "task.restore";
        if (restore && !row["is_deleted"]) throw new Denied("NOT_DELETED");
        const stream = `workspace:${space.workspace.id}`;
        const children = [...space.tasks.values()].filter(({ parent_id }) => parent_id === row.id);
        const deleted_at = row["deleted_at"];
        const moment = restore ? null : this.time();
        if (!(data["permanent"] || restore || !row["is_deleted"])) return row;
        for (const child of children)
          if (restore ? child.deleted_at === deleted_at && child.is_deleted : !child.is_deleted)
            this.change(space, restore ? "task.restored" : "task.deleted", child, { is_deleted: !restore, deleted_at: moment, ...(data["permanent"] ? { parent_id: null } : {}) }, op, at, "tasks");
          else if (data["permanent"]) this.change(space, "task.updated", child, { parent_id: null }, op, at, "tasks");
        if (data["permanent"]) {
          space.tasks.delete(row.id);
          for (const [stream, log] of world.logs)
            world.logs.set(stream, log.map((frame) => {
              const seen = frame.data as unknown as Data;
              const about = seen["id"] === row.id || seen["task_id"] === row.id;
              return about ? ({ ...frame, data: { id: seen["id"], purged: true } } as unknown as EventFrame) : frame;
            }));
          for (const comment of [...space.comments.values()]) if (comment["task_id"] === row.id) space.comments.delete(comment.id);
          for (const held of [...world.notifications.values()])
            if (held["task_id"] === row.id) {
              world.notifications.delete(held.id);
              this.emit(`user:${ME}`, "notification.deleted", { id: held.id, unread: this.unread() }, op, at);
            }
          this.emit(stream, "task.purged", { id: row.id, version: row.version + 1 }, op, at);
          return { id: row.id, version: row.version + 1 };
        }
        return this.change(space, restore ? "task.restored" : "task.deleted", row, { is_deleted: !restore, deleted_at: moment }, op, at, "tasks");
      }
      case "project.create": {
        const workspace_id = data["workspace_id"] as string;
        if (!world.access.has(workspace_id)) throw new Denied("NOT_FOUND");
        const made = id();
        const row = {
          id: made, workspace_id, name: data["name"], color: null, position: made.replaceAll("-", ""), is_archived: false, version: 1,
          created_at: this.time(), updated_at: this.time(),
        };
        world.spaces.get(workspace_id)!.projects.set(made, row as unknown as Row);
        this.emit(`workspace:${workspace_id}`, "project.created", row, op, at);
        return row;
      }
      case "project.update":
      case "project.archive": {
        const [space, row] = this.find("projects", data["id"]);
        const next = name === "project.update" ? { name: data["name"] } : { is_archived: data["archived"] ?? true };
        return this.change(space, "project.updated", row, next, op, at, "projects");
      }
      case "project.delete": {
        const [space, row] = this.find("projects", data["id"]);
        for (const task of [...space.tasks.values()])
          if (task.project_id === row.id) this.change(space, "task.updated", task, { project_id: null }, op, at, "tasks");
        space.projects.delete(row.id);
        this.emit(`workspace:${space.workspace.id}`, "project.deleted", { id: row.id, version: row.version + 1 }, op, at);
        return { id: row.id, version: row.version + 1 };
      }
      case "tag.update": {
        const [space, row] = this.find("tags", data["id"]);
        const was = row["name"];
        const other = [...space.tags.values()].find((tag) => tag["name"] === data["name"] && tag.id !== row.id);
        for (const task of [...space.tasks.values()])
          if (task.tags.includes(was as string))
            this.change(space, "task.updated", task, { tags: [...new Set(task.tags.map((tag) => (tag === was ? data["name"] : tag)))] }, op, at, "tasks");
        if (!other) return this.change(space, "tag.updated", row, { name: data["name"] }, op, at, "tags");
        space.tags.delete(row.id);
        this.emit(`workspace:${space.workspace.id}`, "tag.deleted", { id: row.id, version: row.version + 1 }, op, at);
        return other;
      }
      case "comment.create": {
        const [space, row] = this.find("tasks", data["task_id"]);
        if (row["is_deleted"]) throw new Denied("CONFLICT");
        const comment = {
          id: id(), task_id: row.id, body: data["body"], author: publicUser(world.user), mentions: [], version: 1,
          created_at: this.time(), updated_at: this.time(),
        };
        space.comments.set(comment.id, comment as unknown as Row);
        const counted = { ...row, comment_count: (row["comment_count"] as number) + 1 };
        space.tasks.set(row.id, counted as unknown as Task & Row);
        const task = { id: row.id, comment_count: counted.comment_count, attachment_count: 0 };
        this.emit(`workspace:${space.workspace.id}`, "comment.created", { ...comment, task }, op, at);
        return comment;
      }
      case "notification.mark": {
        const row = world.notifications.get(data["id"] as string);
        if (!row) throw new Denied("NOT_FOUND");
        if (row["is_read"] === data["is_read"]) return row;
        const next = { ...row, is_read: data["is_read"], version: row.version + 1 };
        world.notifications.set(row.id, next);
        this.emit(`user:${ME}`, "notification.updated", { ...next, unread: this.unread() }, op, at);
        return next;
      }
      case "notification.mark_all_read": {
        let updated = 0;
        for (const row of [...world.notifications.values()])
          if (!row["is_read"]) {
            updated++;
            world.notifications.set(row.id, { ...row, is_read: true, version: row.version + 1 });
          }
        this.emit(`user:${ME}`, "notification.all_read", { up_to: this.time(), updated, unread: 0 }, op, at);
        return { updated };
      }
      case "workspace.update": {
        const workspace_id = data["workspace_id"] as string;
        const space = world.access.has(workspace_id) ? world.spaces.get(workspace_id) : undefined;
        if (!space) throw new Denied("NOT_FOUND");
        if (world.access.get(workspace_id) !== "owner") throw new Denied("FORBIDDEN");
        if (space.workspace.name === data["name"]) return space.workspace;
        space.workspace = { ...space.workspace, name: data["name"] as string, version: space.workspace.version + 1 };
        this.emit(`workspace:${workspace_id}`, "workspace.updated", space.workspace, op, at);
        return space.workspace;
      }
      case "profile.update": {
        if (world.user["name"] === data["name"]) return world.user;
        world.user = { ...world.user, name: data["name"], version: world.user.version + 1 };
        this.emit(`user:${ME}`, "profile.updated", world.user, op, at);
        for (const [workspace, { members }] of world.spaces) {
          const member = members.get(ME);
          if (!member) continue;
          const next = { ...member, user: publicUser(world.user), version: member.version + 1 };
          members.set(ME, next);
          this.emit(`workspace:${workspace}`, "member.updated", next, op, at);
        }
        return world.user;
      }
      default:
        throw new Denied("UNKNOWN_TYPE");
    }
  }

  /** Carries out a mutation. The user's may fail as `failures` says. */
  mutate(name: string, data: Data, op_id: string | undefined, me = true): Reply {
    const [request, known] = this.world.ops.get(op_id ?? "") ?? [];
    if (known && request !== JSON.stringify([name, data])) throw new Denied("CONFLICT");
    if (known) return { ...known, replayed: true };
    if (me && this.failures.length) throw this.failures.shift()!;
    const ops = data["ops"] as { type: Mutation; op_id?: string; data: Data }[] | undefined;
    if (name === "batch" && data["atomic"] === false) {
      const results = ops!.map((op) => {
        try {
          return this.mutate(op.type, op.data, op.op_id, me);
        } catch (error) {
          return { error: (error as Denied).failure };
        }
      });
      return { data: { results }, at: {} };
    }
    const at: Record<string, number> = {};
    const before = name === "batch" ? structuredClone(this.world) : undefined;
    let output: unknown;
    try {
      output = ops ? { results: ops.map((op) => ({ data: this.decide(op.type, op.data, op_id, at, me), at })) } : this.decide(name, data, op_id, at, me);
    } catch (error) {
      if (before) this.world = before;
      throw error;
    }
    const readable = Object.fromEntries(Object.entries(at).filter(([stream]) => this.streams().includes(stream)));
    const reply = structuredClone({ data: output, at: readable });
    if (op_id) {
      this.world.ops.set(op_id, [JSON.stringify([name, data]), reply]);
      this.world.done.set(op_id, (this.world.done.get(op_id) ?? 0) + 1);
    }
    return reply;
  }

  query(name: string, data: Data): unknown {
    const { world } = this;
    if (name === "user.sync") return this.user();
    const workspace_id = data["workspace_id"] as string;
    if (name !== "workspace.sync" || !world.access.has(workspace_id)) throw new Denied("NOT_FOUND");
    const { workspace, members, projects, tags, tasks } = world.spaces.get(workspace_id)!;
    const sorted = [...tasks.values()].sort((a, b) => (a.id < b.id ? -1 : 1)).filter(({ id }) => id > ((data["cursor"] as string) ?? ""));
    const page = sorted.slice(0, this.page);
    return structuredClone({
      seq: this.head(`workspace:${workspace_id}`),
      tasks: page,
      ...(sorted.length > page.length && { cursor: page.at(-1)!.id }),
      ...(!data["cursor"] && {
        workspace: { ...workspace, role: world.access.get(workspace_id) },
        members: [...members.values()],
        projects: [...projects.values()],
        tags: [...tags.values()],
      }),
    });
  }

  user() {
    const { world } = this;
    const workspaces = [...world.access].map(([id, role]) => ({ ...world.spaces.get(id)!.workspace, role }));
    return structuredClone({
      seq: this.head(`user:${ME}`), user: world.user, workspaces, invites: [],
      notifications: [...world.notifications.values()], unread: this.unread(),
    });
  }
}
