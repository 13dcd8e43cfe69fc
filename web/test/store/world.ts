// The rows and logs of a server in memory, and what all its mutations have in common.

import type { EventFrame, Failure, Task, Workspace } from "../../src/sdk/contract.js";

export type Row = Record<string, unknown> & { id: string; version: number };
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

export interface Space {
  workspace: Workspace & Row;
  members: Map<string, Data & { version: number }>;
  projects: Map<string, Row>;
  tags: Map<string, Row>;
  tasks: Map<string, Task & Row>;
  comments: Map<string, Row>;
}

export interface Rows {
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

const STAGES = [
  { key: "todo", name: "To do", kind: "open", color: null },
  { key: "doing", name: "Doing", kind: "active", color: null },
  { key: "done", name: "Done", kind: "done", color: null },
] as const;

export const publicUser = ({ id, username, name, photo_url }: Data) => ({ id, username, name, photo_url });

export class World {
  world: Rows;
  now = 1_800_000_000_000;

  constructor() {
    const user = {
      id: ME,
      username: "ada",
      name: "Ada",
      email: "ada@example.org",
      role: "user",
      plan: "free",
      is_active: true,
      is_verified: true,
      timezone: "UTC",
      preferences: {},
      photo_url: null,
      version: 1,
      created_at: this.time(),
      updated_at: this.time(),
    };
    this.world = {
      spaces: new Map(),
      user,
      access: new Map(),
      notifications: new Map(),
      logs: new Map(),
      ops: new Map(),
      done: new Map(),
    };
    for (const [id, kind] of [
      [HOME, "personal"],
      [TEAM, "team"],
    ] as const) {
      const workspace = {
        id,
        name: kind,
        kind,
        stages: [...STAGES],
        version: 1,
        created_at: this.time(),
        updated_at: this.time(),
      } as Workspace & Row;
      const member = { user: publicUser(user), role: "owner", joined_at: this.time(), version: 1 };
      const rest = { projects: new Map(), tags: new Map(), tasks: new Map(), comments: new Map() };
      this.world.spaces.set(id, { workspace, members: new Map([[ME, member]]), ...rest });
      this.world.access.set(id, "owner");
    }
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

  emit(stream: string, event: string, data: Data, op_id: string | undefined, at: Record<string, number>) {
    const log = this.world.logs.get(stream) ?? [];
    this.world.logs.set(stream, log);
    const seq = log.length + 1;
    const frame = {
      type: "event",
      stream,
      seq,
      event,
      at: this.time(),
      actor: { kind: "server" },
      data: structuredClone(data),
    };
    log.push({ ...frame, ...(op_id && { op_id }) } as unknown as EventFrame);
    at[stream] = seq;
  }

  protected change(
    space: Space,
    event: string,
    before: Row,
    next: Data,
    op: string | undefined,
    at: Record<string, number>,
    kind: "tasks" | "projects" | "tags",
  ) {
    if (JSON.stringify(before) === JSON.stringify({ ...before, ...next })) return before;
    const stamp = kind === "tags" ? {} : { updated_at: this.time() };
    const row = { ...before, ...next, version: before.version + 1, ...stamp };
    (space[kind] as Map<string, Row>).set(row.id, row);
    this.emit(`workspace:${space.workspace.id}`, event, row, op, at);
    return row;
  }

  protected find<K extends "tasks" | "projects" | "tags" | "comments">(kind: K, id: unknown): [Space, Row] {
    for (const [workspace, space] of this.world.spaces) {
      const row = this.world.access.has(workspace) && (space[kind] as Map<string, Row>).get(id as string);
      if (row) return [space, row];
    }
    throw new Denied("NOT_FOUND");
  }

  protected unread() {
    return [...this.world.notifications.values()].filter(({ is_read }) => !is_read).length;
  }

  notify(task_id: string | null, op: string | undefined, at: Record<string, number>) {
    const row = {
      id: id(),
      type: "TASK_UPDATED",
      title: "t",
      message: "m",
      is_read: false,
      task_id,
      workspace_id: TEAM,
      actor: null,
      version: 1,
      created_at: this.time(),
    };
    this.world.notifications.set(row.id, row);
    this.emit(`user:${ME}`, "notification.created", { ...row, unread: this.unread() }, op, at);
  }
}
