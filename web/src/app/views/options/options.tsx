// The options of a workspace: its name, stages, projects and tags, its tasks as a file, its end.

import { useState } from "preact/hooks";
import { useActing } from "../../acting.js";
import { useDoing } from "../../asking.js";
import { useView } from "../../hooks.js";
import { Confirm } from "../../parts/confirm.js";
import { Field, Form, type Values } from "../../parts/form.js";
import { WorkspaceHead } from "../../parts/workspace-head.js";
import { go, href } from "../../places.js";
import type { InWorkspace } from "../../shell/scenes.js";
import { mayManage, mayWrite } from "../../tasks.js";
import { T } from "../../texts.js";
import { Exports } from "./exports.js";
import { Imports } from "./imports.js";
import { OneProject, Projects } from "./projects.js";
import { Stages } from "./stage-list.js";
import { Tags } from "./tags.js";

const Name = ({ workspace }: { workspace: string }) => {
  const { act } = useActing();
  const name = useView((view) => view.workspaces.get(workspace)?.workspace.name ?? "");
  const may = useView((view) => mayManage(view, workspace));
  const submit = (typed: Values) => {
    const next = (typed["name"] ?? "").trim();
    if (next !== name) act("workspace.update", { workspace_id: workspace, name: next }, T.workspace.renamed(next));
  };
  return (
    <section>
      <h2>{T.workspace.general}</h2>
      {may ? (
        <Form submit={submit} button={T.save} class="in-line">
          <Field name="name" label={T.workspace.workspaceName} defaultValue={name} maxLength={100} pattern=".*\S.*" required autocomplete="off" />
        </Form>
      ) : (
        <p>{T.workspace.adminsOnly}</p>
      )}
    </section>
  );
};

const End = ({ workspace }: { workspace: string }) => {
  const [asked, ask] = useState(false);
  const doing = useDoing();
  const name = useView((view) => view.workspaces.get(workspace)?.workspace.name ?? "");
  const remove = async () => {
    if (await doing("workspace.delete", { workspace_id: workspace }, T.workspace.deleted(name))) go({ scene: { at: "today" } });
  };
  return (
    <section class="danger">
      <h2>{T.workspace.deleteTitle}</h2>
      <p>{T.workspace.deleteText}</p>
      <p>
        <button type="button" class="bad" onClick={() => ask(true)}>
          {T.workspace.deleteButton}
        </button>
      </p>
      {asked && (
        <Confirm title={T.workspace.deleteTitle} button={T.workspace.deleteButton} word={name} close={() => ask(false)} run={remove}>
          <p>{T.workspace.deleteText}</p>
        </Confirm>
      )}
    </section>
  );
};

const OfWorkspace = ({ workspace }: { workspace: string }) => {
  const writes = useView((view) => mayWrite(view, workspace));
  const isOwn = useView((view) => {
    const held = view.user?.workspaces.get(workspace);
    return held?.role === "owner" && held.kind === "team";
  });
  return (
    <div class="view workspace-view">
      <WorkspaceHead workspace={workspace} project={undefined} />
      <Name workspace={workspace} />
      <Stages workspace={workspace} />
      <Projects workspace={workspace} />
      <Tags workspace={workspace} />
      <Exports workspace={workspace} />
      {writes && <Imports workspace={workspace} />}
      {isOwn && <End workspace={workspace} />}
    </div>
  );
};

/** The options of one project, and the way to those of its workspace. */
const OfProject = ({ workspace, project: id }: { workspace: string; project: string }) => {
  const project = useView((view) => view.workspaces.get(workspace)?.projects.get(id));
  const scene = { at: "workspace", workspace, project: undefined } as const;
  return (
    <div class="view workspace-view">
      <WorkspaceHead workspace={workspace} project={id} />
      {project && <OneProject project={project} after={() => go({ scene: { ...scene, layout: "board" } })} />}
      <p>
        <a href={href({ scene: { ...scene, layout: "options" } })}>{T.workspace.allOptions}</a>
      </p>
    </div>
  );
};

export default function Options({ workspace, project }: InWorkspace) {
  return project ? <OfProject workspace={workspace} project={project} /> : <OfWorkspace workspace={workspace} />;
}
