// My tasks: what is assigned to the person in all workspaces, by project or by due date.

import { useMemo } from "preact/hooks";
import { useNow, useSession, useView } from "../../hooks.js";
import { Choices, remembered } from "../../parts/choice.js";
import { Icon } from "../../parts/icons.js";
import { TaskGroup } from "../../parts/task-group.js";
import { href } from "../../places.js";
import { assignedTo, everywhere } from "../../tasks.js";
import { T } from "../../texts.js";
import { dateOf } from "../../time.js";
import { byPlace, bySoon, type Group } from "./groups.js";

const grouping = remembered("mine.group", ["project", "due"]);

const GroupOf = ({ group }: { group: Group }) => {
  const { title, tasks, workspace, project, color } = group;
  const to = workspace && href({ scene: { at: "workspace", workspace, project, layout: "list" } });
  const dot = project && <span class="dot" style={color ? { background: color } : undefined} />;
  return (
    <TaskGroup
      title={title}
      tasks={tasks}
      where={!workspace}
      to={to}
      lead={dot}
      tone={group.key === T.lists.overdue ? "bad" : "plain"}
    />
  );
};

export default function Mine() {
  const { user, store } = useSession();
  const today = dateOf(useNow());
  const ready = useView((view) => view.synced || view.workspaces.size > 0);
  const tasks = useView((view) => everywhere(view, assignedTo(user)));
  // Names and orders of workspaces and projects.
  const named = useView((view) => [view.user?.workspaces, ...[...view.workspaces].map((space) => space.projects)]);
  const groups = useMemo(
    () => (grouping.value === "due" ? bySoon(tasks, today) : byPlace(store.state, tasks)),
    [tasks, named, today, grouping.value],
  );
  return (
    <div class="view">
      <header class="view-head">
        <h1>{T.places.mine}</h1>
        <Choices
          label={T.lists.group}
          choice={grouping}
          options={[
            ["project", T.lists.byProject],
            ["due", T.lists.byDue],
          ]}
        />
      </header>
      {!ready && <p class="quiet-text loading">{T.loading}</p>}
      {ready && !tasks.length && (
        <div class="empty friendly">
          <Icon name="mine" size={48} />
          <h2>{T.lists.nothingMine}</h2>
          <p>{T.lists.nothingMineHint}</p>
        </div>
      )}
      {groups.map((group) => (
        <GroupOf key={group.key} group={group} />
      ))}
    </div>
  );
}
