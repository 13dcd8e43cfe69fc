// Counts tasks as the server does for a workspace. Pure but for what it remembers: the dates of a task are found out once.

import type { KeyCount, Stats, Task } from "../../../sdk/contract.js";
import { daysFrom } from "../../dates.js";
import { PRIORITIES } from "../../tasks.js";
import { addDays, currentZone, dateOf, dueDate, isOverdue } from "../../time.js";

interface Dates {
  zone: string;
  created: string;
  completed: string | undefined;
}

const known = new WeakMap<Task, Dates>();

const datesOf = (task: Task): Dates => {
  const zone = currentZone();
  const held = known.get(task);
  if (held?.zone === zone) return held;
  const completed = task.completed_at ? dateOf(Date.parse(task.completed_at)) : undefined;
  const made = { zone, created: dateOf(Date.parse(task.created_at)), completed };
  known.set(task, made);
  return made;
};

/** How often there is each key. */
const counted = <K>(keys: readonly K[]): Map<K, number> => {
  const counts = new Map<K, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
};

const mostFirst = (keys: readonly (string | null)[]): KeyCount[] =>
  [...counted(keys)].map(([key, count]) => ({ key, count })).sort((a, b) => b.count - a.count);

/** The numbers of these tasks at a moment, with so many days. */
export const count = (tasks: readonly Task[], now: number, days: number): Stats => {
  const today = dateOf(now);
  const live = tasks.filter((task) => !task.is_deleted);
  const pending = live.filter((task) => !task.completed);
  const dates = daysFrom(addDays(today, 1 - days), days);
  const created = counted(live.map((task) => datesOf(task).created));
  const completed = counted(live.map((task) => datesOf(task).completed));
  const priorities = counted(pending.map(({ priority }) => priority));
  const perDay = (counts: Map<string | undefined, number>) => dates.map((date) => ({ date, count: counts.get(date) ?? 0 }));
  return {
    total: live.length,
    pending: pending.length,
    completed: live.length - pending.length,
    overdue: pending.filter((task) => isOverdue(task, now)).length,
    due_today: pending.filter((task) => dueDate(task) === today).length,
    deleted: tasks.length - live.length,
    created_per_day: perDay(created),
    completed_per_day: perDay(completed),
    by_priority: PRIORITIES.filter((key) => priorities.has(key)).map((key) => ({ key, count: priorities.get(key)! })),
    by_project: mostFirst(pending.map(({ project_id }) => project_id)),
    by_assignee: mostFirst(pending.flatMap(({ assignee_ids }): (string | null)[] => (assignee_ids.length ? assignee_ids : [null]))),
  };
};
