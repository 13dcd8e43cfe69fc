// A task in one line, as lists show it: completed by its box, opened by its title. Knows where it is open, not which list this is.

import type { Task } from "../../sdk/contract.js";
import { useActing } from "../acting.js";
import { useNow, useView } from "../hooks.js";
import { href, place } from "../places.js";
import { isBlocked, mayWrite } from "../tasks.js";
import { T } from "../texts.js";
import { dueText, isOverdue } from "../time.js";
import { Avatar } from "./avatar.js";
import { Icon } from "./icons.js";

/** The box that completes a task, and reopens it. */
export const CheckBox = ({ task }: { task: Task }) => {
  const { act } = useActing();
  const may = useView((view) => mayWrite(view, task.workspace_id));
  const completed = !task.completed;
  const toggle = () =>
    act("task.complete", { id: task.id, completed }, (completed ? T.task.completed : T.task.reopened)(task.title));
  return (
    <button
      type="button"
      role="checkbox"
      class={`check priority-${task.priority}`}
      aria-checked={task.completed}
      aria-label={(task.completed ? T.task.reopen : T.task.complete)(task.title)}
      disabled={!may}
      onClick={toggle}
    >
      {task.completed && <Icon name="check" size={14} />}
    </button>
  );
};

/** When a task is due. */
export const Due = ({ task }: { task: Task }) => {
  const now = useNow();
  if (!task.due_at) return null;
  const overdue = !task.completed && isOverdue(task, now);
  return (
    <span class={overdue ? "due overdue" : "due"}>
      {overdue && <span class="sr-only">{T.task.overdue}: </span>}
      {dueText(task, now)}
      {task.recurrence && <Icon name="repeat" size={13} />}
      {task.recurrence && <span class="sr-only">{T.task.repeats}</span>}
    </span>
  );
};

/** What else a task has, in small. */
export const Marks = ({ task }: { task: Task }) => {
  const blocked = useView((view) => isBlocked(view, task));
  const people = useView((view) => {
    const members = view.workspaces.get(task.workspace_id)?.members;
    return task.assignee_ids.slice(0, 3).flatMap((id) => members?.get(id)?.user ?? []);
  });
  return (
    <span class="marks">
      {blocked && !task.completed && (
        <span class="mark bad" title={T.task.blocked}>
          <Icon name="blocked" size={14} />
          <span class="sr-only">{T.task.blocked}</span>
        </span>
      )}
      {task.tags.slice(0, 3).map((tag) => (
        <span class="tag" key={tag}>
          {tag}
        </span>
      ))}
      {task.comment_count > 0 && (
        <span class="mark" title={T.task.comments(task.comment_count)}>
          <Icon name="comment" size={14} />
          {task.comment_count}
        </span>
      )}
      {task.attachment_count > 0 && (
        <span class="mark" title={T.task.files(task.attachment_count)}>
          <Icon name="clip" size={14} />
          {task.attachment_count}
        </span>
      )}
      {people.map((user) => (
        <Avatar key={user.id} user={user} size={22} />
      ))}
    </span>
  );
};

/** The name of what a task is in: its project, or its workspace. */
const Where = ({ task }: { task: Task }) => {
  const name = useView((view) => {
    const space = view.workspaces.get(task.workspace_id);
    const project = task.project_id ? space?.projects.get(task.project_id) : undefined;
    return project?.name ?? space?.workspace.name;
  });
  return <span class="where">{name}</span>;
};

/** `where`: whether it says what the task is in. */
export const TaskRow = ({ task, where = false }: { task: Task; where?: boolean }) => {
  const { scene, task: open } = place.value;
  return (
    <div class={`task-row${task.completed ? " completed" : ""}${open === task.id ? " open" : ""}`} data-task={task.id}>
      <CheckBox task={task} />
      <a class="task-title" href={href({ scene, task: task.id })}>
        {task.title}
      </a>
      <Marks task={task} />
      {where && <Where task={task} />}
      <Due task={task} />
    </div>
  );
};
