// A column of the board: the tasks of a stage. Of a long one only the first cards are in the page, and more as it is scrolled.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Stage, Task } from "../../../sdk/contract.js";
import { InlineAdd } from "../../parts/inline-add.js";
import { memo } from "../../parts/memo.js";
import { T } from "../../texts.js";
import { Card } from "./card.js";

/** A card on its way, and its place in this column, if it is here. */
export interface Lifted {
  task: Task;
  by: "pointer" | "keys";
  height: number;
  at: number | undefined;
}

interface Props {
  stage: Stage;
  tasks: readonly Task[];
  /** How many more there are that are not shown. */
  older: number;
  showOlder: (stage: string) => void;
  may: boolean;
  hint: string;
  lifted: Lifted | undefined;
  draft: string;
  add: (stage: string, title: string) => void;
}

const PAGE = 100;
/** So many of the last ones are shown when tasks are added at the end. */
const TAIL = 20;

/** A button that shows more, pressed by scrolling to it. */
const More = ({ left, more, byScrolling }: { left: number; more: () => void; byScrolling: boolean }) => {
  const element = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (!byScrolling) return;
    const root = element.current!.closest(".column-cards");
    const watch = new IntersectionObserver(([seen]) => seen?.isIntersecting && more(), { root, rootMargin: "800px 0px" });
    watch.observe(element.current!);
    return () => watch.disconnect();
  }, [left, byScrolling]);
  return (
    <li ref={element}>
      <button type="button" class="quiet column-more" onClick={more}>
        {T.project.showMore(left)}
      </button>
    </li>
  );
};

const Cards = ({ tasks, limit, tail, more, lifted, may, hint }: Pick<Props, "tasks" | "lifted" | "may" | "hint"> & {
  limit: number;
  tail: number;
  more: () => void;
}) => {
  const entries: ComponentChildren[] = [];
  const place = () => {
    if (!lifted) return;
    if (lifted.by === "keys") entries.push(<Card key={lifted.task.id} task={lifted.task} may={may} hint={hint} how="carried" />);
    else entries.push(<li key="place" class="board-card-place" style={{ height: `${lifted.height}px` }} />);
  };
  const first = Math.max(limit, lifted?.at === undefined ? 0 : lifted.at + 2);
  const last = Math.max(first, tasks.length - tail);
  let others = 0;
  for (let i = 0; i < tasks.length; i++) {
    if (i === first && last > first) {
      entries.push(<More key="more" left={last - first} more={more} byScrolling={!tail} />);
      others += last - i;
      i = last;
      if (i >= tasks.length) break;
    }
    const task = tasks[i]!;
    if (task.id === lifted?.task.id) {
      if (lifted.by === "pointer") entries.push(<Card key={task.id} task={task} may={may} hint={hint} how="lifted" />);
      continue;
    }
    if (others === lifted?.at) place();
    entries.push(<Card key={task.id} task={task} may={may} hint={hint} />);
    others++;
  }
  if (lifted?.at !== undefined && lifted.at >= others) place();
  return <>{entries}</>;
};

export const Column = memo((props: Props) => {
  const { stage, tasks, older, showOlder, may, hint, lifted, draft, add } = props;
  const [limit, setLimit] = useState(PAGE);
  const [isAdding, setAdding] = useState(false);
  const list = useRef<HTMLUListElement>(null);
  const added = useRef(false);
  const name = useId();

  useEffect(() => {
    if (!added.current) return;
    added.current = false;
    list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [tasks]);

  return (
    <section class={lifted?.at === undefined ? "column" : "column target"} data-stage={stage.key} aria-labelledby={name}>
      <h2 class="column-head" id={name}>
        <span class={`dot kind-${stage.kind}`} style={stage.color ? { background: stage.color } : undefined} />
        <span class="column-name">{stage.name}</span> <span class="count">{(tasks.length + older).toLocaleString()}</span>
      </h2>
      <ul class="column-cards" ref={list} tabIndex={-1} aria-labelledby={name}>
        <Cards
          tasks={tasks}
          limit={limit}
          tail={isAdding ? TAIL : 0}
          more={() => setLimit((limit) => limit + PAGE)}
          lifted={lifted}
          may={may}
          hint={hint}
        />
        {older > 0 && (
          <li>
            <button type="button" class="quiet column-more" onClick={() => showOlder(stage.key)}>
              {T.project.showOlder(older)}
            </button>
          </li>
        )}
      </ul>
      {may && (
        <InlineAdd
          name={`${draft} ${stage.key}`}
          label={T.project.addTo(stage.name)}
          opened={setAdding}
          add={(title) => {
            added.current = true;
            add(stage.key, title);
          }}
        />
      )}
    </section>
  );
});
