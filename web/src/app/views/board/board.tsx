// A workspace, or one project of it, as a board: a column for each stage.

import { useId, useMemo, useRef, useState } from "preact/hooks";
import type { Stage, Task } from "../../../sdk/contract.js";
import { useActing } from "../../acting.js";
import { fitting, isFiltering, passes, placeAt, stageOf, titled, type Filter } from "../../arrange.js";
import { useNow, useView } from "../../hooks.js";
import { ordered } from "../../ordered.js";
import { FilterBar, useFilter } from "../../parts/filter-bar.js";
import { useKeptFocus } from "../../parts/kept-focus.js";
import { MoveDialog } from "../../parts/move-dialog.js";
import { WorkspaceHead } from "../../parts/workspace-head.js";
import type { InWorkspace } from "../../shell/scenes.js";
import { byPosition, mayWrite } from "../../tasks.js";
import { T } from "../../texts.js";
import { DAY } from "../../time.js";
import { indexOf, without, type Shown } from "./carry.js";
import { Column } from "./column.js";
import { useCarrying } from "./use-carrying.js";

const NO_STAGES: readonly Stage[] = [];
const NO_TASKS: readonly Task[] = [];
/** What was completed longer ago is not shown at first. */
const RECENT = 14 * DAY;

interface Whole extends Shown {
  /** How many tasks there are that are not shown. */
  older: number;
}

const useColumns = ({ workspace, project }: InWorkspace, filter: Filter, all: ReadonlySet<string>): readonly Whole[] => {
  const stages = useView((view) => view.workspaces.get(workspace)?.workspace.stages ?? NO_STAGES);
  const indexes = useMemo(() => {
    const test = passes(filter, project);
    return stages.map(({ key }) => ordered<Task>((task) => test(task) && stageOf(stages, task) === key, byPosition));
  }, [stages, filter, project]);
  const lists = useView((view) => {
    const tasks = view.workspaces.get(workspace)?.tasks;
    return indexes.map((index) => (tasks ? index(tasks) : NO_TASKS));
  });
  const since = new Date(Math.floor(useNow() / DAY) * DAY - RECENT).toISOString();
  return useMemo(
    () =>
      stages.map((stage, i) => {
        const tasks = lists[i] ?? NO_TASKS;
        if (stage.kind !== "done" || all.has(stage.key)) return { stage, tasks, older: 0 };
        const recent = tasks.filter(({ completed_at }) => !completed_at || completed_at >= since);
        return recent.length === tasks.length ? { stage, tasks, older: 0 } : { stage, tasks: recent, older: tasks.length - recent.length };
      }),
    [stages, lists, since, all],
  );
};

const useAdding = ({ workspace, project }: InWorkspace, filter: Filter) => {
  const { act } = useActing();
  return useMemo(
    () => (stage: string, title: string) => {
      const data = { workspace_id: workspace, project_id: project ?? null, stage, title, ...fitting(filter) };
      act("task.create", data, titled(filter.text)(title) ? undefined : T.project.addedHidden(title));
    },
    [workspace, project, filter],
  );
};

/** The dialog that moves a task without dragging. */
const Moving = ({ id, columns, close }: { id: string; columns: readonly Shown[]; close: () => void }) => {
  const { act } = useActing();
  const column = columns.find(({ tasks }) => tasks.some((task) => task.id === id));
  if (!column) return null;
  const at = column.tasks.findIndex((task) => task.id === id);
  const task = column.tasks[at]!;
  const toStage = (stage: Stage) => {
    const there = columns.find((one) => one.stage.key === stage.key)?.tasks ?? [];
    if (stage.key !== column.stage.key)
      act("task.move", { id, stage: stage.key, ...placeAt(there, there.length) }, T.task.moved(task.title, stage.name));
  };
  const others = without(column.tasks, id);
  const step = (label: string, to: number) => ({
    label,
    run: to === at || to < 0 || to > others.length ? undefined : () => act("task.move", { id, ...placeAt(others, to) }),
  });
  return (
    <MoveDialog
      task={task}
      stage={column.stage.key}
      stages={columns.map(({ stage }) => stage)}
      toStage={toStage}
      steps={[
        step(T.project.first, 0),
        step(T.project.up, at - 1),
        step(T.project.down, at + 1),
        step(T.project.last, others.length),
      ]}
      place={T.project.placeIn(at + 1, column.tasks.length, column.stage.name)}
      close={close}
    />
  );
};

export default function Board(at: InWorkspace) {
  const { value: filter } = useFilter(at);
  const may = useView((view) => mayWrite(view, at.workspace));
  const isComplete = useView((view) => view.workspaces.get(at.workspace)?.complete ?? false);
  const [all, setAll] = useState<ReadonlySet<string>>(new Set());
  const [moving, setMoving] = useState<string>();
  const columns = useColumns(at, filter, all);
  const add = useAdding(at, filter);
  const root = useRef<HTMLDivElement>(null);
  const hint = useId();
  const { carrying, said, handlers } = useCarrying(root, columns, may);
  useKeptFocus(root);

  const lifted = carrying && columns.flatMap(({ tasks }) => tasks.find(({ id }) => id === carrying.id) ?? [])[0];
  const liftedIn = ({ stage, tasks }: Shown) => {
    if (!carrying || !lifted) return undefined;
    const isHere = carrying.spot.stage === stage.key;
    if (!isHere && !tasks.includes(lifted)) return undefined;
    const place = isHere ? indexOf(without(tasks, lifted.id), carrying.spot) : undefined;
    return { task: lifted, by: carrying.by, height: carrying.height, at: place };
  };
  const showOlder = useMemo(() => (stage: string) => setAll((held) => new Set([...held, stage])), []);
  const isEmpty = columns.every(({ tasks, older }) => !tasks.length && !older);

  return (
    <div class="view wide board-view">
      <WorkspaceHead {...at} />
      <FilterBar {...at} />
      {!isComplete && <p class="quiet-text">{T.loading}</p>}
      {isComplete && isEmpty && isFiltering(filter) && <p class="quiet-text nothing">{T.project.nothing}</p>}
      {may && (
        <p class="sr-only" id={hint}>
          {T.project.boardHint}
        </p>
      )}
      <p class="sr-only" aria-live="assertive">
        {said}
      </p>
      <div
        class={carrying ? "board carrying" : "board"}
        ref={root}
        tabIndex={-1}
        {...handlers}
        onClick={(event) => {
          const more = (event.target as Element).closest("[data-move]");
          if (more) setMoving(more.closest<HTMLElement>("[data-key]")?.dataset["key"]);
        }}
      >
        {columns.map((column) => (
          <Column
            key={column.stage.key}
            stage={column.stage}
            tasks={column.tasks}
            older={column.older}
            showOlder={showOlder}
            may={may}
            hint={hint}
            lifted={liftedIn(column)}
            draft={`${at.workspace} ${at.project ?? ""}`}
            add={add}
          />
        ))}
      </div>
      {moving && <Moving id={moving} columns={columns} close={() => setMoving(undefined)} />}
    </div>
  );
}
