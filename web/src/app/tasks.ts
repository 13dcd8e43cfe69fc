// Questions about tasks that several views ask: which, in which order, blocked by what. Pure. Predicates keep their identity, so
// that a table remembers what they found.

import type { Project, Task, Workspace } from "../sdk/contract.js";
import type { View } from "../sdk/index.js";
import { currentZone, dateOf, dueDate } from "./time.js";

/** Tasks as people see them: those that are not deleted. */
export const isLive = (task: Task): boolean => !task.is_deleted;
export const isPending = (task: Task): boolean => !task.is_deleted && !task.completed;
export const isDue = (task: Task): boolean => isPending(task) && task.due_at !== null;

const kept = new Map<string, (task: Task) => boolean>();

/** A predicate by its name: the same function each time. */
const remembered = (name: string, test: (task: Task) => boolean): ((task: Task) => boolean) => {
  let held = kept.get(name);
  if (!held) kept.set(name, (held = test));
  return held;
};

export const inProject = (project: string): ((task: Task) => boolean) =>
  remembered(`project ${project}`, (task) => isLive(task) && task.project_id === project);

/** Also those that are deleted. */
export const everIn = (project: string): ((task: Task) => boolean) =>
  remembered(`ever in ${project}`, (task) => task.project_id === project);

export const assignedTo = (user: string): ((task: Task) => boolean) =>
  remembered(`assignee ${user}`, (task) => isPending(task) && task.assignee_ids.includes(user));

export const childOf = (parent: string): ((task: Task) => boolean) =>
  remembered(`parent ${parent}`, (task) => isLive(task) && task.parent_id === parent);

/** What is due from one date to another one, both included. */
export const dueWithin = (from: string, to: string): ((task: Task) => boolean) =>
  remembered(`due ${currentZone()} ${from} ${to}`, (task) => isDue(task) && dueDate(task)! >= from && dueDate(task)! <= to);

/** The first and the last date that there are. */
export const EVER = { from: "0000-00-00", to: "9999-12-31" };

/** What is on a calendar between two dates: done or not, in a project or in all. */
export const dated = (project: string | undefined, from: string, to: string): ((task: Task) => boolean) =>
  remembered(`dated ${currentZone()} ${project} ${from} ${to}`, (task) => {
    const date = isLive(task) && (!project || task.project_id === project) ? dueDate(task) : undefined;
    return !!date && date >= from && date <= to;
  });

/** What was completed on a date. */
export const completedOn = (date: string): ((task: Task) => boolean) =>
  remembered(
    `completed ${currentZone()} ${date}`,
    (task) => isLive(task) && !!task.completed_at && dateOf(Date.parse(task.completed_at)) === date,
  );

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The order that people give tasks by moving them. */
export const byPosition = (a: Task, b: Task): number => compare(a.position, b.position) || compare(a.id, b.id);

const URGENCY: Record<string, number> = { urgent: 0, high: 1, medium: 2, low: 3, none: 4 };
export const PRIORITIES = ["urgent", "high", "medium", "low", "none"] as const;

/** By the day they are due, whole days first, then the more urgent ones. */
export const byDue = (a: Task, b: Task): number =>
  compare(dueDate(a) ?? "~", dueDate(b) ?? "~") ||
  Number(b.all_day) - Number(a.all_day) ||
  compare(a.due_at ?? "~", b.due_at ?? "~") ||
  URGENCY[a.priority]! - URGENCY[b.priority]! ||
  byPosition(a, b);

/** The tasks of all workspaces that pass. */
export const everywhere = (view: View, test: (task: Task) => boolean): Task[] => {
  const all: Task[] = [];
  for (const space of view.workspaces) for (const task of space.tasks.filter(test)) all.push(task);
  return all;
};

const counts = new WeakMap<object, WeakMap<object, number>>();

/** How many tasks of all workspaces pass: counted again only in tables that changed. */
export const countEverywhere = (view: View, test: (task: Task) => boolean): number => {
  let sum = 0;
  for (const { tasks } of view.workspaces) {
    let known = counts.get(tasks);
    if (!known) counts.set(tasks, (known = new WeakMap()));
    let count = known.get(test);
    if (count === undefined) known.set(test, (count = tasks.filter(test).length));
    sum += count;
  }
  return sum;
};

/** A task by its id, wherever it is. */
export const findTask = (view: View, id: string): Task | undefined => {
  for (const space of view.workspaces) {
    const task = space.tasks.get(id);
    if (task) return task;
  }
  return undefined;
};

/** Whether a task that is pending is in its way. */
export const isBlocked = (view: View, task: Task): boolean => {
  if (!task.blocked_by.length) return false;
  const tasks = view.workspaces.get(task.workspace_id)?.tasks;
  return task.blocked_by.some((id) => {
    const blocker = tasks?.get(id);
    return blocker && isPending(blocker);
  });
};

/** The projects of a workspace in their order; archived ones not. */
export const projectsOf = (view: View, workspace: string): Project[] =>
  [...(view.workspaces.get(workspace)?.projects ?? [])]
    .filter((project) => !project.is_archived)
    .sort((a, b) => compare(a.position, b.position) || compare(a.id, b.id));

/** The person's workspaces: the personal one first, then by name. */
export const workspacesOf = (view: View): Workspace[] =>
  [...(view.user?.workspaces ?? [])].sort(
    (a, b) => Number(b.kind === "personal") - Number(a.kind === "personal") || a.name.localeCompare(b.name),
  );

/** What the person may do in a workspace. */
export const mayWrite = (view: View, workspace: string): boolean => {
  const role = view.user?.workspaces.get(workspace)?.role;
  return role !== undefined && role !== "viewer";
};

export const mayManage = (view: View, workspace: string): boolean => {
  const role = view.user?.workspaces.get(workspace)?.role;
  return role === "owner" || role === "admin";
};
