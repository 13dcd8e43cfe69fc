// Today: what is due today or was due before, in all workspaces.

import { useNow, useView } from "../../hooks.js";
import { TaskRow } from "../../parts/task-row.js";
import { byDue, everywhere, isDue } from "../../tasks.js";
import { T } from "../../texts.js";
import { dateOf, dueDate } from "../../time.js";

export default function Today() {
  const today = dateOf(useNow());
  const tasks = useView((view) =>
    everywhere(view, isDue)
      .filter((task) => dueDate(task)! <= today)
      .sort(byDue),
  );
  return (
    <div class="view">
      <header class="view-head">
        <h1>{T.places.today}</h1>
      </header>
      {tasks.length === 0 && <p class="empty">{T.task.empty}</p>}
      <ul class="rows">
        {tasks.map((task) => (
          <li key={task.id}>
            <TaskRow task={task} where />
          </li>
        ))}
      </ul>
    </div>
  );
}
