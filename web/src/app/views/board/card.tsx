// A task as a card of the board. All of it opens the task; the keyboard and the pointer are followed by the board.

import type { Task } from "../../../sdk/contract.js";
import { useView } from "../../hooks.js";
import { Icon } from "../../parts/icons.js";
import { memo } from "../../parts/memo.js";
import { CheckBox, Due, Marks } from "../../parts/task-row.js";
import { href, place } from "../../places.js";
import { T } from "../../texts.js";

interface Props {
  task: Task;
  may: boolean;
  /** The id of what tells how to move it. */
  hint: string;
  /** `lifted`: dragged, and shown elsewhere; `carried`: moved by the keyboard. */
  how?: "lifted" | "carried" | undefined;
}

const Priority = ({ task }: { task: Task }) =>
  task.priority === "none" ? null : (
    <span class={`mark flag priority-${task.priority}`} title={T.priorities[task.priority]}>
      <Icon name="flag" size={14} />
      <span class="sr-only">{T.priorities[task.priority]}</span>
    </span>
  );

const Parent = ({ task }: { task: Task }) => {
  const title = useView((view) => view.workspaces.get(task.workspace_id)?.tasks.get(task.parent_id ?? "")?.title);
  if (!title) return null;
  return (
    <span class="board-card-parent">
      <Icon name="subtask" size={13} />
      <span class="sr-only">{T.project.partOf} </span>
      <span>{title}</span>
    </span>
  );
};

const kinds = { lifted: " lifted", carried: " carried" };

export const Card = memo(({ task, may, hint, how }: Props) => {
  const { scene, task: open } = place.value;
  return (
    <li
      class={`board-card${task.completed ? " completed" : ""}${open === task.id ? " open" : ""}${how ? kinds[how] : ""}`}
      data-key={task.id}
    >
      {task.parent_id && <Parent task={task} />}
      <div class="board-card-head">
        {may && <CheckBox task={task} />}
        <a
          class="board-card-title"
          href={href({ scene, task: task.id })}
          draggable={false}
          aria-describedby={may ? hint : undefined}
        >
          {task.title}
        </a>
        {may && (
          <button type="button" class="quiet board-card-more" data-move aria-label={T.project.move(task.title)}>
            <Icon name="more" size={16} />
          </button>
        )}
      </div>
      <div class="board-card-foot">
        <Priority task={task} />
        <Due task={task} />
        <Marks task={task} />
      </div>
    </li>
  );
});
