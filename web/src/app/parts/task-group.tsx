// Tasks under a heading that stays visible while they scroll. Only the rows that are seen are in the page. Knows no view.

import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import type { Task } from "../../sdk/contract.js";
import { T } from "../texts.js";
import { Icon } from "./icons.js";
import { TaskRow } from "./task-row.js";
import { VirtualList } from "./virtual-list.js";

/** As `--row` of the style. */
const ROW = 44;
const keyOf = (task: Task): string => task.id;

interface Props {
  title: string;
  tasks: readonly Task[];
  /** Whether rows say what their task is in. */
  where?: boolean;
  /** What stands in the heading before and behind its text. */
  lead?: ComponentChildren;
  actions?: ComponentChildren;
  tone?: "plain" | "bad" | "today" | "blank";
  /** The level of the heading. */
  level?: 2 | 3;
  /** The day on which a task is due that is dropped here. */
  day?: string | undefined;
  /** Where the heading leads. */
  to?: string | undefined;
}

export const TaskGroup = ({ title, tasks, where = true, lead, actions, tone = "plain", level = 2, day, to }: Props) => {
  const Heading = `h${level}` as const;
  return (
    <section class={`task-group ${tone}`} data-day={day}>
      <header class="group-head">
        <Heading>
          {lead}
          {to ? <a href={to}>{title}</a> : <span>{title}</span>}
          {tasks.length > 0 && <Count tasks={tasks} />}
        </Heading>
        {actions}
      </header>
      {tasks.length > 0 && <Rows title={title} tasks={tasks} where={where} />}
    </section>
  );
};

const Count = ({ tasks }: { tasks: readonly Task[] }) => (
  <span class="count">
    <span aria-hidden="true">{tasks.length.toLocaleString()}</span>
    <span class="sr-only">, {T.lists.number(tasks.length)}</span>
  </span>
);

const Rows = ({ title, tasks, where }: { title: string; tasks: readonly Task[]; where: boolean }) => (
  <VirtualList items={tasks} rowHeight={ROW} keyOf={keyOf} label={title}>
    {(task) => <TaskRow task={task} where={where} />}
  </VirtualList>
);

/** Tasks that are shown when one asks for them. */
export const FoldedGroup = ({ title, tasks }: Pick<Props, "title" | "tasks">) => {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  return (
    <section class="task-group folded">
      <header class="group-head">
        <h2>
          <button type="button" class="quiet" aria-expanded={isOpen} aria-controls={isOpen ? id : undefined} onClick={() => setOpen(!isOpen)}>
            <Icon name="chevron" size={16} />
            <span>{title}</span>
            <Count tasks={tasks} />
          </button>
        </h2>
      </header>
      {isOpen && (
        <div id={id}>
          <Rows title={title} tasks={tasks} where />
        </div>
      )}
    </section>
  );
};
