// The position in each stream: what a connection asks to resume from, and whether an event is the next one of its stream.
// Pure: no socket, no time.

import type { EventFrame, Subscribed, Welcome } from "../contract.js";
import type { Resume } from "../link.js";

/** The streams to follow: each that the user may read, or these. */
export type Wanted = "all" | readonly string[];

/** How an event relates to the position in its stream. */
export type Verdict = "next" | "known" | "gap";

const workspace = (id: unknown) => `workspace:${id}`;

export const positions = (wanted: Wanted, from?: Resume) => {
  let epoch = from?.epoch;
  let last = new Map(Object.entries(from?.positions ?? {}));
  // What calls subscribed to and unsubscribed from, on top of `wanted`.
  const joined = new Set<string>();
  const left = new Set<string>();
  let user = "";
  /** The head of the user's stream at the `welcome`, which has the memberships up to there. */
  let head = 0;

  const follow = (stream: string, seq: number) => {
    last.set(stream, seq);
    left.delete(stream);
    joined.add(stream);
  };
  const forget = (stream: string) => {
    last.delete(stream);
    joined.delete(stream);
    left.delete(stream);
  };

  /** Adds and removes workspaces by the events of the user's stream, as the server does. */
  const access = ({ stream, seq, event, data }: EventFrame) => {
    if (stream !== user || seq <= head) return;
    if (event === "access.granted" && wanted === "all") {
      const granted = workspace(data.workspace.id);
      last.set(granted, last.get(granted) ?? data.seq);
    } else if (event === "access.lost") forget(workspace(data.workspace_id));
  };

  return {
    follow,
    /** The streams to name in `auth`. */
    streams: (): "all" | string[] =>
      wanted === "all" ? wanted : [...new Set([...wanted, ...joined])].filter((stream) => !left.has(stream)),

    /** Where to continue; nothing before the first `welcome`. */
    resume: (): Resume | undefined => (epoch ? { epoch, positions: Object.fromEntries(last) } : undefined),

    /** Takes the positions of a new session; returns the streams that a call had left and `"all"` brought back. */
    welcome(welcome: Welcome): string[] {
      const before = welcome.epoch === epoch ? last : new Map<string, number>();
      epoch = welcome.epoch;
      user = `user:${welcome.user.id}`;
      head = 0;
      last = new Map();
      const back: string[] = [];
      for (const { stream, seq, resumed, reason } of welcome.streams)
        if (left.has(stream)) back.push(stream);
        else if (reason === "no_access" || reason === "limit") joined.delete(stream);
        else {
          if (stream === user) head = seq;
          last.set(stream, (resumed ? before.get(stream) : undefined) ?? seq);
        }
      return back;
    },

    /** Judges an event; the next one moves the position. */
    take(frame: EventFrame): Verdict {
      const { stream, seq } = frame;
      const at = last.get(stream) ?? seq - 1;
      if (left.has(stream) || seq <= at) return "known";
      if (seq > at + 1) return "gap";
      last.set(stream, seq);
      access(frame);
      return "next";
    },

    /** Takes the effect of an answered call. */
    answered(name: string, { stream, since, cursor, workspace_id }: Record<string, unknown>, output: unknown) {
      const { seq, resumed } = output as Subscribed;
      const named = stream as string;
      if (name === "workspace.sync" && cursor == null) follow(workspace(workspace_id), seq);
      else if (name === "user.sync") follow(user, seq);
      else if (name === "stream.subscribe") follow(named, (resumed ? (since as number | null) : null) ?? seq);
      else if (name === "stream.unsubscribe") {
        forget(named);
        left.add(named);
      }
    },
  };
};
