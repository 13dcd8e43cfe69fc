// When the task is due: a day, or a moment of it, in the person's zone.

import { useActing } from "../../acting.js";
import { useNow } from "../../hooks.js";
import { Icon } from "../../parts/icons.js";
import { T } from "../../texts.js";
import { addDays, currentZone, dateOf, dueDate, dueText, inputTime, isOverdue, momentOf } from "../../time.js";
import { useOpen } from "./context.js";
import { Row } from "./row.js";
import { TypedInput } from "./typed-input.js";

/** The time that a day gets when it becomes a moment. */
export const MORNING = "09:00";

const own = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Says in which zone times are, where it is not the one of this computer. */
export const Zone = () => {
  const zone = currentZone();
  return zone === own ? null : <span class="quiet-text small">{T.panel.inZone(zone)}</span>;
};

const Quick = ({ set }: { set: (date: string) => void }) => {
  const today = dateOf(useNow());
  const choices = [
    [T.panel.today, today],
    [T.panel.tomorrow, addDays(today, 1)],
    [T.panel.nextWeek, addDays(today, 7)],
  ] as const;
  return (
    <>
      {choices.map(([label, date]) => (
        <button type="button" class="chip" key={label} onClick={() => set(date)}>
          {label}
        </button>
      ))}
    </>
  );
};

export const Due = () => {
  const { task, may } = useOpen();
  const { act } = useActing();
  const now = useNow();
  const date = dueDate(task) ?? "";
  const time = date && !task.all_day ? inputTime(Date.parse(task.due_at!)) : "";
  const set = (date: string, time: string) => {
    const due_at = !date ? null : time ? new Date(momentOf(date, time)).toISOString() : `${date}T00:00:00.000Z`;
    act("task.update", { id: task.id, due_at, all_day: !!date && !time });
  };
  const late = !task.completed && isOverdue(task, now);
  return (
    <Row label={T.panel.due} icon="calendar" fields={["due_at", "all_day"]}>
      <span class="moment">
        <TypedInput type="date" label={T.panel.dueDate} value={date} disabled={!may} save={(to) => set(to, time)} />
        {date && !task.all_day && (
          <TypedInput type="time" label={T.panel.dueTime} value={time} disabled={!may} save={(to) => set(date, to)} />
        )}
      </span>
      <span class="moment">
        {!date && may && <Quick set={(to) => set(to, "")} />}
        {date && (
          <label class="tick">
            <input
              type="checkbox"
              checked={task.all_day}
              disabled={!may}
              onChange={(event) => set(date, event.currentTarget.checked ? "" : MORNING)}
            />
            {T.panel.allDay}
          </label>
        )}
        {date && <span class={late ? "due overdue" : "due"}>{late ? T.panel.overdue(dueText(task, now)) : dueText(task, now)}</span>}
        {time && <Zone />}
        {date && may && (
          <button type="button" class="quiet chip-remove" aria-label={T.panel.clearDue} onClick={() => set("", "")}>
            <Icon name="close" size={16} />
          </button>
        )}
      </span>
    </Row>
  );
};
