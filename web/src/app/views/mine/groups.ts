// Puts tasks in groups: by what they are in, or by when they are due. Pure.

import type { Task } from "../../../sdk/contract.js";
import type { View } from "../../../sdk/index.js";
import { byDue, byPosition, projectsOf, workspacesOf } from "../../tasks.js";
import { T } from "../../texts.js";
import { addDays, dueDate } from "../../time.js";

export interface Group {
  key: string;
  title: string;
  tasks: Task[];
  workspace?: string;
  project?: string | undefined;
  color?: string | null | undefined;
}

/** The places of tasks, in the order of the navigation. */
export const places = (view: View): Group[] =>
  workspacesOf(view).flatMap(({ id, name }) => {
    const held = view.workspaces.get(id);
    const archived = [...(held?.projects ?? [])].filter((project) => project.is_archived);
    const inside = [...projectsOf(view, id), ...archived].map((project) => ({
      key: project.id,
      title: `${name} · ${project.name}`,
      tasks: [],
      workspace: id,
      project: project.id,
      color: project.color,
    }));
    return [{ key: id, title: name, tasks: [], workspace: id }, ...inside];
  });

/** Tasks by workspace and project; a project that is not known counts as its workspace. */
export const byPlace = (view: View, tasks: readonly Task[]): Group[] => {
  const groups = places(view);
  const known = new Map(groups.map((group) => [group.key, group]));
  for (const task of tasks) (known.get(task.project_id ?? "") ?? known.get(task.workspace_id))?.tasks.push(task);
  const filled = groups.filter((group) => group.tasks.length);
  for (const group of filled) group.tasks.sort(byPosition);
  return filled;
};

/** Tasks by how soon they are due. */
export const bySoon = (tasks: readonly Task[], today: string): Group[] => {
  const ends: [string, string][] = [
    [T.lists.overdue, addDays(today, -1)],
    [T.lists.today, today],
    [T.lists.tomorrow, addDays(today, 1)],
    [T.lists.soon, addDays(today, 7)],
    [T.lists.later, "~"],
  ];
  const groups: Group[] = [...ends.map(([title]) => title), T.lists.noDate].map((title) => ({ key: title, title, tasks: [] }));
  for (const task of [...tasks].sort(byDue)) {
    const date = dueDate(task);
    const at = date === undefined ? ends.length : ends.findIndex(([, end]) => date <= end);
    groups[at]!.tasks.push(task);
  }
  return groups.filter((group) => group.tasks.length);
};
