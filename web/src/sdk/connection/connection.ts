// A `Link` over one wire at a time: it opens, authenticates, resumes, renews, and opens the next one when it ends.
// The parts decide; this calls them in order. Does not know what events mean.

import type { Authenticate, Failure, ServerFrame, SignalFrame, Welcome } from "../contract.js";
import { SignedOut, type Link, type Listener, type Resume, type State } from "../link.js";
import { calls, type Request } from "./calls.js";
import { backoff, timer, type Clock } from "./clock.js";
import { closed, refused, type Ending } from "./endings.js";
import type { Environment } from "./environment.js";
import { positions, type Wanted } from "./positions.js";
import { pulse } from "./pulse.js";
import { renewal } from "./renewal.js";
import { ask, NoOther, retryAfter, type TokenSource } from "./tokens.js";
import type { Dial, Wire } from "./wire.js";

/** What a connection is made of. */
export interface Parts {
  token: TokenSource;
  streams: Wanted;
  resume?: Resume | undefined;
  client: { name: string; version?: string };
  /** The most calls that wait to be sent. */
  queue: number;
  clock: Clock;
  environment: Environment;
  /** The ways to the server: the first one, and another for where it is blocked. */
  dials(follow: (stream: string, since: number) => void): [Dial, ...Dial[]];
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
const GOODBYE_AT_MOST = 300_000;
/** So many tries in a row that nothing was heard of, and the other way is tried. */
const SILENT_TRIES = 2;

export const connection = (parts: Parts): Connection => {
  const { clock, environment } = parts;
  const listeners = new Set<Listener>();
  const place = positions(parts.streams, parts.resume);
  const dials = parts.dials(place.follow);
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
  /** A token that was got and not used yet. */
  let fresh: string | undefined;
  let refusals = 0;
  let lastRefusal: string | undefined;
  let goodbye: number | undefined;
  let firm = false;
  let finished = false;
  let way = dials[1] && environment.blocked() ? 1 : 0;
  /** Whether the way is known to work. */
  let proven = false;
  let silent = 0;
  let renewing: [id: number, done: (frame: ServerFrame) => void] | undefined;

  const tell = <K extends keyof Listener>(what: K, value: Parameters<NonNullable<Listener[K]>>[0]) => {
    for (const listener of [...listeners])
      try {
        (listener[what] as ((value: unknown) => void) | undefined)?.(value);
      } catch (error) {
        // A listener's mistake must not cost the others their events.
        (globalThis.reportError ?? console.error)(error);
      }
  };
  const become = (now: State) => {
    state = now;
    tell("state", state);
  };

  const isOnline = () => state.kind === "online";
  const send = (request: Request): boolean => {
    if (!isOnline()) return false;
    // After the end of the token nothing goes before the new one.
    if (renewed.isOver()) {
      renewed.renew();
      return false;
    }
    wire!.send(request);
    if (!queue.underWay()) heart.asks();
    return true;
  };
  const queue = calls(clock, parts.queue, send);
  const sendOwn = (name: string, params: Record<string, unknown>): number => {
    const id = queue.nextId();
    wire!.send({ id, name, params, text: JSON.stringify({ type: name, id, data: params }) });
    return id;
  };

  const heart = pulse(
    clock,
    () => (renewed.isOver() ? expired() : sendOwn("ping", {})),
    () => queue.underWay() > 0,
    () => environment.hidden(),
    () => end({ reason: "the server is silent" }),
  );
  const renewed = renewal(
    clock,
    () => ask(clock, parts.token, token),
    (got) => bring(got),
    () => queue.pump(),
    () => expired(),
  );
  const expired = () => end({ reason: "the token has ended", stale: true, wait: 0 });

  /** Brings a new token to the server. */
  const bring = (got: string) =>
    new Promise<string | undefined>((resolve, reject) => {
      if (!isOnline()) return resolve(undefined);
      if (!wire!.twoWay) {
        fresh = got;
        end({ reason: "a new token", wait: 0 });
        return resolve(undefined);
      }
      const answered = (frame: ServerFrame) => {
        if (frame.type === "ok") {
          token = got;
          resolve((frame.data as { expires_at: string }).expires_at);
        } else if ((frame as { error: Failure }).error.retryable) reject();
        // It belongs to another session: the next connection uses it.
        else resolve(undefined);
      };
      renewing = [sendOwn("auth.renew", { token: got }), answered];
    });

  const start = () => {
    const mine = ++run;
    next.clear();
    firm = false;
    become({ kind: "connecting", attempt: tries + 1 });
    if (fresh) return open(mine, fresh);
    ask(clock, parts.token, stale || renewed.isOver() ? token : undefined).then(
      (got) => mine === run && open(mine, got),
      (error: unknown) => {
        if (mine !== run) return;
        const final = error instanceof SignedOut || (error instanceof NoOther && ++refusals >= REFUSALS);
        const said = error instanceof NoOther ? lastRefusal : undefined;
        const wait = retryAfter(error);
        end({ reason: said ?? String((error as Error)?.message ?? error), final, stale, ...(wait && { wait, firm: true }) });
      },
    );
  };

  const open = (mine: number, got: string) => {
    if (got !== token) renewed.forget();
    [token, stale, fresh] = [got, false, undefined];
    const resume = place.resume();
    const auth: Authenticate = { token: got, client: parts.client, streams: place.streams(), ...(resume && { resume }) };
    const id = queue.nextId();
    let heard = false;
    const over = (ending: Ending) => {
      if (mine !== run) return;
      if (!heard && !proven && dials[1]) another();
      end(ending);
    };
    next.set(CONNECT, () => over({ reason: "no answer in time" }));
    try {
      wire = dials[way]!(auth, id, {
        heard() {
          heard = true;
          if (mine === run) heart.heard();
        },
        closed: (code, reason) => over(closed(code, reason)),
        frame: (frame) => mine === run && read(frame, id),
      });
    } catch (error) {
      over({ reason: String(error) });
    }
  };

  /** Nothing was heard: perhaps WebSockets are blocked here. */
  const another = () => {
    if (way === 0 && ++silent < SILENT_TRIES) return;
    way = 1 - way;
    silent = 0;
  };

  const read = (frame: ServerFrame, id: number) => {
    switch (frame.type) {
      case "welcome":
        return frame.id === id && welcome(frame.data);
      case "event": {
        const verdict = place.take(frame);
        if (verdict === "next") tell("event", frame);
        else if (verdict === "gap") end({ reason: `events of ${frame.stream} are missing` });
        return;
      }
      case "signal":
        return signal(frame);
      case "error":
        if (frame.id === id) return end(refusedToken(refused(frame.error)));
      // falls through
      case "ok":
      case "pong":
        answer(frame);
    }
  };

  const answer = (frame: Extract<ServerFrame, { type: "ok" | "error" | "pong" }>) => {
    if (renewing && frame.id === renewing[0]) {
      const [, done] = renewing;
      renewing = undefined;
      return done(frame);
    }
    const request = queue.find(frame.id as number);
    if (!request) return;
    // Another way than a socket has moved the position already.
    if (frame.type === "ok" && (wire!.twoWay || request.name !== "stream.subscribe"))
      place.answered(request.name, request.params, frame.data);
    // The token ended under way, over HTTP: the call is sent again after the next one.
    if (frame.type === "error" && /^TOKEN_/.test(frame.error.code) && !/^(auth|invite)\./.test(request.name))
      return end(refusedToken({ reason: frame.error.message, stale: true, wait: 0 }));
    queue.answer(frame);
  };

  const signal = (frame: SignalFrame) => {
    if (frame.signal === "session.expiring" && isOnline()) renewed.renew();
    else if (frame.signal === "server.goodbye")
      goodbye = Math.min(frame.data.reconnect_after_ms, GOODBYE_AT_MOST);
    tell("signal", frame);
  };

  const welcome = (data: Welcome) => {
    next.clear();
    [refusals, proven, welcomed] = [0, true, clock.now()];
    environment.block(way > 0);
    const leave = place.welcome(data);
    const mine = run;
    tell("welcome", data);
    if (mine !== run) return;
    become({ kind: "online" });
    // A listener may have closed it.
    if (mine !== run) return;
    renewed.begin(data);
    for (const stream of leave) sendOwn("stream.unsubscribe", { stream });
    heart.begin(data.heartbeat_ms, wire!.twoWay);
    queue.begin(data.limits);
  };

  const refusedToken = (ending: Ending): Ending => {
    if (!ending.stale) return ending;
    lastRefusal = ending.reason;
    return { ...ending, final: ++refusals >= REFUSALS || ending.final === true };
  };

  /** Ends what there is, and plans what comes next. */
  const end = (ending: Ending) => {
    if (ending.code === 4401) ending = refusedToken(ending);
    const { reason, code, final } = ending;
    run++;
    wire?.close();
    wire = renewing = undefined;
    next.clear();
    heart.stop();
    stale = ending.stale ?? stale;
    renewed.stop();
    queue.interrupt();
    if (isOnline() && clock.now() - welcomed >= LASTED) tries = 0;
    if (final) {
      become({ kind: "closed", reason, ...(code && { code }) });
      return queue.end(reason);
    }
    firm = ending.firm ?? goodbye !== undefined;
    const wait = goodbye ?? ending.wait ?? backoff(clock, tries);
    goodbye = undefined;
    tries++;
    if (!wait) return start();
    next.set(wait, start);
    become({ kind: "offline", retry_at: clock.now() + wait, reason });
  };

  /** The network or the page came back. */
  const wake = () => {
    if (isOnline()) heart.probe();
    else if (state.kind === "offline" && !firm) {
      tries = 0;
      const retry_at = Math.min(state.retry_at, clock.now() + backoff(clock, 0));
      next.set(retry_at - clock.now(), start);
      become({ ...state, retry_at });
    }
  };

  const unwatch = environment.watch(wake);
  start();

  return {
    get state() {
      return state;
    },
    call: (name, params, options) => {
      const call = queue.add(name, params ?? ({} as never), options);
      if (state.kind === "closed") queue.end(state.reason);
      return call;
    },
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    resume: place.resume,
    reconnectNow() {
      if (finished) return;
      if (isOnline()) return heart.probe();
      if (state.kind === "connecting" || (state.kind === "offline" && firm)) return;
      [tries, refusals] = [0, 0];
      start();
    },
    close() {
      if (finished) return;
      finished = true;
      unwatch();
      end({ reason: "closed by the program", final: true });
    },
  };
};
