// What the command palette offers beside tasks: commands, views, workspaces, projects, people. Knows how each is reached.

import type { View } from "../../../sdk/index.js";
import type { acting } from "../../acting.js";
import type { IconName } from "../../parts/icons.js";
import { go, place, type Scene } from "../../places.js";
import { logOut } from "../../session.js";
import { overlay, shortcuts } from "../../shell/shortcuts.js";
import { mayWrite, projectsOf, workspacesOf } from "../../tasks.js";
import { T } from "../../texts.js";

/** Something that is asked for before a command can be carried out. */
export interface Question {
  label: string;
  run: (answer: string) => void;
}

export type Entry = {
  key: string;
  kind: keyof typeof T.commands.kinds;
  label: string;
  /** Where it is. */
  where?: string;
  keys?: string;
  icon: IconName;
} & ({ run: () => void } | { asks: Question });

type Acting = ReturnType<typeof acting>;

const keysOf = (does: string): string | undefined => shortcuts(() => {}).find((shortcut) => shortcut.does === does)?.keys;

const view = (label: string, icon: IconName, scene: Scene, does?: string): Entry => {
  const keys = does && keysOf(does);
  return { key: `view ${label}`, kind: "view", label, icon, ...(keys && { keys }), run: () => go({ scene }) };
};

const viewsOf = ({ user }: View): Entry[] => [
  view(T.places.today, "today", { at: "today" }, "today"),
  view(T.places.upcoming, "upcoming", { at: "upcoming" }, "upcoming"),
  view(T.places.inbox, "inbox", { at: "inbox" }, "inbox"),
  view(T.places.mine, "mine", { at: "mine" }, "mine"),
  view(T.places.search, "search", { at: "search", text: "" }, "search"),
  view(T.places.settings, "settings", { at: "settings", part: "profile" }, "settings"),
  ...(user?.user.role === "admin" ? [view(T.places.admin, "admin", { at: "admin", part: "accounts" })] : []),
];

const command = (label: string, icon: IconName, run: (() => void) | Question, does?: string): Entry => {
  const keys = does && keysOf(does);
  const how = typeof run === "function" ? { run } : { asks: run };
  return { key: `command ${label}`, kind: "command", label, icon, ...(keys && { keys }), ...how };
};

const show = (which: NonNullable<typeof overlay.value>) => () => void (overlay.value = which);

const theme = (act: Acting["act"], theme: "light" | "dark" | null) => () => void act("profile.update", { preferences: { theme } });

/** The workspace that is shown, if the person may change it, or the personal one. */
const workspaceHere = (view: View) => {
  const { scene } = place.value;
  const writable = workspacesOf(view).filter(({ id }) => mayWrite(view, id));
  return writable.find(({ id }) => scene.at === "workspace" && id === scene.workspace) ?? writable[0];
};

const commandsOf = (view: View, { act, ask, undo }: Acting, tell: (text: string) => void): Entry[] => {
  const here = workspaceHere(view);
  const makeProject = (workspace_id: string): Question => ({
    label: T.commands.projectName,
    run: (name) => void act("project.create", { workspace_id, name }, T.commands.madeProject(name)),
  });
  const makeWorkspace: Question = {
    label: T.commands.workspaceName,
    run: (name) =>
      void ask("workspace.create", { name }).then(
        ({ id }) => {
          tell(T.commands.madeWorkspace(name));
          go({ scene: { at: "workspace", workspace: id, project: undefined, layout: "board" } });
        },
        (error: Error) => tell(T.refused(error.message)),
      ),
  };
  return [
    command(T.commands.newTask, "plus", show("quick-add"), "quickAdd"),
    ...(here ? [command(T.commands.newProject(here.name), "list", makeProject(here.id))] : []),
    command(T.commands.newWorkspace, "members", makeWorkspace),
    command(T.commands.undo, "history", () => undo(), "undo"),
    command(T.commands.help, "more", show("help"), "help"),
    command(T.commands.changes, "offline", show("changes")),
    command(T.commands.light, "settings", theme(act, "light")),
    command(T.commands.dark, "settings", theme(act, "dark")),
    command(T.commands.system, "settings", theme(act, null)),
    command(T.frame.signOut, "out", () => void logOut()),
  ];
};

const spacesOf = (view: View): Entry[] =>
  workspacesOf(view).flatMap((workspace): Entry[] => {
    const at = (project: string | undefined) => () =>
      go({ scene: { at: "workspace", workspace: workspace.id, project, layout: "board" } });
    const icon = workspace.kind === "personal" ? "user" : "members";
    return [
      { key: workspace.id, kind: "workspace", label: workspace.name, icon, run: at(undefined) },
      ...projectsOf(view, workspace.id).map(
        ({ id, name }): Entry => ({ key: id, kind: "project", label: name, where: workspace.name, icon: "list", run: at(id) }),
      ),
    ];
  });

/** Everybody in the person's workspaces, once: with the members of the first workspace that both are in. */
const peopleOf = (view: View): Entry[] => {
  const people = new Map<string, Entry>();
  for (const { id: workspace } of workspacesOf(view).filter(({ kind }) => kind === "team"))
    for (const { user } of view.workspaces.get(workspace)?.members ?? [])
      if (!people.has(user.id))
        people.set(user.id, {
          key: user.id,
          kind: "person",
          label: user.name,
          where: `@${user.username}`,
          icon: "user",
          run: () => go({ scene: { at: "workspace", workspace, project: undefined, layout: "members" } }),
        });
  return [...people.values()];
};

/** What is offered before something is typed, and what else there is. */
export const entriesOf = (view: View, acting: Acting, tell: (text: string) => void): { first: Entry[]; more: Entry[] } => ({
  first: [...commandsOf(view, acting, tell), ...viewsOf(view)],
  more: [...spacesOf(view), ...peopleOf(view)],
});
