// What takes an operation back: another operation, by the entity before and after. Pure.

import type { Mutation, Task } from "../contract.js";
import type { State } from "../replica/state.js";
import { equal } from "./equal.js";
import type { Fields } from "./operation.js";
import { neighbour, type Placed } from "./position.js";

/** An operation that takes another one back. */
export interface Inverse {
  name: Mutation;
  data: Fields;
  /** What the entity must still have, so that nobody's later change is lost. */
  expect: Fields;
}

/** The fields of each entity that an update sets. */
const UPDATED: Record<string, string> = {
  task: "title description priority due_at all_day remind_at recurrence tags assignee_ids blocked_by project_id parent_id stage",
  project: "name color",
  tag: "name color",
  workspace: "name stages",
  profile: "name username timezone preferences",
  comment: "body",
  notification: "is_read",
};

const pick = (entity: Fields, keys: readonly string[]): Fields =>
  Object.fromEntries(keys.map((key) => [key, entity[key]]));

/** `preferences` are changed key by key. */
const patch = (before: Fields, after: Fields): Fields =>
  Object.fromEntries(
    Object.keys({ ...before, ...after })
      .filter((key) => !equal(before[key], after[key]))
      .map((key) => [key, before[key] ?? null]),
  );

/** What places an entity where it was. */
const place = (state: State, kind: string, before: Fields): Fields => {
  const was = before as unknown as Task;
  const among: Iterable<Placed> = state.workspaces.get(was.workspace_id)![kind === "task" ? "tasks" : "projects"];
  const above = neighbour(was, -1, among);
  if (above) return { after: above.id };
  const under = neighbour(was, 1, among);
  return under ? { before: under.id } : {};
};

/** What takes an operation back; `undefined` when nothing can. */
export const inverse = (
  state: State,
  { op_id, name, data }: { op_id: string; name: Mutation; data: Fields },
  before: Fields | undefined,
  after: Fields | undefined,
): Inverse | undefined => {
  const [kind, act] = name.split(".") as [string, string];
  const id = data["id"];
  const make = (name: string, data: Fields, expect: Fields = {}) => ({ name: name as Mutation, data, expect });
  if (act === "create")
    return kind in UPDATED ? make(`${kind}.delete`, { id: after?.["id"] ?? id ?? op_id }) : undefined;
  if (name === "task.restore") return make("task.delete", { id }, { is_deleted: false });
  if (!before || !after || before["id"] !== after["id"]) return undefined;
  if (name === "task.delete") return data["permanent"] ? undefined : make("task.restore", { id });
  if (act === "delete") return undefined;
  if (name === "project.archive") {
    return make(name, { id, archived: before["is_archived"] }, pick(after, ["is_archived"]));
  }
  const changed = (UPDATED[kind] ?? "").split(" ").filter((key) => !equal(before[key], after[key]));
  const moved = before["position"] !== after["position"];
  const fields = pick(before, changed);
  if ("preferences" in fields)
    fields["preferences"] = patch(fields["preferences"] as Fields, after["preferences"] as Fields);
  const expect = pick(
    after,
    moved && (after["version"] as number) > (before["version"] as number) ? [...changed, "position"] : changed,
  );
  const whose = kind === "workspace" ? { workspace_id: before["id"] } : kind === "profile" ? {} : { id };
  if (moved && kind === "task") {
    // `task.move` knows no `if_version`: an update that has one guards it.
    const ops = [
      { type: "task.update", data: { ...whose, ...fields } },
      { type: "task.move", data: { ...whose, ...place(state, kind, before) } },
    ];
    return make("batch", { ops, atomic: true }, expect);
  }
  if (!changed.length && !moved) return undefined;
  const update = kind === "notification" ? "notification.mark" : `${kind}.update`;
  return make(update, { ...whose, ...fields, ...(moved && place(state, kind, before)) }, expect);
};
