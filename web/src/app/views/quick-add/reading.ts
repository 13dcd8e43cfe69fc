// What a line of quick add means in a workspace: the names that exist there, what completes a sign, and the task that comes of it.

import { useMemo } from "preact/hooks";
import type { CreateTask } from "../../../sdk/contract.js";
import { useView } from "../../hooks.js";
import type { Named, Signs } from "../../quick-add/complete.js";
import { readLine, type Known, type Line } from "../../quick-add/line.js";
import type { Range } from "../../quick-add/words.js";
import { PRIORITIES, projectsOf } from "../../tasks.js";
import { T } from "../../texts.js";
import { currentZone } from "../../time.js";

export interface Reading {
  signs: Signs;
  read(text: string, plain: readonly Range[], at: number): Line;
  /** The task that a line says. */
  task(line: Line): CreateTask;
}

const PRIORITY_NAMES: readonly Named[] = PRIORITIES.map((name) => ({ is: "priority", name, label: T.priorities[name]! }));

/** How lines are read that add tasks to this workspace. */
export const useReading = (workspace: string): Reading => {
  const me = useView((view) => view.user?.user);
  const projects = useView((view) => projectsOf(view, workspace));
  const tagTable = useView((view) => view.workspaces.get(workspace)?.tags);
  const memberTable = useView((view) => view.workspaces.get(workspace)?.members);
  return useMemo(() => {
    const tags = [...(tagTable ?? [])].map(({ name }) => name).sort((a, b) => a.localeCompare(b));
    const users = [...(memberTable ?? [])].map(({ user }) => user).sort((a, b) => a.name.localeCompare(b.name));
    const known: Known = {
      projects: projects.map(({ name }) => name),
      tags,
      members: users.map(({ username }) => username),
    };
    const projectNames: Named[] = known.projects.map((name) => ({ is: "project", name }));
    const signs: Signs = {
      "#": [...projectNames, ...tags.map((name): Named => ({ is: "tag", name }))],
      "/": projectNames,
      "@": [
        { is: "person", name: "me", label: T.quickAdd.me },
        ...users.map(({ username, name }): Named => ({ is: "person", name: username, label: name })),
      ],
      "!": PRIORITY_NAMES,
    };
    const personOf = (name: string) => (name === "me" ? me?.id : users.find(({ username }) => username === name)?.id);
    return {
      signs,
      read: (text, plain, at) => readLine(text, { at, zone: currentZone() }, known, plain),
      task: ({ title, due, every, priority, project, tags, people }) => ({
        workspace_id: workspace,
        title,
        ...(due && { due_at: new Date(due.at).toISOString(), all_day: due.allDay }),
        ...(every && { recurrence: every }),
        ...(priority && { priority }),
        ...(project !== undefined && { project_id: projects.find(({ name }) => name === project)!.id }),
        ...(tags.length > 0 && { tags: [...tags] }),
        ...(people.length > 0 && { assignee_ids: [...new Set(people.flatMap((name) => personOf(name) ?? []))] }),
      }),
    };
  }, [workspace, me, projects, tagTable, memberTable]);
};
