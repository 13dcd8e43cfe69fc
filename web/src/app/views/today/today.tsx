// Today: what was due before, what is due today, and what was completed today, in all workspaces.

import { useMemo } from "preact/hooks";
import type { Task } from "../../../sdk/contract.js";
import { useNow, useView } from "../../hooks.js";
import { Icon } from "../../parts/icons.js";
import { useMoving } from "../../parts/moving.js";
import { FoldedGroup, TaskGroup } from "../../parts/task-group.js";
import { href } from "../../places.js";
import { overlay } from "../../shell/shortcuts.js";
import { byDue, completedOn, dueWithin, EVER, everywhere } from "../../tasks.js";
import { T } from "../../texts.js";
import { addDays, dateOf } from "../../time.js";
import { dateText } from "../../dates.js";

const byCompletion = (a: Task, b: Task): number => (a.completed_at! < b.completed_at! ? 1 : -1);

const useTasks = (test: (task: Task) => boolean, order: (a: Task, b: Task) => number): Task[] => {
  const tasks = useView((view) => everywhere(view, test));
  return useMemo(() => [...tasks].sort(order), [tasks, order]);
};

const Empty = () => (
  <div class="empty friendly">
    <Icon name="today" size={48} />
    <h2>{T.lists.allDone}</h2>
    <p>{T.lists.allDoneHint}</p>
    <p class="actions">
      <button type="button" class="primary" onClick={() => (overlay.value = "quick-add")}>
        {T.task.new}
      </button>
      <a class="button" href={href({ scene: { at: "upcoming" } })}>
        {T.lists.seeUpcoming}
      </a>
    </p>
  </div>
);

export default function Today() {
  const today = dateOf(useNow());
  const { moveAll } = useMoving();
  const ready = useView((view) => view.synced || view.workspaces.size > 0);
  const overdue = useTasks(dueWithin(EVER.from, addDays(today, -1)), byDue);
  const due = useTasks(dueWithin(today, today), byDue);
  const completed = useTasks(completedOn(today), byCompletion);
  return (
    <div class="view">
      <header class="view-head">
        <h1>{T.places.today}</h1>
        <p class="quiet-text">{dateText(today, "day")}</p>
      </header>
      {!ready && <p class="quiet-text loading">{T.loading}</p>}
      {ready && !overdue.length && !due.length && <Empty />}
      {overdue.length > 0 && (
        <TaskGroup
          title={T.lists.overdue}
          tasks={overdue}
          tone="bad"
          actions={
            <button type="button" class="small" onClick={() => moveAll(overdue, today)}>
              {T.lists.moveAll}
            </button>
          }
        />
      )}
      {due.length > 0 && <TaskGroup title={T.lists.today} tasks={due} />}
      {completed.length > 0 && <FoldedGroup title={T.lists.completedToday} tasks={completed} />}
    </div>
  );
}
