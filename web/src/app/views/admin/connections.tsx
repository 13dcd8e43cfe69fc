// Who is connected just now, on all instances, and how to end that.

import { useEffect, useState } from "preact/hooks";
import type { Connection } from "../../../sdk/contract.js";
import { useAsking, useDoing, whenOnline } from "../../asking.js";
import { useNow, useSession } from "../../hooks.js";
import { usePages } from "../../pages.js";
import { Avatar } from "../../parts/avatar.js";
import { Confirm } from "../../parts/confirm.js";
import { Icon } from "../../parts/icons.js";
import { Menu } from "../../parts/menu.js";
import { Paged } from "../../parts/paged.js";
import { T } from "../../texts.js";
import { ago } from "../../time.js";
import { Chart } from "./chart.js";
import { useWatched } from "./samples.js";

const EVERY = 10_000;

type Asked = { what: "session" | "user"; connection: Connection };

const Row = ({ connection, now, isOwn, ask }: { connection: Connection; now: number; isOwn: boolean; ask: (asked: Asked) => void }) => {
  const { user, client, address, connected_at, instance } = connection;
  return (
    <tr>
      <td>
        <div class="who">
        <Avatar user={user} size={32} label={false} />
        <span class="person">
          <span class="person-name">
            {user.name}
            {isOwn && <span class="badge"> {T.admin.own}</span>}
          </span>
          <span class="quiet-text">@{user.username}</span>
        </span>
        </div>
      </td>
      <td>{client ?? T.admin.unknown}</td>
      <td>{address ?? T.admin.unknown}</td>
      <td>{instance.name}</td>
      <td class="quiet-text">{ago(Date.parse(connected_at), now)}</td>
      <td class="last">
        <Menu
          label={T.admin.moreOf(user.name)}
          class="quiet icon-button"
          choices={[
            { label: T.admin.kickSession, bad: true, run: () => ask({ what: "session", connection }) },
            { label: T.admin.kickUser, bad: true, run: () => ask({ what: "user", connection }) },
          ]}
        >
          <Icon name="more" />
        </Menu>
      </td>
    </tr>
  );
};

/** The session of this page, by what the connection list says of it. */
const useOwnSession = (): string | undefined => {
  const ask = useAsking();
  const [own, set] = useState<string>();
  useEffect(() => {
    ask("auth.sessions", {}).then(
      ({ items }) => set(items.find(({ current }) => current)?.id),
      () => {},
    );
  }, [ask]);
  return own;
};

const Summary = () => {
  const { watched } = useWatched();
  const samples = watched?.samples.get("") ?? [];
  const sockets = samples.at(-1)?.sockets ?? 0;
  return (
    <div class="node-card summary">
      <p class="figure">
        <strong>{sockets.toLocaleString()}</strong> {T.admin.sockets(sockets)}
      </p>
      <Chart samples={samples} label={T.admin.allInstances} />
    </div>
  );
};

export const Connections = () => {
  const ask = useAsking();
  const doing = useDoing();
  const { client } = useSession();
  const now = useNow(10_000);
  const own = useOwnSession();
  const [asked, setAsked] = useState<Asked>();
  const [silent, setSilent] = useState<readonly string[]>([]);
  const pages = usePages<Connection>(async (cursor) => {
    const page = await ask("admin.connections", { cursor });
    setSilent(page.unanswered.map(({ name }) => name));
    return page;
  }, "");
  const { reload } = pages;
  useEffect(() => {
    const timer = setInterval(reload, EVERY);
    const unlisten = whenOnline(client, reload);
    return () => {
      clearInterval(timer);
      unlisten();
    };
  }, [client, reload]);
  const kick = async ({ what, connection }: Asked) => {
    const { user, session_id } = connection;
    const whom = what === "user" ? { user_id: user.id } : { session_id };
    if (await doing("admin.kick", whom, T.admin.kicked(user.name))) reload();
  };
  return (
    <section>
      <h2>{T.admin.parts.connections}</h2>
      <Summary />
      {silent.length > 0 && <p role="alert">{T.admin.silent(silent.join(", "))}</p>}
      <Paged pages={pages} empty={T.admin.noConnections}>
        {(items) => (
          <table class="stacked">
            <thead>
              <tr>
                {T.admin.columns.map((column) => (
                  <th scope="col" key={column}>
                    {column}
                  </th>
                ))}
                <th scope="col">
                  <span class="sr-only">{T.admin.actions}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map((connection, i) => (
                <Row
                  key={`${connection.session_id} ${connection.connected_at} ${i}`}
                  connection={connection}
                  now={now}
                  isOwn={connection.session_id === own}
                  ask={setAsked}
                />
              ))}
            </tbody>
          </table>
        )}
      </Paged>
      {asked && (
        <Confirm
          title={T.admin.kickTitle(asked.connection.user.name)}
          button={T.admin.kick}
          close={() => setAsked(undefined)}
          run={() => kick(asked)}
        >
          <p>{asked.what === "user" ? T.admin.kickUserText : T.admin.kickSessionText}</p>
        </Confirm>
      )}
    </section>
  );
};
