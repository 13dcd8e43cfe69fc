// The calendar of a workspace, or of one project: a month as a grid, on phones as a list of its days. Owns which month it is (the
// address has it), which day is open, and how tasks are moved.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Task } from "../../../sdk/contract.js";
import { addMonths, dateText, firstDayOf, isMonth, monthOf, weeksOf } from "../../dates.js";
import { useNow, useView } from "../../hooks.js";
import { keyMove, useDragging } from "../../parts/dragging.js";
import { Icon } from "../../parts/icons.js";
import { useMoving } from "../../parts/moving.js";
import { WorkspaceHead } from "../../parts/workspace-head.js";
import { go, place } from "../../places.js";
import type { InWorkspace } from "../../shell/scenes.js";
import { byDue, dated, mayWrite } from "../../tasks.js";
import { T } from "../../texts.js";
import { dateOf, dueDate } from "../../time.js";
import { Agenda } from "./agenda.js";
import { DayDialog } from "./day.js";
import { Grid } from "./grid.js";

/** As the style's width from which on there is a grid. */
const PHONE = "(max-width: 760px)";

const FIRST_DAY = firstDayOf(Intl.DateTimeFormat().resolvedOptions().locale);

export type Days = ReadonlyMap<string, readonly Task[]>;

const usePhone = (): boolean => {
  const [query] = useState(() => matchMedia(PHONE));
  const [isPhone, set] = useState(query.matches);
  useEffect(() => {
    const change = () => set(query.matches);
    query.addEventListener("change", change);
    return () => query.removeEventListener("change", change);
  }, [query]);
  return isPhone;
};

/** The tasks of some weeks, by day. */
const useDays = ({ workspace, project }: InWorkspace, weeks: string[][]): Days => {
  const test = dated(project, weeks[0]![0]!, weeks.at(-1)![6]!);
  const tasks = useView((view) => view.workspaces.get(workspace)?.tasks.filter(test) ?? []);
  return useMemo(() => {
    const days = new Map<string, Task[]>();
    for (const task of [...tasks].sort((a, b) => Number(a.completed) - Number(b.completed) || byDue(a, b))) {
      const day = dueDate(task)!;
      const held = days.get(day);
      if (held) held.push(task);
      else days.set(day, [task]);
    }
    return days;
  }, [tasks]);
};

const Months = ({ month, show, today }: { month: string; show: (month: string) => void; today: string }) => (
  <div class="months">
    <h2 aria-live="polite">{dateText(month, "month")}</h2>
    <div class="months-moves">
      <button type="button" class="quiet icon-button back" aria-label={T.overview.previous} onClick={() => show(addMonths(month, -1))}>
        <Icon name="chevron" />
      </button>
      <button type="button" onClick={() => show(monthOf(today))}>
        {T.overview.today}
      </button>
      <button type="button" class="quiet icon-button" aria-label={T.overview.next} onClick={() => show(addMonths(month, 1))}>
        <Icon name="chevron" />
      </button>
    </div>
  </div>
);

export default function Calendar(props: InWorkspace) {
  const today = dateOf(useNow());
  const { scene } = place.value;
  const asked = scene.at === "workspace" ? scene.month : undefined;
  const month = isMonth(asked) ? asked : monthOf(today);
  const weeks = useMemo(() => weeksOf(month, FIRST_DAY), [month]);
  const days = useDays(props, weeks);
  const may = useView((view) => mayWrite(view, props.workspace));
  const [open, setOpen] = useState<string>();
  const isPhone = usePhone();
  const root = useRef<HTMLDivElement>(null);
  const { move, shift } = useMoving();
  useDragging(root, move);
  const show = (to: string) => {
    if (isMonth(to)) go({ scene: { at: "workspace", ...props, layout: "calendar", month: to }, task: place.peek().task }, true);
  };
  const press = (event: KeyboardEvent) => {
    const found = keyMove(event);
    if (found) shift(found.task, found.days);
  };
  return (
    <div class="view wide calendar" ref={root} onKeyDown={press}>
      <WorkspaceHead {...props} />
      <Months month={month} show={show} today={today} />
      {isPhone ? (
        <Agenda month={month} weeks={weeks} days={days} today={today} open={setOpen} may={may} />
      ) : (
        <Grid month={month} weeks={weeks} days={days} today={today} open={setOpen} show={show} />
      )}
      {may && !isPhone && <p class="hint">{T.overview.hint}</p>}
      {open && <DayDialog day={open} tasks={days.get(open) ?? []} close={() => setOpen(undefined)} may={may} {...props} />}
    </div>
  );
}
