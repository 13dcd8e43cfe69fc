// Created and completed tasks of each day: as bars for the eye, and as a table for everybody.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Stats } from "../../../sdk/contract.js";
import { dateText } from "../../dates.js";
import { T } from "../../texts.js";
import { named, perDay, ticks, type DayBars } from "./scale.js";

const HEIGHT = 220;
const LEFT = 36;
const TOP = 8;
const BOTTOM = 24;

/** How many pixels wide an element is. */
const useWidth = () => {
  const ref = useRef<HTMLDivElement>(null);
  const [width, set] = useState(720);
  useLayoutEffect(() => {
    const measure = () => set(Math.max(200, ref.current!.clientWidth));
    measure();
    const resized = new ResizeObserver(measure);
    resized.observe(ref.current!);
    return () => resized.disconnect();
  }, []);
  return [ref, width] as const;
};

const Bars = ({ days, width }: { days: readonly DayBars[]; width: number }) => {
  const lines = ticks(Math.max(...days.map(({ created, completed }) => Math.max(created, completed))));
  const top = lines.at(-1)!;
  const y = (value: number) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
  const step = (width - LEFT) / days.length;
  const bar = Math.min(14, (step * 0.76) / 2);
  const middle = (i: number) => LEFT + step * (i + 0.5);
  const rect = (i: number, value: number, kind: string, x: number) =>
    value > 0 && <rect class={kind} x={x} y={y(value)} width={bar} height={y(0) - y(value)} rx={Math.min(2, bar / 3)} key={`${kind} ${i}`} />;
  return (
    <svg class="bars" width={width} height={HEIGHT} aria-hidden="true" focusable="false">
      {lines.map((value) => (
        <g key={value}>
          <line class={value ? "grid-line" : "base-line"} x1={LEFT} x2={width} y1={y(value)} y2={y(value)} />
          <text x={LEFT - 8} y={y(value) + 4} text-anchor="end">
            {value.toLocaleString()}
          </text>
        </g>
      ))}
      {days.map(({ date, created, completed }, i) => (
        <g key={date}>
          <title>{`${dateText(date, "day")}: ${T.overview.created} ${created}, ${T.overview.completed} ${completed}`}</title>
          <rect class="hit" x={LEFT + step * i} y={TOP} width={step} height={y(0) - TOP} />
          {rect(i, created, "created", middle(i) - bar)}
          {rect(i, completed, "completed", middle(i))}
        </g>
      ))}
      {named(days.length, width / 110).map((i) => (
        <text key={i} x={Math.min(middle(i), width - 22)} y={HEIGHT - 6} text-anchor="middle">
          {dateText(days[i]!.date, "short")}
        </text>
      ))}
    </svg>
  );
};

const Table = ({ days }: { days: readonly DayBars[] }) => (
  <details class="as-table">
    <summary>{T.overview.asTable}</summary>
    <div class="chart-table" tabIndex={0} role="region" aria-label={T.overview.perDay}>
      <table>
        <thead>
          <tr>
            <th scope="col">{T.overview.date}</th>
            <th scope="col">{T.overview.created}</th>
            <th scope="col">{T.overview.completed}</th>
          </tr>
        </thead>
        <tbody>
          {[...days].reverse().map(({ date, created, completed }) => (
            <tr key={date}>
              <th scope="row">{dateText(date, "agenda")}</th>
              <td>{created.toLocaleString()}</td>
              <td>{completed.toLocaleString()}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  </details>
);

const sum = (days: readonly DayBars[], of: "created" | "completed"): number => days.reduce((all, day) => all + day[of], 0);

export const Chart = ({ stats }: { stats: Stats }) => {
  const [ref, width] = useWidth();
  const days = perDay(stats.created_per_day, stats.completed_per_day);
  return (
    <section class="card chart">
      <header class="card-head">
        <h2>{T.overview.perDay}</h2>
        <ul class="legend" aria-hidden="true">
          <li class="created">{T.overview.created}</li>
          <li class="completed">{T.overview.completed}</li>
        </ul>
      </header>
      <p class="quiet-text">{T.overview.chart(days.length, sum(days, "created"), sum(days, "completed"))}</p>
      <div ref={ref}>
        <Bars days={days} width={width} />
      </div>
      <Table days={days} />
    </section>
  );
};
