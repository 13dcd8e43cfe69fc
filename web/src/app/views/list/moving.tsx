// The dialog that moves a row of the list without dragging: to a stage, among its siblings, in and out of a parent.

import type { Stage } from "../../../sdk/contract.js";
import { useActing } from "../../acting.js";
import { stageOf } from "../../arrange.js";
import { useView } from "../../hooks.js";
import { MoveDialog } from "../../parts/move-dialog.js";
import { childOf } from "../../tasks.js";
import { T } from "../../texts.js";
import { DEEPEST, siblings, type Row } from "./outline.js";
import { stepOf } from "./use-keys.js";

interface Props {
  /** Its key. */
  row: string;
  rows: readonly Row[];
  stages: readonly Stage[];
  /** Whether the order can be changed. */
  canMove: boolean;
  close: () => void;
}

export const Moving = ({ row: key, rows, stages, canMove, close }: Props) => {
  const { act } = useActing();
  const row = rows.find((row) => row.key === key);
  const task = row?.kind === "task" ? row.task : undefined;
  const hasChildren = useView((view) => {
    const tasks = view.workspaces.get(task?.workspace_id ?? "")?.tasks;
    return !!task && !!tasks?.filter(childOf(task.id)).length;
  });
  if (row?.kind !== "task" || !task) return null;
  const beside = siblings(rows, key);
  const at = beside.indexOf(row);
  const above = beside[at - 1]?.task.id;
  const parent = task.parent_id;
  const canNest = above && row.depth + Number(hasChildren) < DEEPEST;
  const grand = parent ? rows.find((row) => row.kind === "task" && row.task.id === parent) : undefined;
  const step = (label: string, to: (at: number, last: number) => number) => {
    const found = stepOf(rows, key, to);
    return { label, run: found && (() => act("task.move", found.data)) };
  };
  const out = () => act("task.move", { id: task.id, parent_id: grand?.kind === "task" ? grand.task.parent_id : null, after: parent });
  const toStage = ({ key: stage, name }: Stage) => {
    if (stage !== stageOf(stages, task)) act("task.move", { id: task.id, stage }, T.task.moved(task.title, name));
  };
  const steps = canMove
    ? [
        step(T.project.first, () => 0),
        step(T.project.up, (at) => at - 1),
        step(T.project.down, (at) => at + 1),
        step(T.project.last, (_, last) => last),
        { label: T.project.into, run: canNest ? () => act("task.move", { id: task.id, parent_id: above }) : undefined },
        { label: T.project.out, run: parent ? out : undefined },
      ]
    : [];
  return (
    <MoveDialog
      task={task}
      stage={stageOf(stages, task)}
      stages={stages}
      toStage={toStage}
      steps={steps}
      place={T.project.place(at + 1, beside.length)}
      close={close}
    />
  );
};
