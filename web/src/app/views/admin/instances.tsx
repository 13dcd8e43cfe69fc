// The running instances of the server, with how many sockets each has.

import { useNow } from "../../hooks.js";
import { T } from "../../texts.js";
import { ago } from "../../time.js";
import { Chart } from "./chart.js";
import { useWatched } from "./samples.js";

export const Instances = () => {
  const { watched, failed } = useWatched();
  const now = useNow(10_000);
  return (
    <section>
      <h2>{T.admin.parts.instances}</h2>
      {failed && <p role="alert">{T.failed(failed)}</p>}
      {!watched && !failed && <p class="quiet-text">{T.loading}</p>}
      <ul class="node-cards">
        {watched?.instances.map(({ id, name, version, started_at, seen_at, sockets, current }) => (
          <li key={id} class="node-card">
            <h3>
              {name}
              {current && <span class="badge"> {T.admin.thisInstance}</span>}
            </h3>
            <p class="figure">
              <strong>{sockets.toLocaleString()}</strong> {T.admin.sockets(sockets)}
            </p>
            <Chart samples={watched.samples.get(id) ?? []} label={name} />
            <dl>
              <dt>{T.admin.version}</dt>
              <dd>{version}</dd>
              <dt>{T.admin.started}</dt>
              <dd>{ago(Date.parse(started_at), now)}</dd>
              <dt>{T.admin.reported}</dt>
              <dd>{ago(Date.parse(seen_at), now)}</dd>
            </dl>
          </li>
        ))}
      </ul>
    </section>
  );
};
