// Moves a task without dragging it: to another stage, up and down among those that are shown with it. Does not know the view.

import type { Stage, Task } from "../../sdk/contract.js";
import { T } from "../texts.js";
import { Dialog } from "./dialog.js";

export type Step = "first" | "up" | "down" | "last";
const STEPS: readonly Step[] = ["first", "up", "down", "last"];

interface Props {
  task: Task;
  /** The key of the stage that it is in. */
  stage: string;
  stages: readonly Stage[];
  /** Its place among so many, from 0. Without it, the order cannot be changed here. */
  order?: { at: number; of: number } | undefined;
  toStage: (stage: Stage) => void;
  step: (step: Step) => void;
  close: () => void;
}

export const MoveDialog = ({ task, stage, stages, order, toStage, step, close }: Props) => {
  const isAtEnd = (step: Step) => !!order && (step === "first" || step === "up" ? order.at <= 0 : order.at >= order.of - 1);
  return (
    <Dialog title={T.project.move(task.title)} close={close}>
      <h3>{T.project.stage}</h3>
      <div class="move-choices">
        {stages.map((one) => (
          <button type="button" class="toggle" key={one.key} aria-pressed={one.key === stage} onClick={() => toStage(one)}>
            <span class={`dot kind-${one.kind}`} style={one.color ? { background: one.color } : undefined} />
            {one.name}
          </button>
        ))}
      </div>
      {order && (
        <>
          <h3>{T.project.order}</h3>
          <div class="move-choices">
            {STEPS.map((one) => (
              <button type="button" key={one} aria-disabled={isAtEnd(one)} onClick={() => !isAtEnd(one) && step(one)}>
                {T.project.steps[one]}
              </button>
            ))}
          </div>
          <p class="quiet-text" role="status">
            {T.project.place(order.at + 1, order.of)}
          </p>
        </>
      )}
    </Dialog>
  );
};
