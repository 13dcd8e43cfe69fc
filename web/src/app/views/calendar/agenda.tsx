// A month as a list of the days on which something is due, for phones.

import { useEffect, useRef } from "preact/hooks";
import { dateText, monthOf } from "../../dates.js";
import { Icon } from "../../parts/icons.js";
import { TaskGroup } from "../../parts/task-group.js";
import { T } from "../../texts.js";
import type { Days } from "./calendar.js";

interface Props {
  month: string;
  weeks: string[][];
  days: Days;
  today: string;
  open(day: string): void;
  may: boolean;
}

export const Agenda = ({ month, weeks, days, today, open, may }: Props) => {
  const inMonth = weeks.flat().filter((day) => monthOf(day) === month);
  const root = useRef<HTMLDivElement>(null);
  // The days before today are above what is first seen.
  useEffect(() => {
    if (monthOf(today) === month) root.current?.querySelector(`[data-day="${today}"]`)?.scrollIntoView({ block: "start" });
  }, [month]);
  const isEmpty = !inMonth.some((day) => days.has(day));
  return (
    <div class="agenda" ref={root}>
      {isEmpty && <p class="quiet-text">{T.overview.nothing}</p>}
      {inMonth.map((day) => (
        <TaskGroup
          key={day}
          title={dateText(day, "agenda")}
          tasks={days.get(day) ?? []}
          where={false}
          day={day}
          level={3}
          tone={day === today ? "today" : days.has(day) ? "plain" : "blank"}
          actions={
            may && (
              <button type="button" class="quiet icon-button" aria-label={T.lists.addOn(dateText(day, "day"))} onClick={() => open(day)}>
                <Icon name="plus" />
              </button>
            )
          }
        />
      ))}
    </div>
  );
};
