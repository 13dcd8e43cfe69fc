// What each mutation does to the rows of a server in memory. It is written on its own, and not with the client's code.

import type { EventFrame, Task } from "../../src/sdk/contract.js";
import { Denied, HOME, id, ME, OTHER, publicUser, World, type Data, type Row, type Space } from "./world.js";

export class Deeds extends World {
  private entered(space: Space, task: Data, key: unknown): Data {
    const stage = space.workspace.stages.find((stage) => stage.key === key);
    if (!stage) throw new Denied("VALIDATION_ERROR");
    const completed = stage.kind === "done";
    return {
      stage: key,
      completed,
      completed_at: completed === task["completed"] ? task["completed_at"] : completed ? this.time() : null,
    };
  }

  private edit(name: string, data: Data, op: string | undefined, at: Record<string, number>, me: boolean): unknown {
    const [space, row] = this.find("tasks", data["id"]);
    const task = row as unknown as Task & Row;
    if (task.is_deleted) throw new Denied("CONFLICT");
    if (data["if_version"] !== undefined && data["if_version"] !== task.version)
      throw new Denied("VERSION_CONFLICT", { current: task });
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
      const others = [...space.tasks.values()]
        .filter(({ id }) => id !== task.id)
        .map(({ position }) => position)
        .sort();
      const place = others.indexOf(anchor["position"] as string);
      // A place of the server's own, which a client cannot know.
      next["position"] = data["before"] ? `${others[place - 1] ?? ""}h` : `${others[place]}h`;
    }
    for (const tag of (next["tags"] as string[] | undefined) ?? [])
      if (![...space.tags.values()].some((held) => held["name"] === tag)) this.tag(space, tag, op, at);
    const completed = next["completed"] ?? task.completed;
    const event =
      completed !== task.completed
        ? completed
          ? "task.completed"
          : "task.reopened"
        : name === "task.move"
          ? "task.moved"
          : "task.updated";
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

  /** Carries out a mutation without looking at its `op_id`. */
  protected decide(name: string, data: Data, op: string | undefined, at: Record<string, number>, me: boolean): unknown {
    const { world } = this;
    const who = me ? ME : OTHER;
    switch (name) {
      case "task.create": {
        const workspace_id = (data["workspace_id"] as string) ?? HOME;
        const space = world.access.has(workspace_id) ? world.spaces.get(workspace_id)! : undefined;
        if (!space) throw new Denied("NOT_FOUND");
        if ([...world.spaces.values()].some(({ tasks }) => tasks.has(data["id"] as string)))
          throw new Denied("CONFLICT");
        if (!String(data["title"]).trim()) throw new Denied("VALIDATION_ERROR");
        if (data["project_id"]) this.find("projects", data["project_id"]);
        const made = id();
        const task = {
          id: (data["id"] as string) ?? made,
          workspace_id,
          project_id: data["project_id"] ?? null,
          parent_id: data["parent_id"] ?? null,
          title: String(data["title"]).trim(),
          description: data["description"] ?? null,
          completed: false,
          completed_at: null,
          stage: "todo",
          blocked_by: [],
          priority: data["priority"] ?? "none",
          due_at: data["due_at"] ?? null,
          all_day: false,
          remind_at: null,
          recurrence: null,
          position: made.replaceAll("-", ""),
          tags: data["tags"] ?? [],
          assignee_ids: [],
          comment_count: 0,
          attachment_count: 0,
          is_deleted: false,
          deleted_at: null,
          version: 1,
          created_by: who,
          created_at: this.time(),
          updated_at: this.time(),
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
            this.change(
              space,
              restore ? "task.restored" : "task.deleted",
              child,
              { is_deleted: !restore, deleted_at: moment, ...(data["permanent"] ? { parent_id: null } : {}) },
              op,
              at,
              "tasks",
            );
          else if (data["permanent"]) this.change(space, "task.updated", child, { parent_id: null }, op, at, "tasks");
        if (data["permanent"]) {
          space.tasks.delete(row.id);
          for (const [stream, log] of world.logs)
            world.logs.set(
              stream,
              log.map((frame) => {
                const seen = frame.data as unknown as Data;
                const about = seen["id"] === row.id || seen["task_id"] === row.id;
                return about ? ({ ...frame, data: { id: seen["id"], purged: true } } as unknown as EventFrame) : frame;
              }),
            );
          for (const comment of [...space.comments.values()])
            if (comment["task_id"] === row.id) space.comments.delete(comment.id);
          for (const held of [...world.notifications.values()])
            if (held["task_id"] === row.id) {
              world.notifications.delete(held.id);
              this.emit(`user:${ME}`, "notification.deleted", { id: held.id, unread: this.unread() }, op, at);
            }
          this.emit(stream, "task.purged", { id: row.id, version: row.version + 1 }, op, at);
          return { id: row.id, version: row.version + 1 };
        }
        return this.change(
          space,
          restore ? "task.restored" : "task.deleted",
          row,
          { is_deleted: !restore, deleted_at: moment },
          op,
          at,
          "tasks",
        );
      }
      case "project.create": {
        const workspace_id = data["workspace_id"] as string;
        if (!world.access.has(workspace_id)) throw new Denied("NOT_FOUND");
        const made = id();
        const row = {
          id: made,
          workspace_id,
          name: data["name"],
          color: null,
          position: made.replaceAll("-", ""),
          is_archived: false,
          version: 1,
          created_at: this.time(),
          updated_at: this.time(),
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
          if (task.project_id === row.id)
            this.change(space, "task.updated", task, { project_id: null }, op, at, "tasks");
        space.projects.delete(row.id);
        this.emit(
          `workspace:${space.workspace.id}`,
          "project.deleted",
          { id: row.id, version: row.version + 1 },
          op,
          at,
        );
        return { id: row.id, version: row.version + 1 };
      }
      case "tag.update": {
        const [space, row] = this.find("tags", data["id"]);
        const was = row["name"];
        const other = [...space.tags.values()].find((tag) => tag["name"] === data["name"] && tag.id !== row.id);
        for (const task of [...space.tasks.values()])
          if (task.tags.includes(was as string))
            this.change(
              space,
              "task.updated",
              task,
              { tags: [...new Set(task.tags.map((tag) => (tag === was ? data["name"] : tag)))] },
              op,
              at,
              "tasks",
            );
        if (!other) return this.change(space, "tag.updated", row, { name: data["name"] }, op, at, "tags");
        space.tags.delete(row.id);
        this.emit(`workspace:${space.workspace.id}`, "tag.deleted", { id: row.id, version: row.version + 1 }, op, at);
        return other;
      }
      case "comment.create": {
        const [space, row] = this.find("tasks", data["task_id"]);
        if (row["is_deleted"]) throw new Denied("CONFLICT");
        const comment = {
          id: id(),
          task_id: row.id,
          body: data["body"],
          author: publicUser(world.user),
          mentions: [],
          version: 1,
          created_at: this.time(),
          updated_at: this.time(),
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
}
