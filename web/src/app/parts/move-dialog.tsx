// Moves a task without dragging it: to another stage, up and down among those that are shown with it. Does not know the view.

import type { Stage, Task } from "../../sdk/contract.js";
import { T } from "../texts.js";
import { Dialog } from "./dialog.js";

/** One way to change the order. */
export interface Step {
  label: string;
  /** Nothing where it leads nowhere. */
  run: (() => void) | undefined;
}

interface Props {
  task: Task;
  /** The key of the stage that it is in. */
  stage: string;
  stages: readonly Stage[];
  toStage: (stage: Stage) => void;
  /** None where the order cannot be changed. */
  steps: readonly Step[];
  /** The place that it has. */
  place: string;
  close: () => void;
}

export const MoveDialog = ({ task, stage, stages, toStage, steps, place, close }: Props) => (
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
    {steps.length > 0 && (
      <>
        <h3>{T.project.order}</h3>
        <div class="move-choices">
          {steps.map(({ label, run }) => (
            <button type="button" key={label} aria-disabled={!run} onClick={run}>
              {label}
            </button>
          ))}
        </div>
        <p class="quiet-text" role="status">
          {place}
        </p>
      </>
    )}
  </Dialog>
);
