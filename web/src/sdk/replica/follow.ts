// Keeps the server's state up to date over a connection: which streams need a snapshot, its pages, and the events that come
// meanwhile. Does not know what is shown, queued or stored.

import type { EventFrame, SignalFrame, SnapshotOpening, Welcome } from "../contract.js";
import { timer, type Clock } from "../connection/clock.js";
import { Refused, type Link, type Resume } from "../link.js";
import { fold } from "./fold.js";
import {
  addPage,
  beginWorkspace,
  idIn,
  OTHER,
  streamOf,
  withUser,
  withWorkspace,
  type State,
  type WorkspaceState,
} from "./state.js";
import { Table } from "./table.js";

/** How streams are synced. */
export interface Following {
  /** Whether to leave out what is completed or deleted: for large workspaces. Never, when omitted. */
  open_only?(workspace: string): boolean;
  /** Takes whole snapshots some other way, such as `download`. In pages over the connection when omitted, and where it fails. */
  snapshot?(workspace: string, open_only: boolean): Promise<WorkspaceState>;
}

/** A stream that is being synced. */
interface Job {
  /** The events since it began. They are applied after the last page. */
  kept: EventFrame[];
  /** The pages so far. */
  fresh?: WorkspaceState;
  cursor?: string;
  /** Whether it comes in pages. */
  paged: boolean;
}

/** Between two tries, when the server does not say. */
const PATIENCE = 1000;

export const follow = (
  clock: Clock,
  link: Link,
  read: () => State,
  write: (state: State) => void,
  { open_only = () => false, snapshot }: Following = {},
) => {
  const jobs = new Map<string, Job>();
  /** The streams that the server sends: a session has room for some hundred. */
  let followed = new Set<string>();
  let busy: Job | undefined;
  const pause = timer(clock);
  let paused = false;

  const has = (stream: string) => stream in positions(read()).positions;

  const want = (stream: string) => {
    jobs.set(stream, { kept: [], paged: !snapshot });
    pump();
  };

  const forget = (stream: string) => {
    followed.delete(stream);
    jobs.delete(stream);
    write(withWorkspace(read(), idIn(stream), undefined));
  };

  /** Workspaces that the user's state lists, and that are not there. */
  const missing = () => {
    for (const { id } of read().user?.workspaces ?? []) {
      const stream = streamOf(id);
      if (followed.has(stream) && !jobs.has(stream) && !read().workspaces.get(id)) want(stream);
    }
  };

  /** Takes the events that came during the sync. */
  const finish = (stream: string, job: Job, state: State) => {
    jobs.delete(stream);
    for (const frame of job.kept) {
      const next = fold(state, frame);
      if (!next) {
        write(state);
        return want(stream);
      }
      state = next;
    }
    write(state);
    missing();
  };

  const take = (stream: string, job: Job, fresh: WorkspaceState) => {
    const id = idIn(stream);
    const next = withWorkspace(read(), id, fresh);
    if (fresh.complete) return finish(stream, job, next);
    job.fresh = fresh;
    // What was there before is shown until all is there.
    if (!read().workspaces.get(id)?.complete) write(next);
  };

  /** Takes one more piece of a snapshot. */
  const advance = async (stream: string, job: Job) => {
    const id = idIn(stream);
    const isCurrent = () => jobs.get(stream) === job;
    if (stream.startsWith("user:")) {
      const { data } = await link.call("user.sync", {});
      if (isCurrent()) finish(stream, job, withUser(read(), data));
      return;
    }
    const open = open_only(id);
    if (!job.paged) {
      const whole = await snapshot!(id, open).catch(() => undefined);
      job.paged = true;
      if (isCurrent() && whole) take(stream, job, whole);
      return;
    }
    const { fresh, cursor = null } = job;
    const { data } = await link.call("workspace.sync", { workspace_id: id, open_only: open, cursor });
    if (!isCurrent()) return;
    if (data.cursor) job.cursor = data.cursor;
    take(
      stream,
      job,
      fresh ? addPage(fresh, data) : beginWorkspace(data as SnapshotOpening, data.tasks, open, !data.cursor),
    );
  };

  /** Syncs the next stream, the user's first. */
  const pump = () => {
    if (busy || link.state.kind !== "online") return;
    const [stream] = [...jobs.keys()].sort();
    const job = jobs.get(stream ?? "");
    if (!stream || !job) return;
    busy = job;
    const over = () => {
      if (busy !== job) return;
      busy = undefined;
      paused = false;
      pump();
    };
    advance(stream, job).then(over, (error: unknown) => {
      const failure = error instanceof Refused ? error.failure : undefined;
      if (failure?.code === "NOT_FOUND" || failure?.code === "FORBIDDEN") {
        // Access ended while the request was on its way.
        if (jobs.get(stream) === job) forget(stream);
        return over();
      }
      paused = true;
      pause.set(failure?.retry_after_ms ?? PATIENCE, over);
    });
  };

  const welcome = ({ epoch, streams }: Welcome) => {
    const sent = streams.filter(({ reason = "" }) => !/limit|access/.test(reason));
    followed = new Set(sent.map(({ stream }) => stream));
    if (read().epoch !== epoch) {
      jobs.clear();
      write(inEpoch(read(), epoch));
    }
    for (const { workspace } of read().workspaces)
      if (!followed.has(streamOf(workspace.id))) forget(streamOf(workspace.id));
    for (const stream of jobs.keys()) if (!followed.has(stream)) jobs.delete(stream);
    for (const { stream, resumed } of sent) {
      const job = jobs.get(stream);
      // A page that was asked for is asked for again by the connection. A download may be older than the session.
      const goesOn = resumed ? job || has(stream) : job?.paged && !job.fresh;
      if (!goesOn) want(stream);
    }
    if (paused || ![...jobs.values()].includes(busy!)) busy = undefined;
    pause.clear();
    paused = false;
    pump();
  };

  const event = (frame: EventFrame) => {
    const { stream, event, data } = frame;
    if (event === "access.granted" && "workspace" in data) {
      const { id } = data.workspace;
      const granted = streamOf(id);
      followed.add(granted);
      // What is there, or on its way, may be from before an absence.
      if (jobs.has(granted) || (read().workspaces.get(id)?.seq ?? data.seq) < data.seq) want(granted);
    }
    const job = jobs.get(stream);
    if (job) {
      job.kept.push(frame);
      return;
    }
    const next = fold(read(), frame);
    if (!next) return want(stream);
    write(next);
    if (event === "access.lost" && "workspace_id" in data) forget(streamOf(data.workspace_id));
    missing();
  };

  const signal = (frame: SignalFrame) => {
    if (frame.signal === "stream.not_followed") forget(frame.data.stream);
  };

  return {
    welcome,
    event,
    signal,
    pump,
    /** Syncs a stream again. */
    want,
    /** Whether a stream is being synced. */
    isSyncing: (stream: string) => jobs.has(stream),
    /** Whether all that is followed is there. */
    isSynced: () => followed.size > 0 && !jobs.size,
    stop: pause.clear,
  };
};

/** The state at the begin of another epoch. */
const inEpoch = ({ user, workspaces }: State, epoch: string): State => ({
  epoch,
  user: user && { ...user, seq: OTHER },
  workspaces: Table.of(
    [...workspaces].map((held) => ({ ...held, seq: OTHER })),
    (held) => held.workspace.id,
  ),
});

/** From where to resume: what is there, as far as it is whole. */
export const positions = ({ epoch, user, workspaces }: State): Resume => {
  const at: Record<string, number> = {};
  if (user && user.seq > OTHER) at[`user:${user.user.id}`] = user.seq;
  for (const { workspace, seq, complete } of workspaces) if (complete && seq > OTHER) at[streamOf(workspace.id)] = seq;
  return { epoch, positions: at };
};
