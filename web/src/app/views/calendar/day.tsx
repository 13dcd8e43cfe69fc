// One day of the calendar, over it: all its tasks, and a line to add another one.

import type { Task } from "../../../sdk/contract.js";
import { dateText } from "../../dates.js";
import { AddOnDay } from "../../parts/add-on-day.js";
import { Dialog } from "../../parts/dialog.js";
import { TaskRow } from "../../parts/task-row.js";
import type { InWorkspace } from "../../shell/scenes.js";
import { T } from "../../texts.js";

interface Props extends InWorkspace {
  day: string;
  tasks: readonly Task[];
  close: () => void;
  may: boolean;
}

export const DayDialog = ({ day, tasks, close, may, workspace, project }: Props) => (
  <Dialog title={dateText(day, "day")} close={close}>
    <div class="day-dialog" onClick={(event) => (event.target as Element).closest(".task-title") && close()}>
      {!tasks.length && <p class="quiet-text">{T.overview.nothingOn}</p>}
      <ul class="rows" aria-label={dateText(day, "day")}>
        {tasks.map((task) => (
          <li key={task.id}>
            <TaskRow task={task} />
          </li>
        ))}
      </ul>
      {may && <AddOnDay day={day} workspace={workspace} project={project} />}
    </div>
  </Dialog>
);
