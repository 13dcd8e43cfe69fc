// Stage, project and priority: one of a few.

import type { Priority } from "../../../sdk/contract.js";
import { useActing } from "../../acting.js";
import { useView } from "../../hooks.js";
import type { IconName } from "../../parts/icons.js";
import { PRIORITIES, projectsOf } from "../../tasks.js";
import { T } from "../../texts.js";
import { useOpen } from "./context.js";
import { Row } from "./row.js";

interface Props {
  name: string;
  label: string;
  icon: IconName;
  fields: readonly string[];
  value: string;
  options: readonly (readonly [value: string, label: string])[];
  choose: (value: string) => void;
}

const Choice = ({ name, label, icon, fields, value, options, choose }: Props) => {
  const { may } = useOpen();
  return (
    <Row label={label} icon={icon} fields={fields} control={name}>
      <select id={name} class="bare" disabled={!may} value={value} onChange={(event) => choose(event.currentTarget.value)}>
        {options.map(([key, text]) => (
          <option key={key} value={key} selected={key === value}>
            {text}
          </option>
        ))}
      </select>
    </Row>
  );
};

export const Stage = () => {
  const { task } = useOpen();
  const { act } = useActing();
  const stages = useView((view) => view.workspaces.get(task.workspace_id)?.workspace.stages) ?? [];
  return (
    <Choice
      name="panel-stage"
      label={T.panel.stage}
      icon="board"
      fields={["stage", "completed"]}
      value={task.stage}
      options={stages.map(({ key, name }) => [key, name])}
      choose={(stage) => act("task.update", { id: task.id, stage })}
    />
  );
};

export const PROJECT = "panel-project";

export const Project = () => {
  const { task } = useOpen();
  const { act } = useActing();
  const projects = useView((view) => projectsOf(view, task.workspace_id));
  const own = useView((view) =>
    task.project_id ? view.workspaces.get(task.workspace_id)?.projects.get(task.project_id) : undefined,
  );
  const all = own && !projects.includes(own) ? [...projects, own] : projects;
  return (
    <Choice
      name={PROJECT}
      label={T.panel.project}
      icon="list"
      fields={["project_id"]}
      value={task.project_id ?? ""}
      options={[["", T.panel.noProject], ...all.map(({ id, name }) => [id, name] as const)]}
      choose={(id) => act("task.update", { id: task.id, project_id: id || null })}
    />
  );
};

export const PriorityChoice = () => {
  const { task } = useOpen();
  const { act } = useActing();
  return (
    <Choice
      name="panel-priority"
      label={T.panel.priority}
      icon="flag"
      fields={["priority"]}
      value={task.priority}
      options={PRIORITIES.map((key) => [key, T.priorities[key]!])}
      choose={(priority) => act("task.update", { id: task.id, priority: priority as Priority })}
    />
  );
};
