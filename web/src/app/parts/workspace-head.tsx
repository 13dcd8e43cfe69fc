// The head of each view of a workspace, or of one project of it: what is shown, and the other ways to show it. Knows the
// addresses of the views, not the views.

import type { ComponentChildren } from "preact";
import { useView } from "../hooks.js";
import { href, LAYOUTS, place, type Layout } from "../places.js";
import type { InWorkspace } from "../shell/scenes.js";
import { T } from "../texts.js";
import { Icon } from "./icons.js";

/** `children` stand beside the name: what the view can do. */
export const WorkspaceHead = ({ workspace, project, children }: InWorkspace & { children?: ComponentChildren }) => {
  const space = useView((view) => view.workspaces.get(workspace)?.workspace ?? view.user?.workspaces.get(workspace));
  const inside = useView((view) => (project ? view.workspaces.get(workspace)?.projects.get(project) : undefined));
  const name = (project ? inside?.name : space?.name) ?? T.loading;
  const { scene } = place.value;
  const at = (layout: Layout, of = project) => href({ scene: { at: "workspace", workspace, project: of, layout } });
  return (
    <header class="view-head workspace-head">
      <div class="workspace-name">
        {project && (
          <a class="workspace-above" href={at("board", undefined)}>
            {space?.name}
          </a>
        )}
        <h1>
          {project ? (
            <span class="dot" style={inside?.color ? { background: inside.color } : undefined} />
          ) : (
            <Icon name={space?.kind === "personal" ? "user" : "members"} size={20} />
          )}
          <span class="workspace-title">{name}</span>
        </h1>
      </div>
      {children}
      <nav class="tabs" aria-label={name}>
        {LAYOUTS.map((layout) => (
          <a
            key={layout}
            href={at(layout)}
            aria-current={scene.at === "workspace" && scene.layout === layout ? "page" : undefined}
          >
            <Icon name={layout} size={16} />
            {T.layouts[layout]}
          </a>
        ))}
      </nav>
    </header>
  );
};
