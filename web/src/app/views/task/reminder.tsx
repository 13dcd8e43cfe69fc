// When the task's people are reminded: some time before it is due, or at a moment.

import { useState } from "preact/hooks";
import { useActing } from "../../acting.js";
import { T } from "../../texts.js";
import { dateOf, dueDate, inputTime, momentOf } from "../../time.js";
import { useOpen } from "./context.js";
import { MORNING, Zone } from "./due.js";
import { Row } from "./row.js";
import { TypedInput } from "./typed-input.js";

/** Minutes before the task is due. */
const BEFORE = [0, 10, 30, 60, 120, 1440, 2880, 10080] as const;
const MINUTE = 60_000;

export const Reminder = () => {
  const { task, may } = useOpen();
  const { act } = useActing();
  const [isOwn, setOwn] = useState(false);
  const due = dueDate(task);
  // A whole day is reminded of in its morning.
  const from = !due ? undefined : task.all_day ? momentOf(due, MORNING) : Date.parse(task.due_at!);
  const at = task.remind_at === null ? undefined : Date.parse(task.remind_at);
  const before = at === undefined || from === undefined ? undefined : BEFORE.find((n) => from - n * MINUTE === at);
  const value = at === undefined ? "" : isOwn || before === undefined ? "own" : String(before);
  const save = (moment: number | undefined) =>
    act("task.update", { id: task.id, remind_at: moment === undefined ? null : new Date(moment).toISOString() });
  const choose = (value: string) => {
    setOwn(value === "own");
    if (value === "") save(undefined);
    else if (value !== "own") save(from! - Number(value) * MINUTE);
    else if (at === undefined) save(from ?? momentOf(dateOf(Date.now() + 1440 * MINUTE), MORNING));
  };
  return (
    <Row label={T.panel.reminder} icon="bell" fields={["remind_at"]}>
      <select
        class="bare"
        aria-label={T.panel.reminder}
        disabled={!may}
        value={value}
        onChange={(event) => choose(event.currentTarget.value)}
      >
        <option value="">{T.panel.noReminder}</option>
        {from !== undefined &&
          BEFORE.map((n) => (
            <option key={n} value={String(n)} selected={value === String(n)}>
              {T.panel.before(n, task.all_day)}
            </option>
          ))}
        <option value="own" selected={value === "own"}>
          {T.panel.atTime}
        </option>
      </select>
      {value === "own" && at !== undefined && (
        <span class="moment">
          <TypedInput
            type="date"
            label={T.panel.reminderDate}
            value={dateOf(at)}
            disabled={!may}
            save={(date) => save(date ? momentOf(date, inputTime(at)) : undefined)}
          />
          <TypedInput
            type="time"
            label={T.panel.reminderTime}
            value={inputTime(at)}
            disabled={!may}
            save={(time) => time && save(momentOf(dateOf(at), time))}
          />
          <Zone />
        </span>
      )}
    </Row>
  );
};
