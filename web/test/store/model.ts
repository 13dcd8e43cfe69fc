// A server in memory, as small as a test of the client needs: logs with a `seq`, versions, `op_id`s, refusals, pages, epochs.

import type { Limits, Mutation, Welcome } from "../../src/sdk/contract.js";
import { Deeds } from "./deeds.js";
import { Denied, ME, publicUser, TEAM, type Data, type Reply, type Rows } from "./world.js";

export { Denied, HOME, id, ME, OTHER, resetIds, TEAM, type Data } from "./world.js";

const LIMITS: Limits = { frame_bytes: 65536, in_flight: 64, batch: 100, streams: 256, ops_per_second: 50, burst: 200 };

export class Model extends Deeds {
  epoch = "e1";
  /** The entry up to which each log is cut off. */
  cut = new Map<string, number>();
  /** The next mutations of the user fail so. */
  failures: Denied[] = [];
  page = 3;
  private backup: Rows = structuredClone(this.world);

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
        at === undefined
          ? "new"
          : resume!.epoch !== this.epoch
            ? "epoch"
            : at > head
              ? "unknown"
              : at < (this.cut.get(stream) ?? 0)
                ? "expired"
                : "";
      return { stream, seq: head, resumed: !reason, ...(reason && { reason }) };
    });
    return {
      protocol: 1,
      revision: 2,
      server: {},
      epoch: this.epoch,
      user: this.world.user,
      session: {},
      heartbeat_ms: 25000,
      limits: LIMITS,
      streams,
    } as unknown as Welcome;
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
      output = ops
        ? { results: ops.map((op) => ({ data: this.decide(op.type, op.data, op_id, at, me), at })) }
        : this.decide(name, data, op_id, at, me);
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
    const sorted = [...tasks.values()]
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .filter(({ id }) => id > ((data["cursor"] as string) ?? ""));
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
      seq: this.head(`user:${ME}`),
      user: world.user,
      workspaces,
      invites: [],
      notifications: [...world.notifications.values()],
      unread: this.unread(),
    });
  }
}
