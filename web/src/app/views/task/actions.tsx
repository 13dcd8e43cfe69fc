// What can be done to the task as a whole: its link, a copy of it, another project, its end.

import { newId, type View } from "../../../sdk/index.js";
import type { CreateTask, Task } from "../../../sdk/contract.js";
import { useActing } from "../../acting.js";
import { useSession } from "../../hooks.js";
import { Icon } from "../../parts/icons.js";
import { Menu, type Choice } from "../../parts/menu.js";
import { closeTask, go, openTask, place, taskLink } from "../../places.js";
import { byPosition, childOf } from "../../tasks.js";
import { T } from "../../texts.js";
import { tell } from "../../toasts.js";
import { PROJECT } from "./choices.js";
import { useOpen } from "./context.js";

/** What makes a copy of a task and of what is below it; the task itself comes first. Pending, without comments and files. */
const copies = (view: View, task: Task, parent_id: string | null, title = task.title): CreateTask[] => {
  const { workspace_id, project_id, description, priority, due_at, all_day, remind_at, recurrence, tags } = task;
  const { assignee_ids, blocked_by } = task;
  const id = newId();
  const kept = { workspace_id, project_id, description, priority, due_at, all_day, remind_at, recurrence };
  const copy = { ...kept, tags, assignee_ids, blocked_by, id, parent_id, title };
  const below = view.workspaces.get(workspace_id)?.tasks.filter(childOf(task.id)) ?? [];
  return [copy, ...below.sort(byPosition).flatMap((child) => copies(view, child, id))];
};

const copyLink = (task: Task): void => {
  const link = taskLink(task.workspace_id, task.id);
  // Without a secure connection there is no clipboard: then the link itself is shown.
  const copied = navigator.clipboard?.writeText(link) ?? Promise.reject(new Error());
  copied.then(
    () => tell(T.panel.copied),
    () => tell(link),
  );
};

/** Where the project is chosen. */
const toProject = (): void => {
  const choice = () => document.getElementById(PROJECT) as HTMLSelectElement | null;
  if (!choice()) go({ scene: place.value.scene, task: place.value.task });
  requestAnimationFrame(() => choice()?.focus());
};

export const Actions = () => {
  const { task, may } = useOpen();
  const { store } = useSession();
  const { act } = useActing();
  const duplicate = () => {
    const [copy, ...below] = copies(store.state, task, task.parent_id, T.panel.copyOf(task.title));
    act("task.create", copy!, T.panel.duplicated(task.title));
    for (const child of below) act("task.create", child);
    openTask(copy!.id!);
  };
  const remove = () => {
    act("task.delete", { id: task.id }, T.task.deleted(task.title));
    closeTask();
  };
  const changing: Choice[] = [
    { label: T.panel.duplicate, icon: <Icon name="plus" size={16} />, run: duplicate },
    { label: T.panel.toProject, icon: <Icon name="list" size={16} />, run: toProject },
    { label: T.panel.delete, icon: <Icon name="trash" size={16} />, bad: true, run: remove },
  ];
  return (
    <Menu
      class="quiet icon-button"
      label={T.panel.actions}
      choices={[
        { label: T.panel.copyLink, icon: <Icon name="link" size={16} />, run: () => copyLink(task) },
        ...(may ? changing : []),
      ]}
    >
      <Icon name="more" />
    </Menu>
  );
};
