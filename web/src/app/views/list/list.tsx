// A workspace, or one project of it, as a list: sorted, grouped, subtasks below their parents.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { newId } from "../../../sdk/index.js";
import type { Priority, Stage, Task } from "../../../sdk/contract.js";
import { useActing } from "../../acting.js";
import { COMPARE, fitting, GROUPS, isFiltering, passes, SORTS, stageOf, titled, type Grouping, type Sort } from "../../arrange.js";
import { useView } from "../../hooks.js";
import { ordered } from "../../ordered.js";
import { Choose, FilterBar, useFilter, useSetting } from "../../parts/filter-bar.js";
import { InlineAdd } from "../../parts/inline-add.js";
import { VirtualList } from "../../parts/virtual-list.js";
import { WorkspaceHead } from "../../parts/workspace-head.js";
import type { InWorkspace } from "../../shell/scenes.js";
import { mayWrite } from "../../tasks.js";
import { T } from "../../texts.js";
import { Moving } from "./moving.js";
import { outline, priorityGroups, type Group, type Row } from "./outline.js";
import { GroupHead, ListRow } from "./row.js";
import { useDragging } from "./use-dragging.js";
import { useKeys } from "./use-keys.js";

const NARROW = matchMedia("(max-width: 760px)");
/** Where it is narrow, a row has two lines. */
const HEIGHT = { wide: 44, narrow: 58 };
const NO_STAGES: readonly Stage[] = [];
const NO_TASKS: readonly Task[] = [];

interface Arrangement {
  sort: Sort;
  group: Grouping;
  /** Whether completed tasks are shown. */
  completed: boolean;
  /** Groups and tasks whose inside is not shown. */
  closed: readonly string[];
}

const INITIAL: Arrangement = { sort: "order", group: "none", completed: false, closed: [] };
const useArrangement = (at: InWorkspace) => useSetting("list", at, INITIAL);

const useRowHeight = (): number => {
  const [isNarrow, set] = useState(NARROW.matches);
  useEffect(() => {
    const check = () => set(NARROW.matches);
    NARROW.addEventListener("change", check);
    return () => NARROW.removeEventListener("change", check);
  }, []);
  return isNarrow ? HEIGHT.narrow : HEIGHT.wide;
};

const useGroups = ({ workspace }: InWorkspace, by: Grouping) => {
  const stages = useView((view) => view.workspaces.get(workspace)?.workspace.stages ?? NO_STAGES);
  const members = useView((view) => [...(view.workspaces.get(workspace)?.members ?? [])]);
  return useMemo(() => {
    const people = members.map(({ user }) => ({ value: user.id, label: user.name }));
    const groups: Record<Grouping, () => Group[]> = {
      none: () => [],
      stage: () => stages.map(({ key, name, color, kind }) => ({ value: key, label: name, color, kind })),
      priority: () => priorityGroups(T.priorities),
      assignee: () => [...people.sort((a, b) => a.label.localeCompare(b.label)), { value: "", label: T.nobody }],
    };
    return { by, stages, groups: groups[by]() };
  }, [by, stages, members]);
};

const useRows = (at: InWorkspace) => {
  const { value: filter } = useFilter(at);
  const { sort, group, completed, closed } = useArrangement(at).value;
  const index = useMemo(() => {
    const test = passes(filter, at.project);
    return ordered<Task>((task) => (completed || !task.completed) && test(task), COMPARE[sort]);
  }, [filter, at.project, completed, sort]);
  const tasks = useView((view) => {
    const table = view.workspaces.get(at.workspace)?.tasks;
    return table ? index(table) : NO_TASKS;
  });
  const grouped = useGroups(at, group);
  const rows = useMemo(() => outline(tasks, grouped, new Set(closed)), [tasks, grouped, closed]);
  const isTree = useMemo(() => rows.some((row) => row.kind === "task" && row.children > 0), [rows]);
  return { rows, tasks, stages: grouped.stages, isTree };
};

/** What a task of a group has. */
const inGroup = (by: Grouping, value: string) =>
  by === "stage"
    ? { stage: value }
    : by === "priority"
      ? { priority: value as Priority }
      : by === "assignee" && value
        ? { assignee_ids: [value] }
        : {};

const Arranging = (at: InWorkspace) => {
  const { value, change } = useArrangement(at);
  const { sort, group, completed } = value;
  return (
    <>
      <Choose
        label={T.project.sort}
        value={sort}
        set={(sort) => change({ sort: sort as Sort })}
        options={SORTS.map((value) => ({ value, label: T.project.sorts[value]! }))}
      />
      <Choose
        label={T.project.group}
        value={group}
        set={(group) => change({ group: group as Grouping })}
        options={GROUPS.map((value) => ({ value, label: T.project.groups[value]! }))}
      />
      <button type="button" class="toggle" aria-pressed={completed} onClick={() => change({ completed: !completed })}>
        {T.project.completed}
      </button>
    </>
  );
};

const useAdding = (at: InWorkspace, by: Grouping) => {
  const { act } = useActing();
  const { value: filter } = useFilter(at);
  return (title: string, value = ""): string => {
    const id = newId();
    const fields = { ...fitting(filter), ...inGroup(by, value) };
    act(
      "task.create",
      { id, workspace_id: at.workspace, project_id: at.project ?? null, title, ...fields },
      titled(filter.text)(title) ? undefined : T.project.addedHidden(title),
    );
    return id;
  };
};

export default function List(at: InWorkspace) {
  const { value, change } = useArrangement(at);
  const { sort, group, closed } = value;
  const { rows, tasks, stages, isTree } = useRows(at);
  const rowHeight = useRowHeight();
  const { value: filter } = useFilter(at);
  const may = useView((view) => mayWrite(view, at.workspace));
  const isComplete = useView((view) => view.workspaces.get(at.workspace)?.complete ?? false);
  const [moving, setMoving] = useState<string>();
  const root = useRef<HTMLDivElement>(null);
  const canMove = may && sort === "order" && (group === "none" || group === "stage");
  const add = useAdding(at, group);

  const toggle = (key: string) =>
    change({ closed: closed.includes(key) ? closed.filter((one) => one !== key) : [...closed, key] });
  const { dragged, onPointerDown } = useDragging(root, { rows, stages }, rowHeight, canMove);
  const { aim, said, onKeyDown, reveal } = useKeys({ root, rows, may, canMove, toggle });
  const draft = `list ${at.workspace} ${at.project ?? ""}`;
  const onClick = (event: Event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-toggle], [data-move]");
    const toggled = button?.dataset["toggle"];
    if (toggled) toggle(toggled);
    else if (button) setMoving(button.closest<HTMLElement>("[data-key]")?.dataset["key"]);
  };

  const row = (item: Row) =>
    item.kind === "group" ? (
      <GroupHead
        row={item.key}
        group={item.group}
        count={item.count}
        isOpen={item.isOpen}
        draft={`${draft} ${item.key}`}
        add={may ? (title) => reveal(add(title, item.group.value) + (group === "assignee" ? ` ${item.group.value}` : "")) : undefined}
      />
    ) : (
      <ListRow
        task={item.task}
        depth={item.depth}
        below={item.children}
        isOpen={item.isOpen}
        may={may}
        isTree={isTree}
        isDragged={dragged?.key === item.key}
      />
    );

  return (
    <div class="view list-view">
      <WorkspaceHead {...at} />
      <FilterBar {...at}>
        <Arranging {...at} />
      </FilterBar>
      {!isComplete && <p class="quiet-text">{T.loading}</p>}
      {isComplete && !tasks.length && (
        <p class="empty">{isFiltering(filter) ? T.project.nothing : T.task.empty}</p>
      )}
      {may && <p class="sr-only">{T.project.listHint}</p>}
      <p class="sr-only" aria-live="assertive">
        {said}
      </p>
      <div class="list-rows" ref={root} onPointerDown={onPointerDown} onKeyDown={onKeyDown} onClick={onClick}>
        <VirtualList items={rows} rowHeight={rowHeight} keyOf={(item) => item.key} label={T.project.tasks} kept={aim}>
          {row}
        </VirtualList>
        {dragged && (
          <div class={`drop-line depth-${dragged.drop.depth}`} style={{ transform: `translateY(${dragged.line * rowHeight}px)` }} />
        )}
      </div>
      {may && group === "none" && (
        <div class="list-foot">
          <InlineAdd name={draft} label={T.project.addTo(T.project.theList)} add={(title) => reveal(add(title))} />
        </div>
      )}
      {moving && <Moving row={moving} rows={rows} stages={stages} canMove={canMove} close={() => setMoving(undefined)} />}
    </div>
  );
}
