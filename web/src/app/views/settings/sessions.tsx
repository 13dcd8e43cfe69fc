// Where the person is signed in, and how to end that.

import { useEffect, useState } from "preact/hooks";
import type { Session } from "../../../sdk/contract.js";
import { useAsking, useDoing } from "../../asking.js";
import { useNow, useSession } from "../../hooks.js";
import { usePages } from "../../pages.js";
import { Confirm } from "../../parts/confirm.js";
import { Paged } from "../../parts/paged.js";
import { leave } from "../../session.js";
import { T } from "../../texts.js";
import { ago } from "../../time.js";

/** What a browser calls itself: the name of its session says it better. */
const isAgent = (client: string): boolean => client.startsWith("Mozilla/");

const Row = ({ session, now, end }: { session: Session; now: number; end: () => void }) => {
  const { device_name, client, address, created_at, last_seen_at, current } = session;
  const name = device_name ?? (client && !isAgent(client) ? client : T.settings.unknownDevice);
  return (
    <li>
      <span class="person">
        <span class="person-name">
          {name}
          {current && <span class="badge"> {T.settings.thisOne}</span>}
        </span>
        <span class="quiet-text">
          {[
            client && client !== name && !isAgent(client) ? client : undefined,
            address,
            T.settings.since(ago(Date.parse(created_at), now)),
            current ? undefined : T.settings.seen(ago(Date.parse(last_seen_at), now)),
          ]
            .filter(Boolean)
            .join(" · ")}
        </span>
      </span>
      {!current && (
        <button type="button" aria-label={T.settings.signOutOf(name)} onClick={end}>
          {T.settings.signOutThere}
        </button>
      )}
    </li>
  );
};

const CHANGES = /^session\./;

export const Sessions = () => {
  const ask = useAsking();
  const doing = useDoing();
  const { client } = useSession();
  const now = useNow();
  const [isAsked, setAsked] = useState(false);
  const pages = usePages<Session>(async () => ({ ...(await ask("auth.sessions", {})), next_cursor: null }), "");
  const { reload } = pages;
  useEffect(
    () => client.listen({ state: ({ kind }) => kind === "online" && reload(), event: ({ event }) => CHANGES.test(event) && reload() }),
    [client, reload],
  );
  const end = async (id: string) => {
    if (await doing("auth.revoke_session", { id }, T.settings.signedOutThere)) reload();
  };
  const endAll = async () => {
    await ask("auth.logout_all", {});
    await leave(T.settings.everywhereOut);
  };
  return (
    <section>
      <div class="section-head">
        <h2>{T.settings.parts.sessions}</h2>
        <button type="button" class="bad" onClick={() => setAsked(true)}>
          {T.settings.signOutAll}
        </button>
      </div>
      <Paged pages={pages} empty={T.settings.noSessions}>
        {(items) => (
          <ul class="people">
            {items.map((session) => (
              <Row key={session.id} session={session} now={now} end={() => void end(session.id)} />
            ))}
          </ul>
        )}
      </Paged>
      {isAsked && (
        <Confirm title={T.settings.signOutAll} button={T.settings.signOutAll} close={() => setAsked(false)} run={endAll}>
          <p>{T.settings.signOutAllText}</p>
        </Confirm>
      )}
    </section>
  );
};
