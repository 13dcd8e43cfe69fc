// A `Link` over one wire at a time: gets a token, opens a wire, and the next one when it ends. Owns the state. What happens on
// an open wire is the session's.

import type { Authenticate, ServerFrame, Welcome } from "../contract.js";
import { SignedOut, type Link, type Resume, type State } from "../link.js";
import { backoff, timer } from "./clock.js";
import { closed, refused, type Ending } from "./endings.js";
import { listeners } from "./listeners.js";
import { session, type SessionParts } from "./session.js";
import { ask, PATIENCE, retryAfter, type TokenSource } from "./tokens.js";
import type { Dial, Wire } from "./wire.js";

/** What a connection is made of. */
export interface Parts extends SessionParts {
  token: TokenSource;
  client: { name: string; version?: string };
  /** The ways to the server: the first one, and another for where it is blocked. They may have to be loaded. */
  ways(follow: (stream: string, since: number) => void): (() => Dial | Promise<Dial>)[];
}

/** A connection that can be ended. */
export interface Connection extends Link {
  /** Where another connection could continue, for a storage. */
  resume(): Resume | undefined;
  /** Connects without waiting, also after it stopped; checks a connection that is open. */
  reconnectNow(): void;
  close(): void;
}

/** One try to connect, up to `welcome`. */
const CONNECT = 10_000;
/** So many refused tokens in a row end it. */
const REFUSALS = 3;
/** A connection that lasted less does not reset the backoff: it may be one of a row of failures. */
const LASTED = 5_000;
/** So many tries in a row of which nothing was heard, and the other way is tried: at first, and when this one has worked. */
const SILENT = 2;
const SILENT_PROVEN = 6;

export const connection = (parts: Parts): Connection => {
  const { clock, environment, client } = parts;
  const { tell, listen } = listeners();
  let state: State = { kind: "connecting", attempt: 1 };
  let wire: Wire | undefined;
  /** The next try, or the deadline of this one. */
  const next = timer(clock);
  /** Counts tries and their ends: what comes late of an earlier one is dropped. */
  let run = 0;
  let tries = 0;
  let welcomed = 0;
  let token: string | undefined;
  let stale = false;
  /** A token for the next wire, which needs not be asked for. */
  let fresh: string | undefined;
  let refusals = 0;
  let refusal = "no other token";
  /** The wait of `server.goodbye`. */
  let goodbye: number | undefined;
  /** Whether the server asked for the wait: nothing shortens it. */
  let firm = false;
  let finished = false;

  const become = (now: State) => tell("state", (state = now));
  const isOnline = () => state.kind === "online";

  /** Ends what there is, and plans what comes next. */
  const end = (ending: Ending) => {
    let { reason, code, wait = goodbye, final = false } = ending;
    goodbye = undefined;
    if (ending.stale) {
      stale = true;
      refusal = reason;
      final ||= ++refusals >= REFUSALS;
    }
    run++;
    wire?.close();
    wire = undefined;
    next.clear();
    on.stop();
    if (isOnline() && clock.now() - welcomed >= LASTED) tries = 0;
    if (final) {
      on.queue.end(reason);
      return become({ kind: "closed", reason, ...(code && { code }) });
    }
    firm = wait !== undefined;
    wait ??= backoff(clock, tries);
    tries++;
    if (!wait) return start();
    next.set(wait, start);
    become({ kind: "offline", retry_at: clock.now() + wait, reason });
  };

  /** Another token than this one, which is not sent again. */
  const get = async (old: string | undefined) => {
    const got = await ask(clock, parts.token, old);
    if (got === old) throw { message: refusal, stale: true };
    return got;
  };

  const on = session(parts, {
    tell,
    end,
    ask: () => get(token),
    use(got) {
      if (wire!.twoWay) token = got;
      else fresh = got;
    },
  });
  const { place, queue, heart, renewed } = on;
  const ways = parts.ways(place.follow);
  let way = ways[1] && environment.blocked() ? 1 : 0;
  /** Whether the way has worked. */
  let proven = false;
  let silent = 0;

  const start = () => {
    const mine = ++run;
    next.clear();
    firm = false;
    become({ kind: "connecting", attempt: tries + 1 });
    if (fresh) return open(mine, fresh);
    get(stale || renewed.isOver() ? token : undefined).then(
      (got) => mine === run && open(mine, got),
      (error?: { message?: string; stale?: boolean }) => {
        if (mine !== run) return;
        const reason = error?.message ?? String(error);
        end({ reason, stale: error?.stale, final: error instanceof SignedOut, wait: retryAfter(error) || undefined });
      },
    );
  };

  const open = (mine: number, got: string) => {
    if (got !== token) renewed.forget();
    [token, stale, fresh] = [got, false, undefined];
    const resume = place.resume();
    const auth: Authenticate = { token: got, client, streams: place.streams(), ...(resume && { resume }) };
    const id = queue.nextId();
    let heard = false;
    const over = (ending: Ending) => {
      if (mine !== run) return;
      if (!heard) another();
      end(ending);
    };
    next.set(CONNECT, () => over({ reason: "no answer in time" }));
    const told = {
      heard() {
        heard = true;
        if (mine === run) heart.heard();
      },
      closed: (code: number | undefined, reason: string) => over(closed(code, reason)),
      frame: (frame: ServerFrame) => mine === run && read(frame, id),
    };
    Promise.resolve()
      .then(ways[way])
      .then((dial) => mine === run && (wire = dial!(auth, id, told)))
      .catch((error: unknown) => over({ reason: String(error) }));
  };

  /** Nothing was heard: perhaps WebSockets are blocked here, or are no longer. */
  const another = () => {
    if (!ways[1] || ++silent < (proven ? SILENT_PROVEN : way ? 1 : SILENT)) return;
    way = 1 - way;
    silent = 0;
    proven = false;
  };

  const read = (frame: ServerFrame, id: number) => {
    if (frame.type === "signal" && frame.signal === "server.goodbye")
      goodbye = Math.min(frame.data.reconnect_after_ms, PATIENCE);
    if (frame.type === "welcome") welcome(frame.data);
    else if (frame.type === "error" && frame.id === id) end(refused(frame.error));
    else on.read(frame);
  };

  const welcome = (data: Welcome) => {
    const mine = run;
    next.clear();
    [refusals, silent, proven, welcomed] = [0, 0, true, clock.now()];
    environment.block(way > 0);
    const leave = place.welcome(data);
    tell("welcome", data);
    // A listener may have closed it.
    if (mine === run) become({ kind: "online" });
    if (mine === run) on.begin(wire!, data, leave);
  };

  /** Tries at once, or within this time; as the server wants it where it said so. */
  const hurry = (within: number) => {
    if (isOnline()) heart.probe();
    if (finished || firm || isOnline() || state.kind === "connecting") return;
    tries = refusals = 0;
    if (!within) return start();
    if (state.kind !== "offline") return;
    const retry_at = Math.min(state.retry_at, clock.now() + within);
    next.set(retry_at - clock.now(), start);
    become({ ...state, retry_at });
  };

  const unwatch = environment.watch(() => hurry(backoff(clock, 0)));
  start();

  return {
    get state() {
      return state;
    },
    call(name, params, options) {
      const call = queue.add(name, params ?? {}, options);
      if (state.kind === "closed") queue.end(state.reason);
      return call;
    },
    listen,
    resume: place.resume,
    reconnectNow: () => hurry(0),
    close() {
      unwatch();
      if (!finished) end({ reason: "closed", final: true });
      finished = true;
    },
  };
};
