// Which tasks of a workspace or project are shown, and in which order: the filter that board and list share, and the sorting of
// the list. Pure. Knows no view and no storage.

import type { Priority, Stage, Task } from "../sdk/contract.js";
import { byPosition, isLive, PRIORITIES } from "./tasks.js";
import { currentZone, dueDate } from "./time.js";

/** What has to hold of a task. An empty text asks for nothing. */
export interface Filter {
  text: string;
  /** A user, or {@link NOBODY}. */
  assignee: string;
  priority: Priority | "";
  tag: string;
}

export const NOBODY = "nobody";
export const NO_FILTER: Filter = { text: "", assignee: "", priority: "", tag: "" };

type Test = (task: Task) => boolean;

export const isFiltering = (filter: Filter): boolean => Object.values(filter).some((value) => value !== "");

/** Whether a title has all words of a text. */
export const titled = (text: string): ((title: string) => boolean) => {
  const words = text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  return (title) => !words.length || words.every((word) => title.toLocaleLowerCase().includes(word));
};

/** The tasks of a project, or of all, that pass a filter. */
export const passes = ({ text, assignee, priority, tag }: Filter, project: string | undefined): Test => {
  const has = titled(text);
  return (task) =>
    isLive(task) &&
    (project === undefined || task.project_id === project) &&
    (!assignee || (assignee === NOBODY ? !task.assignee_ids.length : task.assignee_ids.includes(assignee))) &&
    (!priority || task.priority === priority) &&
    (!tag || task.tags.includes(tag)) &&
    has(task.title);
};

/** What a new task needs so that a filter shows it, apart from the text. */
export const fitting = ({ assignee, priority, tag }: Filter) => ({
  ...(assignee && assignee !== NOBODY && { assignee_ids: [assignee] }),
  ...(priority && { priority }),
  ...(tag && { tags: [tag] }),
});

/** The stage in which a task is shown: its own, or one of the same meaning where the workspace does not have it. */
export const stageOf = (stages: readonly Stage[], task: Task): string => {
  if (stages.some(({ key }) => key === task.stage)) return task.stage;
  return stages.find(({ kind }) => kind === (task.completed ? "done" : "open"))?.key ?? "";
};

export const SORTS = ["order", "due", "priority", "title", "updated"] as const;
export type Sort = (typeof SORTS)[number];
export const GROUPS = ["none", "stage", "priority", "assignee"] as const;
export type Grouping = (typeof GROUPS)[number];

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const rank = new Map<string, number>(PRIORITIES.map((priority, i) => [priority, i]));
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** When tasks are due as a text to compare, whole days first: dates in a zone are slow to find. */
let dues = { zone: "", known: new WeakMap<Task, string>() };

const dueKey = (task: Task): string => {
  if (task.due_at === null) return "~";
  if (dues.zone !== currentZone()) dues = { zone: currentZone(), known: new WeakMap() };
  let key = dues.known.get(task);
  if (!key) dues.known.set(task, (key = `${dueDate(task)} ${task.all_day ? "" : task.due_at}`));
  return key;
};

/** The orders of the list, each a total one. */
export const COMPARE: Record<Sort, (a: Task, b: Task) => number> = {
  order: byPosition,
  due: (a, b) => compare(dueKey(a), dueKey(b)) || rank.get(a.priority)! - rank.get(b.priority)! || byPosition(a, b),
  priority: (a, b) => rank.get(a.priority)! - rank.get(b.priority)! || byPosition(a, b),
  title: (a, b) => collator.compare(a.title, b.title) || byPosition(a, b),
  updated: (a, b) => compare(b.updated_at, a.updated_at) || byPosition(a, b),
};

/** A place among others, as `task.move` is told it. The task that is moved is not among them. */
export const placeAt = (others: readonly Task[], at: number): { before?: string; after?: string } => {
  const next = others[at];
  const previous = others[Math.min(at, others.length) - 1];
  return next ? { before: next.id } : previous ? { after: previous.id } : {};
};
