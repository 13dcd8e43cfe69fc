// Rows of the list: a task with what is below it, and the head of a group. The list follows keyboard and pointer.

import type { Task } from "../../../sdk/contract.js";
import { Icon } from "../../parts/icons.js";
import { InlineAdd } from "../../parts/inline-add.js";
import { memo } from "../../parts/memo.js";
import { TaskRow } from "../../parts/task-row.js";
import { T } from "../../texts.js";
import type { Group } from "./outline.js";

interface Props {
  task: Task;
  depth: number;
  /** How many tasks are right below it. */
  below: number;
  isOpen: boolean;
  may: boolean;
  /** Whether any task has some below it: all are then set in. */
  isTree: boolean;
  isDragged: boolean;
}

export const ListRow = memo(({ task, depth, below, isOpen, may, isTree, isDragged }: Props) => (
  <div class={`list-row depth-${depth}${isDragged ? " lifted-row" : ""}`}>
    {may && (
      <button type="button" class="quiet row-handle" data-move aria-label={T.project.move(task.title)}>
        <Icon name="grip" size={16} />
      </button>
    )}
    {below > 0 ? (
      <button type="button" class="quiet row-expand" data-toggle={task.id} aria-expanded={isOpen} aria-label={T.project.show(task.title)}>
        <Icon name="chevron" size={16} />
      </button>
    ) : (
      isTree && <span class="row-expand" />
    )}
    {depth > 0 && <span class="sr-only">{T.project.level(depth + 1)}</span>}
    <TaskRow task={task} />
    {below > 0 && !isOpen && <span class="count">{below}</span>}
  </div>
));

interface HeadProps {
  row: string;
  group: Group;
  count: number;
  isOpen: boolean;
  draft: string;
  add: ((title: string) => void) | undefined;
}

export const GroupHead = ({ row, group: { label, color, kind }, count, isOpen, draft, add }: HeadProps) => (
  <div class="list-group">
    <h2>
      <button type="button" class="quiet" data-focus data-toggle={row} aria-expanded={isOpen}>
        <Icon name="chevron" size={16} />
        {kind && <span class={`dot kind-${kind}`} style={color ? { background: color } : undefined} />}
        <span class="group-name">{label}</span>
        <span class="count">{count.toLocaleString()}</span>
      </button>
    </h2>
    {add && <InlineAdd name={draft} label={T.project.addTo(label)} add={add} />}
  </div>
);
