// The navigation: the person's own views, then their workspaces with their projects.

import { useState } from "preact/hooks";
import type { Workspace } from "../../sdk/contract.js";
import { useNow, useView } from "../hooks.js";
import { Avatar } from "../parts/avatar.js";
import { Icon, type IconName } from "../parts/icons.js";
import { Invitations } from "../parts/invitations.js";
import { Menu } from "../parts/menu.js";
import { NewProject, NewWorkspace } from "../parts/new-space.js";
import { go, href, place, type Scene } from "../places.js";
import { logOut } from "../session.js";
import { countEverywhere, dueWithin, EVER, mayWrite, projectsOf, workspacesOf } from "../tasks.js";
import { T } from "../texts.js";
import { dateOf } from "../time.js";
import { overlay } from "./shortcuts.js";

const Entry = ({ scene, icon, label, count }: { scene: Scene; icon: IconName; label: string; count?: number }) => {
  const current = place.value.scene.at === scene.at;
  return (
    <a class="nav-entry" href={href({ scene })} aria-current={current ? "page" : undefined}>
      <Icon name={icon} />
      <span class="nav-label">{label}</span>
      {!!count && <span class="count">{count}</span>}
    </a>
  );
};

const Space = ({ workspace }: { workspace: Workspace }) => {
  const [isAdding, setAdding] = useState(false);
  const may = useView((view) => mayWrite(view, workspace.id));
  const projects = useView((view) => projectsOf(view, workspace.id));
  const { scene } = place.value;
  const layout = scene.at === "workspace" && ["board", "list", "calendar"].includes(scene.layout) ? scene.layout : "board";
  const isHere = scene.at === "workspace" && scene.workspace === workspace.id;
  const at = (project: string | undefined) => href({ scene: { at: "workspace", workspace: workspace.id, project, layout } });
  const current = (project: string | undefined) => (isHere && scene.project === project ? "page" : undefined);
  return (
    <li>
      <div class="nav-space">
        <a class="nav-entry space" href={at(undefined)} aria-current={current(undefined)}>
          <Icon name={workspace.kind === "personal" ? "user" : "members"} />
          <span class="nav-label">{workspace.name}</span>
        </a>
        {may && (
          <button
            type="button"
            class="quiet icon-button"
            aria-label={T.workspace.newProjectIn(workspace.name)}
            title={T.frame.newProject}
            onClick={() => setAdding(true)}
          >
            <Icon name="plus" size={16} />
          </button>
        )}
      </div>
      {isAdding && <NewProject workspace={workspace.id} close={() => setAdding(false)} />}
      <ul>
        {projects.map((project) => (
          <li key={project.id}>
            <a class="nav-entry project" href={at(project.id)} aria-current={current(project.id)}>
              <span class="dot" style={project.color ? { background: project.color } : undefined} />
              <span class="nav-label">{project.name}</span>
            </a>
          </li>
        ))}
      </ul>
    </li>
  );
};

const Me = () => {
  const user = useView((view) => view.user?.user);
  if (!user) return null;
  return (
    <Menu
      class="quiet me"
      label={user.name}
      choices={[
        { label: T.places.settings, run: () => go({ scene: { at: "settings", part: "profile" } }) },
        ...(user.role === "admin" ? [{ label: T.places.admin, run: () => go({ scene: { at: "admin", part: "accounts" as const } }) }] : []),
        { label: T.frame.signOut, run: () => void logOut() },
      ]}
    >
      <Avatar user={user} size={28} label={false} />
      <span class="nav-label">{user.name}</span>
    </Menu>
  );
};

export const Navigation = () => {
  const [isAdding, setAdding] = useState(false);
  const workspaces = useView(workspacesOf);
  const unread = useView((view) => view.user?.unread ?? 0);
  const untilToday = dueWithin(EVER.from, dateOf(useNow()));
  const today = useView((view) => countEverywhere(view, untilToday));
  return (
    <nav class="navigation" aria-label={T.frame.navigation}>
      <div class="nav-top">
        <span class="brand">Taskwire</span>
        <button type="button" class="primary" onClick={() => (overlay.value = "quick-add")}>
          <Icon name="plus" />
          {T.task.new}
        </button>
      </div>
      <div class="nav-scroll">
        <Entry scene={{ at: "today" }} icon="today" label={T.places.today} count={today} />
        <Entry scene={{ at: "upcoming" }} icon="upcoming" label={T.places.upcoming} />
        <Entry scene={{ at: "inbox" }} icon="inbox" label={T.places.inbox} count={unread} />
        <Entry scene={{ at: "mine" }} icon="mine" label={T.places.mine} />
        <Entry scene={{ at: "search", text: "" }} icon="search" label={T.places.search} />
        <div class="nav-head">
          <h2>{T.frame.workspaces}</h2>
          <button
            type="button"
            class="quiet icon-button"
            aria-label={T.frame.newWorkspace}
            title={T.frame.newWorkspace}
            onClick={() => setAdding(true)}
          >
            <Icon name="plus" size={16} />
          </button>
        </div>
        {isAdding && <NewWorkspace close={() => setAdding(false)} />}
        <Invitations />
        <ul class="spaces">
          {workspaces.map((workspace) => (
            <Space key={workspace.id} workspace={workspace} />
          ))}
        </ul>
      </div>
      <Me />
    </nav>
  );
};
