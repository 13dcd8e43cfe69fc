// What happened to the task, the newest first: the server's log of it, and what comes while it is shown.

import { useEffect, useMemo, useState } from "preact/hooks";
import type { Actor, EventFrame, Task } from "../../../sdk/contract.js";
import { reason, useActing } from "../../acting.js";
import { useNow, useSession, useView } from "../../hooks.js";
import { T } from "../../texts.js";
import { ago, fullTime } from "../../time.js";
import { isAbout, useOpen } from "./context.js";
import { deeds, taskIn, type Names } from "./deeds.js";

const PAGE = 500;
const SHOWN = 30;

type Log = { is: "loading" } | { is: "failed"; why: string } | { is: "there"; events: readonly EventFrame[] };

const later = (events: readonly EventFrame[], frame: EventFrame): readonly EventFrame[] =>
  frame.seq > (events.at(-1)?.seq ?? 0) ? [...events, frame] : events;

/** The log of the task, oldest first. It is read from its begin, because an event says what is, not what was before. */
const useLog = ({ id, workspace_id, version }: Task) => {
  const { client } = useSession();
  const { ask } = useActing();
  const [log, set] = useState<Log>({ is: "loading" });
  const [tries, again] = useState(0);
  const online = useView((view) => view.connection?.kind === "online");
  const isKnown = version > 0;
  useEffect(() => {
    if (!online || !isKnown) return;
    const stream = `workspace:${workspace_id}`;
    let isCurrent = true;
    const meanwhile: EventFrame[] = [];
    const read = async () => {
      const events: EventFrame[] = [];
      for (let more = true; more && isCurrent; ) {
        const page = await ask("stream.history", { stream, task_id: id, limit: PAGE, after: events.at(-1)?.seq ?? null });
        events.push(...page.events);
        more = page.has_more && page.events.length > 0;
      }
      if (isCurrent) set({ is: "there", events: meanwhile.reduce(later, events as readonly EventFrame[]) });
    };
    const unlisten = client.listen({
      event(frame) {
        if (frame.stream !== stream || !isAbout(frame, id)) return;
        meanwhile.push(frame);
        set((held) => (held.is === "there" ? { is: "there", events: later(held.events, frame) } : held));
      },
    });
    read().catch((error: unknown) => isCurrent && set({ is: "failed", why: reason(error) }));
    return () => {
      isCurrent = false;
      unlisten();
    };
  }, [client, id, workspace_id, online, tries, isKnown]);
  const retry = () => {
    set({ is: "loading" });
    again((n) => n + 1);
  };
  return { log, retry, online };
};

const useNames = ({ workspace_id }: Task): Names => {
  const space = useView((view) => view.workspaces.get(workspace_id));
  return {
    stage: (key) => space?.workspace.stages.find((stage) => stage.key === key)?.name ?? key,
    project: (id) => space?.projects.get(id)?.name ?? T.panel.history.aProject,
    person: (id) => space?.members.get(id)?.user.name ?? T.panel.formerMember,
    task: (id) => space?.tasks.get(id)?.title ?? T.panel.unknownTask,
  };
};

const actorName = (actor: Actor): string => {
  if (actor.kind === "server") return T.panel.history.server;
  if (actor.kind === "operator") return T.panel.history.operator;
  return actor.token ? T.panel.history.byToken(actor.name, actor.token) : actor.name;
};

interface Entry {
  frame: EventFrame;
  before: Task | undefined;
}

/** Each event with the task as it was before it; the newest first. */
const entriesOf = (events: readonly EventFrame[]): Entry[] => {
  let before: Task | undefined;
  const entries = events.map((frame) => {
    const entry = { frame, before };
    before = taskIn(frame) ?? before;
    return entry;
  });
  return entries.reverse();
};

const joining = new Intl.ListFormat(undefined, { type: "conjunction" });

const Item = ({ entry: { frame, before }, names, now }: { entry: Entry; names: Names; now: number }) => {
  const at = Date.parse(frame.at);
  return (
    <li class="happening">
      <p>
        <strong>{actorName(frame.actor)}</strong> {joining.format(deeds(frame, before, names, now))}
      </p>
      <time dateTime={frame.at} title={fullTime(at)}>
        {ago(at, now)}
      </time>
    </li>
  );
};

export const History = () => {
  const { task } = useOpen();
  const now = useNow();
  const names = useNames(task);
  const { log, retry, online } = useLog(task);
  const [shown, show] = useState(SHOWN);
  const entries = useMemo(() => (log.is === "there" ? entriesOf(log.events) : []), [log]);
  return (
    <section class="panel-section" aria-labelledby="panel-history">
      <h3 id="panel-history" class="sr-only">
        {T.panel.history.label}
      </h3>
      {log.is === "loading" && <p class="quiet-text">{online ? T.loading : T.panel.needsConnection}</p>}
      {log.is === "failed" && (
        <p class="field-error" role="alert">
          {T.failed(log.why)}{" "}
          <button type="button" onClick={retry}>
            {T.retry}
          </button>
        </p>
      )}
      {log.is === "there" && !entries.length && <p class="quiet-text">{T.panel.history.none}</p>}
      <ol class="happenings">
        {entries.slice(0, shown).map((entry) => (
          <Item key={entry.frame.seq} entry={entry} names={names} now={now} />
        ))}
      </ol>
      {entries.length > shown && (
        <button type="button" onClick={() => show(shown + SHOWN)}>
          {T.panel.history.more}
        </button>
      )}
    </section>
  );
};
