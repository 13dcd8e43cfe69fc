// The rows of the list: tasks in their order and their groups, subtasks below their parents. Pure.

import { stageOf, type Grouping } from "../../arrange.js";
import type { Stage, Task } from "../../../sdk/contract.js";
import { PRIORITIES } from "../../tasks.js";

/** Subtasks nest two levels. */
export const DEEPEST = 2;

export interface Group {
  /** What its tasks have in common: a stage, a priority, a user, or nobody as "". */
  value: string;
  label: string;
  /** Of a stage. */
  color?: string | null;
  kind?: Stage["kind"];
}

export interface TaskRow {
  kind: "task";
  key: string;
  task: Task;
  depth: number;
  /** How many are right below it. */
  children: number;
  isOpen: boolean;
}

export interface GroupRow {
  kind: "group";
  key: string;
  group: Group;
  count: number;
  isOpen: boolean;
}

export type Row = TaskRow | GroupRow;

export interface Grouped {
  by: Grouping;
  /** In their order. */
  groups: readonly Group[];
  stages: readonly Stage[];
}

/** The groups that a task is in. */
const valuesOf = (task: Task, { by, stages }: Grouped): readonly string[] => {
  if (by === "stage") return [stageOf(stages, task)];
  if (by === "priority") return [task.priority];
  return task.assignee_ids.length ? task.assignee_ids : [""];
};

/** Rows of tasks that are sorted. A subtask stands below its parent where that is shown too, else by itself. */
const nest = (tasks: readonly Task[], closed: ReadonlySet<string>, suffix: string, rows: Row[]): void => {
  const parents = new Set<string>();
  for (const { parent_id } of tasks) if (parent_id) parents.add(parent_id);
  const shown = new Set<string>();
  if (parents.size) for (const { id } of tasks) if (parents.has(id)) shown.add(id);
  const below = new Map<string, Task[]>();
  const roots: Task[] = [];
  for (const task of tasks) {
    const parent = task.parent_id;
    if (!parent || !shown.has(parent)) roots.push(task);
    else if (below.has(parent)) below.get(parent)!.push(task);
    else below.set(parent, [task]);
  }
  const add = (task: Task, depth: number) => {
    const children = below.get(task.id) ?? [];
    const isOpen = !closed.has(task.id);
    rows.push({ kind: "task", key: task.id + suffix, task, depth, children: children.length, isOpen });
    if (isOpen && depth < DEEPEST) for (const child of children) add(child, depth + 1);
  };
  for (const task of roots) add(task, 0);
};

/** All rows. `closed` are the keys of groups and the ids of tasks whose inside is not shown. */
export const outline = (tasks: readonly Task[], grouped: Grouped, closed: ReadonlySet<string>): readonly Row[] => {
  const rows: Row[] = [];
  if (grouped.by === "none") {
    nest(tasks, closed, "", rows);
    return rows;
  }
  const parts = new Map<string, Task[]>(grouped.groups.map(({ value }) => [value, []]));
  for (const task of tasks) for (const value of valuesOf(task, grouped)) parts.get(value)?.push(task);
  for (const group of grouped.groups) {
    const part = parts.get(group.value)!;
    // Stages are places to add to, also when they are empty.
    if (!part.length && grouped.by !== "stage") continue;
    const key = `group ${group.value}`;
    const isOpen = !closed.has(key);
    rows.push({ kind: "group", key, group, count: part.length, isOpen });
    if (isOpen) nest(part, closed, grouped.by === "assignee" ? ` ${group.value}` : "", rows);
  }
  return rows;
};

/** The groups by priority, in their order. */
export const priorityGroups = (names: Record<string, string>): Group[] =>
  PRIORITIES.map((value) => ({ value, label: names[value] ?? value }));

/** The rows of the tasks that have the same parent and group as a row, in their order. */
export const siblings = (rows: readonly Row[], key: string): readonly TaskRow[] => {
  const at = rows.findIndex((row) => row.key === key);
  const row = rows[at];
  if (row?.kind !== "task") return [];
  const found = [row];
  const gather = (step: 1 | -1) => {
    for (let i = at + step; ; i += step) {
      const other = rows[i];
      if (other?.kind !== "task" || other.depth < row.depth) return;
      if (other.depth === row.depth) step > 0 ? found.push(other) : found.unshift(other);
    }
  };
  gather(-1);
  gather(1);
  return found;
};

/** Where a row that is dragged goes. */
export interface Drop {
  /** The line is above this row. */
  at: number;
  depth: number;
  parent: string | null;
  before: string | undefined;
  after: string | undefined;
  /** The group that it comes into. */
  group: Group | undefined;
}

/** How many levels are below a task. */
export const heightOf = (tasks: readonly Task[], id: string): number => {
  const children = new Set(tasks.filter((task) => task.parent_id === id).map((task) => task.id));
  if (!children.size) return 0;
  return tasks.some((task) => task.parent_id && children.has(task.parent_id)) ? 2 : 1;
};

/** Rows without one and what is below it. */
export const withoutRow = (rows: readonly Row[], key: string): readonly Row[] => {
  const from = rows.findIndex((row) => row.key === key);
  const row = rows[from];
  if (row?.kind !== "task") return rows;
  let to = from + 1;
  for (let next = rows[to]; next?.kind === "task" && next.depth > row.depth; next = rows[++to]);
  return [...rows.slice(0, from), ...rows.slice(to)];
};

/**
 * Where a task comes when it is let go between two rows: it becomes a sibling of the one below the line, or of an ancestor of
 * that when it would be nested too deep. `rows` are those without it; `height` is how many levels it has below it.
 */
export const dropAt = (rows: readonly Row[], line: number, height: number): Drop => {
  let at = Math.max(rows[0]?.kind === "group" ? 1 : 0, Math.min(line, rows.length));
  const next = rows[at];
  const depth = next?.kind === "task" ? Math.min(next.depth, Math.max(0, DEEPEST - height)) : 0;
  // The ancestor is further up.
  for (let row = rows[at]; row?.kind === "task" && row.depth > depth; row = rows[--at]);
  const row = rows[at];
  const below = row?.kind === "task" ? row : undefined;
  let above: TaskRow | undefined;
  for (let i = at - 1; !above; i--) {
    const other = rows[i];
    if (other?.kind !== "task" || other.depth < depth) break;
    if (other.depth === depth) above = other;
  }
  return {
    at,
    depth,
    parent: depth ? (below?.task.parent_id ?? null) : null,
    before: below?.task.id,
    after: below ? undefined : above?.task.id,
    group: rows.slice(0, at).findLast((row) => row.kind === "group")?.group,
  };
};

/** What `task.move` is told to bring a row there; nothing when it is there. The groups, if any, are stages. */
export const moveOf = (rows: readonly Row[], row: TaskRow, drop: Drop, stages: readonly Stage[]) => {
  const { task } = row;
  const beside = siblings(rows, row.key);
  const at = beside.indexOf(row);
  const isNested = drop.depth > 0 || row.depth > 0;
  const isOther = isNested && drop.parent !== task.parent_id;
  const isMoved = drop.group !== undefined && drop.group.value !== stageOf(stages, task);
  const isSame = drop.before ? beside[at + 1]?.task.id === drop.before : beside[at - 1]?.task.id === drop.after && at === beside.length - 1;
  if (isSame && !isOther && !isMoved) return undefined;
  return {
    id: task.id,
    ...(isOther && { parent_id: drop.parent }),
    ...(isMoved && { stage: drop.group!.value }),
    ...(drop.before ? { before: drop.before } : drop.after ? { after: drop.after } : {}),
  };
};
