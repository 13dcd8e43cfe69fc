// The dashboard of a workspace: how many tasks there are, what was created and completed on each day, and who has what to do. The
// server counts; this shows it, live.

import { useMemo } from "preact/hooks";
import type { Stats } from "../../../sdk/contract.js";
import { useNow, useView } from "../../hooks.js";
import { Avatar } from "../../parts/avatar.js";
import { Choices, remembered } from "../../parts/choice.js";
import { WorkspaceHead } from "../../parts/workspace-head.js";
import { href } from "../../places.js";
import type { InWorkspace } from "../../shell/scenes.js";
import { T } from "../../texts.js";
import { fullTime } from "../../time.js";
import { everIn } from "../../tasks.js";
import { Chart } from "./chart.js";
import { count } from "./count.js";
import { useNumbers, type Numbers } from "./numbers.js";
import { Shares, type Share } from "./shares.js";

const range = remembered("dashboard.days", ["30", "7", "90"]);

const Tiles = ({ stats }: { stats: Stats }) => {
  const tiles: [keyof Stats & string, string, number][] = [
    ["pending", T.overview.pending, stats.pending],
    ["completed", T.overview.completed, stats.completed],
    ["overdue", T.overview.overdue, stats.overdue],
    ["due_today", T.overview.dueToday, stats.due_today],
    ["deleted", T.overview.deleted, stats.deleted],
  ];
  return (
    <dl class="tiles" aria-label={T.overview.numbers}>
      {tiles.map(([key, name, value]) => (
        <div key={key} class={`tile${key === "overdue" && value ? " bad" : ""}`}>
          <dt>{name}</dt>
          <dd>{value.toLocaleString()}</dd>
        </div>
      ))}
    </dl>
  );
};

/** The counts with the names of what they count. */
const useShares = (workspace: string, stats: Stats) => {
  const members = useView((view) => view.workspaces.get(workspace)?.members);
  const projects = useView((view) => view.workspaces.get(workspace)?.projects);
  const people = stats.by_assignee.map(({ key, count }): Share => {
    const user = key ? members?.get(key)?.user : undefined;
    const name = user?.name ?? (key ? T.overview.unknown : T.overview.nobody);
    return { key: key ?? "", name, count, lead: user && <Avatar user={user} size={22} label={false} /> };
  });
  const priorities = stats.by_priority.map(({ key, count }): Share => {
    const priority = key ?? "none";
    return { key: priority, name: T.priorities[priority] ?? priority, count, tone: `priority-${priority}` };
  });
  const inside = stats.by_project.map(({ key, count }): Share => {
    if (!key) return { key: "", name: T.overview.noProject, count, lead: <span class="dot" /> };
    const project = projects?.get(key);
    if (!project) return { key, name: T.overview.unknownProject, count };
    const { color } = project;
    const lead = <span class="dot" style={color ? { background: color } : undefined} />;
    const to = href({ scene: { at: "workspace", workspace, project: key, layout: "list" } });
    return { key, name: project.name, count, lead, to, color };
  });
  return { people, priorities, inside };
};

const All = ({ workspace, stats, isProject }: { workspace: string; stats: Stats; isProject?: boolean }) => {
  const { people, priorities, inside } = useShares(workspace, stats);
  return (
    <>
      <Tiles stats={stats} />
      <Chart stats={stats} />
      <div class="cards">
        <Shares title={T.overview.byPerson} shares={people} />
        <Shares title={T.overview.byPriority} shares={priorities} />
        {!isProject && <Shares title={T.overview.byProject} shares={inside} />}
      </div>
    </>
  );
};

interface SaidProps {
  numbers: Numbers | undefined;
  failed: string | undefined;
  offline: boolean;
  retry: () => void;
}

/** What is not as it should be. */
const Said = ({ numbers, failed, offline, retry }: SaidProps) => {
  if (offline) return <p class="note" role="status">{numbers ? T.overview.stale(fullTime(numbers.at)) : T.overview.offline}</p>;
  if (failed)
    return (
      <div class="note bad" role="alert">
        <span>{T.overview.failed(failed)}</span>
        <button type="button" onClick={retry}>
          {T.retry}
        </button>
      </div>
    );
  return numbers ? null : <p class="quiet-text loading">{T.loading}</p>;
};

const OfWorkspace = ({ workspace }: { workspace: string }) => {
  const held = useNumbers(workspace, Number(range.value));
  return (
    <>
      <Said {...held} />
      {held.numbers && <All workspace={workspace} stats={held.numbers.stats} />}
    </>
  );
};

/** The server counts no single project: its tasks are all here. */
const OfProject = ({ workspace, project }: { workspace: string; project: string }) => {
  const now = useNow();
  const test = everIn(project);
  const tasks = useView((view) => view.workspaces.get(workspace)?.tasks.filter(test) ?? []);
  const isPart = useView((view) => view.workspaces.get(workspace)?.open_only ?? false);
  const days = Number(range.value);
  const stats = useMemo(() => count(tasks, now, days), [tasks, now, days]);
  return (
    <>
      {isPart && <p class="note">{T.overview.onlyOpen}</p>}
      <All workspace={workspace} stats={stats} isProject />
    </>
  );
};

const OPTIONS = (["7", "30", "90"] as const).map((value) => [value, T.overview.days(Number(value))] as const);

export default function Dashboard({ workspace, project }: InWorkspace) {
  return (
    <div class="view wide dashboard">
      <WorkspaceHead workspace={workspace} project={project}>
        <Choices label={T.overview.range} choice={range} options={OPTIONS} />
      </WorkspaceHead>
      {project ? <OfProject workspace={workspace} project={project} /> : <OfWorkspace workspace={workspace} />}
    </div>
  );
}
