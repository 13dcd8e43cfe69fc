// How the task repeats: in words, with a picker that makes the rule.

import { useId, useState } from "preact/hooks";
import { useActing } from "../../acting.js";
import { T } from "../../texts.js";
import { addDays, dateOf, dueDate } from "../../time.js";
import { useOpen } from "./context.js";
import {
  inWords,
  monthDayWords,
  parse,
  plain,
  ruleOf,
  WEEKDAYS,
  weekdayName,
  wordsOf,
  type End,
  type MonthDay,
  type Repeat,
} from "./repeat.js";
import { Row } from "./row.js";

const R = T.panel.repeat;
const EVERY = ["day", "weekday", "week", "month", "year"] as const;

type Part = { repeat: Repeat; set: (change: Partial<Repeat>) => void };

/** A number, and what it counts. */
const Counted = ({ label, most, value, unit, set }: { label: string; most: number; value: number; unit: string; set: (n: number) => void }) => (
  <label class="repeat-count">
    <input
      type="number"
      min={1}
      max={most}
      required
      aria-label={label}
      value={value}
      onInput={(event) => set(Math.max(1, Math.trunc(event.currentTarget.valueAsNumber) || 1))}
    />
    <span>{unit}</span>
  </label>
);

const Days = ({ repeat, set }: Part) => (
  <fieldset class="weekdays">
    <legend class="sr-only">{R.days}</legend>
    {WEEKDAYS.map((day) => (
      <label key={day} class="weekday" title={weekdayName(day)}>
        <input
          type="checkbox"
          class="sr-only"
          aria-label={weekdayName(day)}
          checked={repeat.days.includes(day)}
          onChange={({ currentTarget: { checked } }) =>
            set({ days: checked ? [...repeat.days, day] : repeat.days.filter((other) => other !== day) })
          }
        />
        <span aria-hidden="true">{weekdayName(day, "short")}</span>
      </label>
    ))}
  </fieldset>
);

/** The days of a month that a date suggests. */
const monthDays = (date: string): MonthDay[] => {
  const day = Number(date.slice(8));
  const weekday = WEEKDAYS[(new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7]!;
  const nth = Math.ceil(day / 7);
  return [
    { date: day },
    { date: -1 },
    ...(nth < 5 ? [{ nth, weekday }] : []),
    { nth: -1, weekday },
    "last workday",
  ];
};

const OnDay = ({ repeat, set, date }: Part & { date: string }) => {
  const suggested = monthDays(date);
  const words = (on: MonthDay) => R.on(monthDayWords(on)).trim();
  const isNew = repeat.on && !suggested.some((on) => words(on) === words(repeat.on!));
  const all = isNew ? [repeat.on!, ...suggested] : suggested;
  const value = words(repeat.on ?? suggested[0]!);
  return (
    <select aria-label={R.onWhich} value={value} onChange={(event) => set({ on: all[event.currentTarget.selectedIndex] })}>
      {all.map((on) => (
        <option key={words(on)} value={words(on)} selected={words(on) === value}>
          {words(on)}
        </option>
      ))}
    </select>
  );
};

const Ends = ({ repeat: { end }, set, date }: Part & { date: string }) => {
  const choose = (is: string) => {
    const ends: Record<string, End> = { on: { is: "on", date: addDays(date, 28) }, after: { is: "after", count: 10 } };
    set({ end: ends[is] ?? { is: "never" } });
  };
  return (
    <div class="repeat-line">
      <select aria-label={R.ends} value={end.is} onChange={(event) => choose(event.currentTarget.value)}>
        {(["never", "on", "after"] as const).map((is) => (
          <option key={is} value={is} selected={is === end.is}>
            {R.endings[is]}
          </option>
        ))}
      </select>
      {end.is === "on" && (
        <input
          type="date"
          required
          aria-label={R.lastDate}
          value={end.date}
          onInput={({ currentTarget: { value } }) => value && set({ end: { is: "on", date: value } })}
        />
      )}
      {end.is === "after" && (
        <Counted
          label={R.count}
          most={999}
          value={end.count}
          unit={R.timesUnit(end.count)}
          set={(count) => set({ end: { is: "after", count } })}
        />
      )}
    </div>
  );
};

type Chosen = Repeat | "none" | "custom";

/** How often: the kind of rule, and every so many of it. `rule` is one that the picker does not know. */
const Often = ({ chosen, choose, date, rule }: { chosen: Chosen; choose: (chosen: Chosen) => void; date: string; rule: string | null }) => {
  const repeat = typeof chosen === "object" ? chosen : undefined;
  const every = (value: string) => {
    if (value === "none" || value === "custom") return choose(value);
    const kind = value as Repeat["every"];
    choose({ ...plain(kind), ...(kind === "month" && { on: monthDays(date)[0] }), end: repeat?.end ?? { is: "never" } });
  };
  return (
    <div class="repeat-line">
      <select aria-label={R.often} value={repeat?.every ?? String(chosen)} onChange={(event) => every(event.currentTarget.value)}>
        <option value="none">{R.never}</option>
        {EVERY.map((kind) => (
          <option key={kind} value={kind} selected={kind === repeat?.every}>
            {kind === "weekday" ? R.weekday : R.every[kind](1)}
          </option>
        ))}
        {rule && <option value="custom" selected={chosen === "custom"}>{rule}</option>}
      </select>
      {repeat && repeat.every !== "weekday" && (
        <Counted
          label={R.interval}
          most={99}
          value={repeat.interval}
          unit={R.unit[repeat.every](repeat.interval)}
          set={(interval) => choose({ ...repeat, interval })}
        />
      )}
    </div>
  );
};

interface PickerProps {
  rule: string | null;
  date: string;
  save: (rule: string | null) => void;
  close: () => void;
}

const Picker = ({ rule, date, save, close }: PickerProps) => {
  const known = rule ? parse(rule) : undefined;
  const [chosen, choose] = useState<Chosen>(known ?? (rule ? "custom" : plain("week")));
  const repeat = typeof chosen === "object" ? chosen : undefined;
  const set = (change: Partial<Repeat>) => repeat && choose({ ...repeat, ...change });
  const submit = (event: Event) => {
    event.preventDefault();
    if (chosen !== "custom") save(repeat ? ruleOf(repeat) : null);
    close();
  };
  return (
    <form class="repeat" onSubmit={submit}>
      <Often chosen={chosen} choose={choose} date={date} rule={known ? null : rule} />
      {repeat?.every === "week" && <Days repeat={repeat} set={set} />}
      {repeat?.every === "month" && <OnDay repeat={repeat} set={set} date={date} />}
      {repeat && <Ends repeat={repeat} set={set} date={date} />}
      {repeat && <p class="quiet-text small">{wordsOf(repeat)}</p>}
      <div class="actions">
        <button type="submit" class="primary">
          {T.save}
        </button>
        <button type="button" onClick={close}>
          {T.cancel}
        </button>
      </div>
    </form>
  );
};

export const Recurrence = () => {
  const { task, may } = useOpen();
  const { act } = useActing();
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const words = task.recurrence ? inWords(task.recurrence) : R.never;
  const close = () => {
    setOpen(false);
    document.getElementById(id)?.focus();
  };
  const keys = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !isOpen) return;
    event.stopPropagation();
    close();
  };
  return (
    <Row label={R.label} icon="repeat" fields={["recurrence"]}>
      <div onKeyDown={keys}>
        <button
          type="button"
          id={id}
          class="quiet value-button"
          aria-expanded={isOpen}
          disabled={!may}
          onClick={() => setOpen(!isOpen)}
        >
          {words}
        </button>
        {isOpen && (
          <Picker
            rule={task.recurrence}
            date={dueDate(task) ?? dateOf(Date.now())}
            save={(recurrence) => recurrence !== task.recurrence && act("task.update", { id: task.id, recurrence })}
            close={close}
          />
        )}
      </div>
    </Row>
  );
};
