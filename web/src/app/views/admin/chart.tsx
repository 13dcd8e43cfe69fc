// A small chart of a number over time, as a line. The newest number stands beside it, so the picture says nothing more to screen
// readers than a summary.

import { T } from "../../texts.js";
import type { Sample } from "./samples.js";

const WIDTH = 240;
const HEIGHT = 48;
const PAD = 2;

/** The points of the line, in the chart's own units. */
export const points = (samples: readonly Sample[]): [x: number, y: number][] => {
  if (samples.length === 0) return [];
  const first = samples[0]!.at;
  const span = Math.max(1, samples.at(-1)!.at - first);
  const top = Math.max(1, ...samples.map(({ sockets }) => sockets));
  return samples.map(({ at, sockets }) => [
    samples.length === 1 ? WIDTH : ((at - first) / span) * WIDTH,
    HEIGHT - PAD - (sockets / top) * (HEIGHT - 2 * PAD),
  ]);
};

export const Chart = ({ samples, label }: { samples: readonly Sample[]; label: string }) => {
  const line = points(samples);
  const text = line.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
  const [last] = line.slice(-1);
  const numbers = samples.map(({ sockets }) => sockets);
  const about = T.admin.chart(label, samples.length ? Math.min(...numbers) : 0, samples.length ? Math.max(...numbers) : 0);
  return (
    <svg class="samples-chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={about}>
      {line.length > 1 && <polygon points={`${line[0]![0]},${HEIGHT} ${text} ${WIDTH},${HEIGHT}`} />}
      {line.length > 1 ? <polyline points={text} /> : last && <polyline points={`0,${last[1]} ${WIDTH},${last[1]}`} />}
    </svg>
  );
};
