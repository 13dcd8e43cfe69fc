// The head of the panel: where the task is, who else looks at it, what can be done to it, and how to close it.

import { useView } from "../../hooks.js";
import { Avatar } from "../../parts/avatar.js";
import { Icon } from "../../parts/icons.js";
import { closeTask, href, place } from "../../places.js";
import { T } from "../../texts.js";
import { Actions } from "./actions.js";
import { useOpen } from "./context.js";
import { useWatchers } from "./presence.js";

const Where = () => {
  const { task } = useOpen();
  const space = useView((view) => view.workspaces.get(task.workspace_id)?.workspace.name);
  const project = useView((view) =>
    task.project_id ? view.workspaces.get(task.workspace_id)?.projects.get(task.project_id)?.name : undefined,
  );
  const parent = useView((view) =>
    task.parent_id ? view.workspaces.get(task.workspace_id)?.tasks.get(task.parent_id) : undefined,
  );
  if (parent)
    return (
      <a class="panel-where" href={href({ scene: place.value.scene, task: parent.id })}>
        <span class="sr-only">{T.panel.partOf} </span>
        <Icon name="subtask" size={14} />
        <span>{parent.title}</span>
      </a>
    );
  const scene = { at: "workspace", workspace: task.workspace_id, project: task.project_id ?? undefined, layout: "board" } as const;
  return (
    <a class="panel-where" href={href({ scene, task: task.id })}>
      <span>{project ? `${space} / ${project}` : space}</span>
    </a>
  );
};

const Watchers = () => {
  const { task } = useOpen();
  const people = useWatchers(task);
  if (!people.length) return null;
  return (
    <ul class="watchers" aria-label={T.panel.watching}>
      {people.slice(0, 4).map((user) => (
        <li key={user.id} title={T.panel.looks(user.name)}>
          <Avatar user={user} />
        </li>
      ))}
      {people.length > 4 && <li class="quiet-text small">+{people.length - 4}</li>}
    </ul>
  );
};

export const Close = () => (
  <button type="button" class="quiet icon-button" aria-label={T.panel.close} onClick={closeTask}>
    <Icon name="close" />
  </button>
);

export const Head = () => (
  <header class="panel-head">
    <Where />
    <Watchers />
    <Actions />
    <Close />
  </header>
);
