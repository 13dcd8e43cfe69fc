// How many tasks belong to each of several things: a list with bars.

import type { ComponentChildren } from "preact";
import { T } from "../../texts.js";

export interface Share {
  key: string;
  name: string;
  count: number;
  lead?: ComponentChildren;
  /** Where the name leads. */
  to?: string;
  /** A class for the bar, or a colour of the person's own. */
  tone?: string;
  color?: string | null | undefined;
}

export const Shares = ({ title, shares }: { title: string; shares: readonly Share[] }) => {
  const most = Math.max(1, ...shares.map(({ count }) => count));
  return (
    <section class="card shares">
      <h2>{title}</h2>
      {!shares.length && <p class="quiet-text">{T.overview.nothingPending}</p>}
      <ul>
        {shares.map(({ key, name, count, lead, to, tone, color }) => (
          <li key={key}>
            <span class="share-name">
              {lead}
              {to ? <a href={to}>{name}</a> : <span>{name}</span>}
            </span>
            <span class="share-count">{count.toLocaleString()}</span>
            <span class="share-bar" aria-hidden="true">
              <span class={tone} style={{ width: `${(100 * count) / most}%`, ...(color && { background: color }) }} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
};
