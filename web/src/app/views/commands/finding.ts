// Finds what was typed among everything that the palette offers, and among all tasks, in steps that leave time for typing.

import { useEffect, useState } from "preact/hooks";
import type { Task } from "../../../sdk/contract.js";
import type { Shared, View } from "../../../sdk/index.js";
import { best, fitOf, searchOf, type Found } from "../../commands/match.js";
import { openTask } from "../../places.js";
import { T } from "../../texts.js";
import type { Entry } from "./entries.js";

const MOST = 12;
/** Milliseconds of one step. */
const STEP = 6;
/** What is no task is found first, at the same fit; what is completed, last. */
const NO_TASK = 60;
const COMPLETED = -150;

function* liveTasks(view: View): Generator<Task> {
  for (const space of view.workspaces) for (const task of space.tasks) if (!task.is_deleted) yield task;
}

const entryOf = (view: View, task: Task): Entry => {
  const space = view.workspaces.get(task.workspace_id);
  const project = task.project_id ? space?.projects.get(task.project_id)?.name : undefined;
  return {
    key: task.id,
    kind: "task",
    label: task.title,
    where: [task.completed && T.commands.completed, project ?? space?.workspace.name].filter(Boolean).join(" · "),
    icon: task.completed ? "check" : "board",
    run: () => openTask(task.id),
  };
};

const together = (entries: readonly Found<Entry>[], tasks: readonly Found<Task>[], view: View): Entry[] =>
  [
    ...entries.map(({ item, fit }) => ({ item, fit: fit + NO_TASK })),
    ...tasks.map(({ item, fit }) => ({ item: entryOf(view, item), fit: fit + (item.completed ? COMPLETED : 0) })),
  ]
    .sort((a, b) => b.fit - a.fit)
    .slice(0, MOST)
    .map(({ item }) => item);

const among = (entries: readonly Entry[], query: string): readonly Found<Entry>[] => {
  const found = best<Entry>(MOST);
  for (const entry of entries)
    found.add(entry, Math.max(fitOf(query, entry.label.toLowerCase()), fitOf(query, (entry.where ?? "").toLowerCase()) / 3));
  return found.all();
};

/** The best of everything for what was typed: soon from the first tasks, then from all. */
export const useFound = (store: Shared, entries: readonly Entry[], typed: string): Entry[] => {
  const query = typed.trim().toLowerCase().replace(/\s+/g, " ");
  const [found, set] = useState<Entry[]>([]);
  useEffect(() => {
    if (!query) return set([]);
    const view = store.state;
    const known = among(entries, query);
    const search = searchOf(liveTasks(view), ({ title }) => title, query, MOST);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const step = (isFirst: boolean) => {
      const isThrough = search.step(STEP);
      if (isFirst || isThrough) set(together(known, search.found(), view));
      if (!isThrough) timer = setTimeout(() => step(false));
    };
    step(true);
    return () => clearTimeout(timer);
  }, [store, entries, query]);
  return found;
};
