// The projects of a workspace: names, colours, order, archive, end.

import { useMemo, useState } from "preact/hooks";
import type { Project } from "../../../sdk/contract.js";
import { useActing } from "../../acting.js";
import { useView } from "../../hooks.js";
import { ColorMenu } from "../../parts/color.js";
import { Confirm } from "../../parts/confirm.js";
import { Icon } from "../../parts/icons.js";
import { InlineText } from "../../parts/inline-text.js";
import { Menu } from "../../parts/menu.js";
import { NewProject } from "../../parts/new-space.js";
import { inProject, mayWrite, projectsOf } from "../../tasks.js";
import { T } from "../../texts.js";
import { MoveButtons } from "./move-buttons.js";

interface RowProps {
  project: Project;
  /** Its neighbours, where there are some. */
  before: Project | undefined;
  after: Project | undefined;
  may: boolean;
  remove: () => void;
}

const Row = ({ project, before, after, may, remove }: RowProps) => {
  const { act } = useActing();
  const { id, name, color, is_archived } = project;
  const tasks = useView((view) => view.workspaces.get(project.workspace_id)?.tasks.filter(inProject(id)).length ?? 0);
  const archive = (archived: boolean) =>
    act("project.archive", { id, archived }, (archived ? T.workspace.archived : T.workspace.unarchived)(name));
  return (
    <li class="many">
      <ColorMenu
        label={T.workspace.colorOf(name)}
        color={color}
        set={(color) => act("project.update", { id, color }, T.workspace.colored(name))}
        disabled={!may}
      />
      <InlineText
        label={T.workspace.nameOf(name)}
        value={name}
        save={(name) => act("project.update", { id, name }, T.workspace.renamed(name))}
        maxLength={100}
        disabled={!may}
      />
      <span class="quiet-text number">{T.workspace.tasks(tasks)}</span>
      {may && (before || after) && (
        <MoveButtons
          name={name}
          up={!!before && (() => void act("project.update", { id, before: before.id }, T.workspace.moved(name)))}
          down={!!after && (() => void act("project.update", { id, after: after.id }, T.workspace.moved(name)))}
        />
      )}
      {may && (
        <Menu
          label={T.workspace.moreOf(name)}
          class="quiet icon-button"
          choices={[
            { label: is_archived ? T.workspace.unarchive : T.workspace.archive, run: () => archive(!is_archived) },
            { label: T.workspace.delete, bad: true, run: remove },
          ]}
        >
          <Icon name="more" />
        </Menu>
      )}
    </li>
  );
};

/** Archived projects by name: their order means nothing. */
const archivedOf = (projects: Iterable<Project>): Project[] =>
  [...projects].filter((project) => project.is_archived).sort((a, b) => a.name.localeCompare(b.name));

const Removal = ({ project, close, after }: { project: Project; close: () => void; after?: () => void }) => {
  const { act } = useActing();
  const remove = () => {
    act("project.delete", { id: project.id });
    after?.();
  };
  return (
    <Confirm title={T.workspace.deleteProject(project.name)} button={T.workspace.delete} close={close} run={remove}>
      <p>{T.workspace.deleteProjectText}</p>
    </Confirm>
  );
};

/** One project, where it is what the page shows. */
export const OneProject = ({ project, after }: { project: Project; after: () => void }) => {
  const [isRemoving, setRemoving] = useState(false);
  const may = useView((view) => mayWrite(view, project.workspace_id));
  return (
    <section>
      <h2>{T.workspace.project}</h2>
      <ul class="edit-list">
        <Row project={project} before={undefined} after={undefined} may={may} remove={() => setRemoving(true)} />
      </ul>
      {isRemoving && <Removal project={project} close={() => setRemoving(false)} after={after} />}
    </section>
  );
};

export const Projects = ({ workspace }: { workspace: string }) => {
  const [isAdding, setAdding] = useState(false);
  const [removed, remove] = useState<Project>();
  const may = useView((view) => mayWrite(view, workspace));
  const projects = useView((view) => projectsOf(view, workspace));
  const table = useView((view) => view.workspaces.get(workspace)?.projects);
  const archived = useMemo(() => archivedOf(table ?? []), [table]);
  const row = (project: Project, i: number, all: readonly Project[]) => (
    <Row key={project.id} project={project} before={all[i - 1]} after={all[i + 1]} may={may} remove={() => remove(project)} />
  );
  return (
    <section>
      <div class="section-head">
        <h2>{T.workspace.projects}</h2>
        {may && (
          <button type="button" onClick={() => setAdding(true)}>
            <Icon name="plus" size={16} />
            {T.frame.newProject}
          </button>
        )}
      </div>
      {projects.length === 0 && <p class="quiet-text">{T.workspace.noProjects}</p>}
      <ul class="edit-list">{projects.map(row)}</ul>
      {archived.length > 0 && (
        <details>
          <summary>{T.workspace.archivedProjects(archived.length)}</summary>
          <ul class="edit-list">{archived.map((project) => row(project, 0, []))}</ul>
        </details>
      )}
      {isAdding && <NewProject workspace={workspace} close={() => setAdding(false)} />}
      {removed && <Removal project={removed} close={() => remove(undefined)} />}
    </section>
  );
};
