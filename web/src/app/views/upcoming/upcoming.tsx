// Upcoming: what is due on each day of the next four weeks, and later. A task is dragged to another day, or moved by keys.

import { useMemo, useRef, useState } from "preact/hooks";
import type { Task } from "../../../sdk/contract.js";
import { dateText, daysFrom } from "../../dates.js";
import { useNow, useView } from "../../hooks.js";
import { AddOnDay } from "../../parts/add-on-day.js";
import { keyMove, useDragging } from "../../parts/dragging.js";
import { Icon } from "../../parts/icons.js";
import { useMoving } from "../../parts/moving.js";
import { TaskGroup } from "../../parts/task-group.js";
import { byDue, dueWithin, EVER, everywhere } from "../../tasks.js";
import { T } from "../../texts.js";
import { addDays, dateOf, dayName, dueDate } from "../../time.js";

const DAYS = 28;
const NONE: readonly Task[] = [];

const byDay = (tasks: readonly Task[]): Map<string, Task[]> => {
  const days = new Map<string, Task[]>();
  for (const task of [...tasks].sort(byDue)) {
    const day = dueDate(task)!;
    const held = days.get(day);
    if (held) held.push(task);
    else days.set(day, [task]);
  }
  return days;
};

const useDue = (from: string, to: string): Task[] => {
  const test = dueWithin(from, to);
  const tasks = useView((view) => everywhere(view, test));
  return useMemo(() => [...tasks].sort(byDue), [tasks]);
};

const Day = ({ day, tasks, now }: { day: string; tasks: readonly Task[]; now: number }) => {
  const [isAdding, setAdding] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const name = dayName(day, now);
  const short = dateText(day, "short");
  const close = () => {
    setAdding(false);
    button.current?.focus();
  };
  return (
    <TaskGroup
      title={name.includes(short) ? name : `${name}, ${short}`}
      tasks={tasks}
      day={day}
      actions={
        <>
          <button
            type="button"
            ref={button}
            class="quiet icon-button"
            aria-label={T.lists.addOn(dateText(day, "day"))}
            aria-expanded={isAdding}
            onClick={() => setAdding(!isAdding)}
          >
            <Icon name="plus" />
          </button>
          {isAdding && <AddOnDay day={day} close={close} />}
        </>
      }
    />
  );
};

export default function Upcoming() {
  const now = useNow();
  const today = dateOf(now);
  const end = addDays(today, DAYS - 1);
  const ready = useView((view) => view.synced || view.workspaces.size > 0);
  const overdue = useDue(EVER.from, addDays(today, -1));
  const soon = useDue(today, end);
  const later = useDue(addDays(today, DAYS), EVER.to);
  const days = useMemo(() => byDay(soon), [soon]);
  const root = useRef<HTMLDivElement>(null);
  const { moveAll, move, shift } = useMoving();
  useDragging(root, move);
  const press = (event: KeyboardEvent) => {
    const asked = keyMove(event);
    if (asked) shift(asked.task, asked.days);
  };
  return (
    <div class="view upcoming" ref={root} onKeyDown={press}>
      <header class="view-head">
        <h1>{T.places.upcoming}</h1>
        <p class="hint">{T.lists.dragHint}</p>
      </header>
      {!ready && <p class="quiet-text loading">{T.loading}</p>}
      {overdue.length > 0 && (
        <TaskGroup
          title={T.lists.overdue}
          tasks={overdue}
          tone="bad"
          actions={
            <button type="button" class="small" onClick={() => moveAll(overdue, today)}>
              {T.lists.moveAll}
            </button>
          }
        />
      )}
      {daysFrom(today, DAYS).map((day) => (
        <Day key={day} day={day} tasks={days.get(day) ?? NONE} now={now} />
      ))}
      {later.length > 0 && <TaskGroup title={T.lists.later} tasks={later} />}
    </div>
  );
}
