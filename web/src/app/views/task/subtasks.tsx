// What is below the task, two levels deep: listed, added, completed, opened.

import { newId } from "../../../sdk/index.js";
import { LIMITS, type Task } from "../../../sdk/contract.js";
import { useActing } from "../../acting.js";
import { useView } from "../../hooks.js";
import { useDraft } from "../../parts/draft.js";
import { TaskRow } from "../../parts/task-row.js";
import { byPosition, childOf } from "../../tasks.js";
import { T } from "../../texts.js";
import { useOpen } from "./context.js";

/** Tasks nest so many levels. */
const LEVELS = 2;

const useChildren = ({ id, workspace_id }: Task): Task[] =>
  useView((view) => (view.workspaces.get(workspace_id)?.tasks.filter(childOf(id)) ?? []).sort(byPosition));

const Child = ({ task, left }: { task: Task; left: number }) => (
  <li>
    <TaskRow task={task} />
    {left > 0 && <Children task={task} left={left - 1} />}
  </li>
);

const Children = ({ task, left }: { task: Task; left: number }) => {
  const children = useChildren(task);
  if (!children.length) return null;
  return (
    <ul class="subtasks">
      {children.map((child) => (
        <Child key={child.id} task={child} left={left} />
      ))}
    </ul>
  );
};

/** How many tasks are above it. */
const useDepth = ({ parent_id, workspace_id }: Task): number =>
  useView((view) => {
    const tasks = view.workspaces.get(workspace_id)?.tasks;
    let depth = 0;
    for (let id = parent_id; id && depth < LEVELS; id = tasks?.get(id)?.parent_id ?? null) depth++;
    return depth;
  });

const Add = () => {
  const { task } = useOpen();
  const { act } = useActing();
  const [title, setTitle, clear] = useDraft(`subtask ${task.id}`, "");
  const add = (event: Event) => {
    event.preventDefault();
    if (!title.trim()) return;
    const { workspace_id, project_id } = task;
    act("task.create", { id: newId(), workspace_id, project_id, parent_id: task.id, title: title.trim() });
    clear();
  };
  return (
    <form class="add-line" onSubmit={add}>
      <input
        type="text"
        aria-label={T.panel.addSubtask}
        placeholder={T.panel.addSubtask}
        maxLength={LIMITS.title}
        value={title}
        onInput={(event) => setTitle(event.currentTarget.value)}
      />
      {title.trim() && <button type="submit">{T.panel.add}</button>}
    </form>
  );
};

export const Subtasks = () => {
  const { task, may } = useOpen();
  const children = useChildren(task);
  const depth = useDepth(task);
  if (depth >= LEVELS || (!may && !children.length)) return null;
  const done = children.filter(({ completed }) => completed).length;
  return (
    <section class="panel-section" aria-labelledby="panel-subtasks">
      <h3 id="panel-subtasks">
        {T.panel.subtasks}
        {children.length > 0 && <span class="count">{T.panel.doneOf(done, children.length)}</span>}
      </h3>
      <Children task={task} left={LEVELS - depth - 1} />
      {may && <Add />}
    </section>
  );
};
