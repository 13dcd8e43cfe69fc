// A month as a table of weeks. Arrow keys go from day to day; a day opens with all its tasks. Knows the days, not where they come from.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Task } from "../../../sdk/contract.js";
import { addMonths, dateText, monthOf } from "../../dates.js";
import { href, place } from "../../places.js";
import { T } from "../../texts.js";
import { addDays, clockTime } from "../../time.js";
import { useView } from "../../hooks.js";
import type { Days } from "./calendar.js";

/** So many tasks of a day are shown; one more takes the place of "+1 more". */
const SHOWN = 3;

const Chip = ({ task }: { task: Task }) => {
  const color = useView((view) =>
    task.project_id ? view.workspaces.get(task.workspace_id)?.projects.get(task.project_id)?.color : undefined,
  );
  const { scene, task: open } = place.value;
  return (
    <li>
      <a
        class={`day-task priority-${task.priority}${task.completed ? " completed" : ""}${open === task.id ? " open" : ""}`}
        href={href({ scene, task: task.id })}
        data-task={task.id}
        title={task.title}
        aria-keyshortcuts="Shift+ArrowLeft Shift+ArrowRight Shift+ArrowUp Shift+ArrowDown"
      >
        <span class="chip-color" style={color ? { background: color } : undefined} />
        {!task.all_day && <span class="chip-time">{clockTime(Date.parse(task.due_at!))}</span>}
        <span class="chip-title">{task.title}</span>
        {task.completed && <span class="sr-only">, {T.overview.completed}</span>}
      </a>
    </li>
  );
};

interface DayProps {
  day: string;
  tasks: readonly Task[];
  inMonth: boolean;
  isToday: boolean;
  isTarget: boolean;
  open(day: string): void;
  focused(day: string): void;
}

const Day = ({ day, tasks, inMonth, isToday, isTarget, open, focused }: DayProps) => {
  const shown = tasks.length > SHOWN + 1 ? tasks.slice(0, SHOWN) : tasks;
  const rest = tasks.length - shown.length;
  const name = dateText(day, "day");
  return (
    <td data-day={day} class={`${inMonth ? "" : "outside"}${isToday ? " is-today" : ""}`}>
      <button
        type="button"
        class="quiet day-number"
        tabIndex={isTarget ? 0 : -1}
        aria-label={T.overview.openDay(name, tasks.length)}
        aria-current={isToday ? "date" : undefined}
        onClick={() => open(day)}
        onFocus={() => focused(day)}
      >
        {Number(day.slice(8))}
      </button>
      {tasks.length > 0 && (
        <ul aria-label={name}>
          {shown.map((task) => (
            <Chip key={task.id} task={task} />
          ))}
        </ul>
      )}
      {rest > 0 && (
        <button type="button" class="quiet more-of-day" onClick={() => open(day)}>
          {T.overview.more(rest)}
          <span class="sr-only">, {name}</span>
        </button>
      )}
    </td>
  );
};

interface Props {
  month: string;
  weeks: string[][];
  days: Days;
  today: string;
  open(day: string): void;
  show(month: string): void;
}

const NONE: readonly Task[] = [];
const STEPS: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };

/** The day that a key goes to. */
const dayAt = (key: string, day: string): string | undefined => {
  if (key in STEPS) return addDays(day, STEPS[key]!);
  if (key === "PageUp" || key === "PageDown") {
    const month = addMonths(monthOf(day), key === "PageUp" ? -1 : 1);
    const last = Number(addDays(`${addMonths(month, 1)}-01`, -1).slice(8));
    return `${month}-${String(Math.min(Number(day.slice(8)), last)).padStart(2, "0")}`;
  }
  return undefined;
};

/** The day that Tab goes to, and what goes on from it by keys. */
const useRoving = ({ month, today, show }: Pick<Props, "month" | "today" | "show">) => {
  const body = useRef<HTMLTableSectionElement>(null);
  const [target, setTarget] = useState<string>();
  const goal = useRef<string | undefined>(undefined);
  const button = (day: string) => body.current?.querySelector<HTMLElement>(`[data-day="${day}"] .day-number`);
  const press = (event: KeyboardEvent) => {
    const from = (event.target as Element).closest(".day-number")?.closest<HTMLElement>("[data-day]")?.dataset["day"];
    if (!from || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = dayAt(event.key, from);
    if (!to) return;
    event.preventDefault();
    if (monthOf(to) === month) return void button(to)?.focus();
    goal.current = to;
    show(monthOf(to));
  };
  useEffect(() => {
    if (goal.current) button(goal.current)?.focus();
    goal.current = undefined;
  }, [month]);
  const first = monthOf(today) === month ? today : `${month}-01`;
  return { body, press, setTarget, target: target && monthOf(target) === month ? target : first };
};

export const Grid = ({ month, weeks, days, today, open, show }: Props) => {
  const { body, press, setTarget, target } = useRoving({ month, today, show });
  return (
    <table class="month">
      <caption class="sr-only">{dateText(month, "month")}</caption>
      <thead>
        <tr>
          {weeks[0]!.map((day) => (
            <th key={day} scope="col">
              <abbr title={dateText(day, "wholeWeekday")}>{dateText(day, "weekday")}</abbr>
            </th>
          ))}
        </tr>
      </thead>
      <tbody ref={body} onKeyDown={press}>
        {weeks.map((week) => (
          <tr key={week[0]}>
            {week.map((day) => (
              <Day
                key={day}
                day={day}
                tasks={days.get(day) ?? NONE}
                inMonth={monthOf(day) === month}
                isToday={day === today}
                isTarget={day === target}
                open={open}
                focused={setTarget}
              />
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
};
