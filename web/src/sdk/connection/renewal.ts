// Changes the token of an open connection before it ends. Knows when; not how it is carried.

import type { Failure, ServerFrame, Welcome } from "../contract.js";
import { timer, type Clock } from "./clock.js";
import { retryAfter } from "./tokens.js";

/** The server says `session.expiring` 60 s before the end, or at half of the token's life. This is for a missed signal. */
const BEFORE = 45_000;
const AGAIN = 10_000;
/** The server lets a socket live on for so long after its token. */
const GRACE = 25_000;

export const renewal = (
  clock: Clock,
  /** Asks for a new token. */
  ask: () => Promise<string>,
  /** Brings it to the server, and gives the answer; nothing when it goes another way. */
  bring: (token: string) => Promise<ServerFrame> | undefined,
  /** It is renewed: what waited for it may be sent. */
  done: () => void,
  /** The connection has outlived its token. */
  expired: () => void,
) => {
  const due = timer(clock);
  let ends = Infinity;
  /** When to ask; never while it is asked. */
  let at = Infinity;
  /** How far the server's clock is ahead. */
  let ahead = 0;
  /** Counts connections: what one began does not touch the next. */
  let run = 0;

  const plan = (next: number) => {
    at = next;
    due.set(Math.min(at, ends + GRACE) - clock.now(), look);
  };
  const look = () => {
    const now = clock.now();
    if (now >= ends + GRACE) expired();
    else if (now >= at) renew();
    else plan(at);
  };
  const until = (expires_at: string) => {
    ends = Date.parse(expires_at) - ahead;
    const left = ends - clock.now();
    plan(clock.now() + Math.max(left - BEFORE, left * 0.75, AGAIN));
  };

  const renew = () => {
    if (at === Infinity) return;
    plan(Infinity);
    const mine = run;
    const later = (error: unknown) => mine === run && plan(clock.now() + Math.max(AGAIN, retryAfter(error)));
    ask()
      .then((token) => (mine === run ? bring(token) : undefined))
      .then((frame) => {
        if (mine !== run || !frame) return;
        const { error, data } = frame as { error?: Failure; data: { expires_at: string } };
        if (!error) {
          until(data.expires_at);
          done();
          // A token of another session is for the next connection.
        } else if (error.retryable) later({ failure: error });
      })
      .catch(later);
  };

  return {
    renew,
    /** Whether the token has ended: nothing but a renewal may be sent. */
    isOver: () => clock.now() >= ends,
    begin({ server, session }: Welcome) {
      ahead = Date.parse(server.time) - clock.now();
      until(session.expires_at);
    },
    /** The end of the next token is not known. */
    forget: () => void (ends = Infinity),
    stop() {
      run++;
      at = Infinity;
      due.clear();
    },
  };
};
