// Which view belongs to which scene. Each is loaded when it is first shown.

import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { useView } from "../hooks.js";
import { Lazy } from "../parts/lazy.js";
import { href, place, type Layout, type Scene } from "../places.js";
import { T } from "../texts.js";

const Today = () => import("../views/today/today.js");
const Upcoming = () => import("../views/upcoming/upcoming.js");
const Inbox = () => import("../views/inbox/inbox.js");
const Mine = () => import("../views/mine/mine.js");
const Search = () => import("../views/search/search.js");
const Settings = () => import("../views/settings/settings.js");
const Admin = () => import("../views/admin/admin.js");

/** What the views of a workspace are given. */
export interface InWorkspace {
  workspace: string;
  project: string | undefined;
}

const LAYOUTS: Record<Layout, () => Promise<{ default: ComponentType<InWorkspace> }>> = {
  board: () => import("../views/board/board.js"),
  list: () => import("../views/list/list.js"),
  calendar: () => import("../views/calendar/calendar.js"),
  dashboard: () => import("../views/dashboard/dashboard.js"),
  members: () => import("../views/members/members.js"),
  options: () => import("../views/options/options.js"),
};

export const Nowhere = () => (
  <div class="empty">
    <h1>{T.places.nowhere}</h1>
    <p>{T.places.nowhereHint}</p>
    <a class="button" href={href({ scene: { at: "today" } })}>
      {T.places.home}
    </a>
  </div>
);

const Space = ({ scene }: { scene: Scene & { at: "workspace" } }) => {
  const { workspace, project, layout } = scene;
  const known = useView((view) => {
    const space = view.workspaces.get(workspace);
    if (space) return project === undefined || !space.complete || !!space.projects.get(project);
    return !view.synced && (!view.user || !!view.user.workspaces.get(workspace)) ? undefined : false;
  });
  if (known === undefined) return <p class="quiet-text loading">{T.loading}</p>;
  if (!known) return <Nowhere />;
  return <Lazy key={layout} load={LAYOUTS[layout]} workspace={workspace} project={project} />;
};

export const Scenes = () => {
  const { scene } = place.value;
  switch (scene.at) {
    case "today":
      return <Lazy key="today" load={Today} />;
    case "upcoming":
      return <Lazy key="upcoming" load={Upcoming} />;
    case "inbox":
      return <Lazy key="inbox" load={Inbox} />;
    case "mine":
      return <Lazy key="mine" load={Mine} />;
    case "search":
      return <Lazy key="search" load={Search} text={scene.text} />;
    case "settings":
      return <Lazy key="settings" load={Settings} part={scene.part} />;
    case "admin":
      return <Lazy key="admin" load={Admin} part={scene.part} />;
    case "workspace":
      return <Space key={`${scene.workspace} ${scene.project}`} scene={scene} />;
    default:
      return <Nowhere />;
  }
};

/** The page's title follows the place. */
export const useTitle = (): void => {
  const { scene, task } = place.value;
  const name = useView((view) => {
    if (task)
      for (const space of view.workspaces) {
        const found = space.tasks.get(task);
        if (found) return found.title;
      }
    if (scene.at !== "workspace") return T.places[scene.at];
    const space = view.workspaces.get(scene.workspace);
    const project = scene.project && space?.projects.get(scene.project);
    return project ? project.name : (space?.workspace.name ?? T.loading);
  });
  useEffect(() => {
    document.title = T.frame.title(name);
  }, [name]);
};
