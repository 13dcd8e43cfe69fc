// Changes the token of an open connection before it ends. Knows when, and what to send; not how it is carried.

import type { Welcome } from "../contract.js";
import { timer, type Clock } from "./clock.js";
import { retryAfter } from "./tokens.js";

/** The server says `session.expiring` 60 s before the end, or at half of the token's life. This is for a missed signal. */
const BEFORE = 45_000;
const AGAIN = 10_000;
/** The server lets a socket live on for so long after its token. */
const GRACE = 25_000;
/** A token that lives longer is never renewed. */
const FAR = 365 * 24 * 3_600_000;
/** A timer is set for no longer, and looks again. */
const DAY = 24 * 3_600_000;

export type Renewal = ReturnType<typeof renewal>;

export const renewal = (
  clock: Clock,
  /** Asks for a new token. */
  ask: () => Promise<string>,
  /** Brings it to the server; answers when the connection now ends, on the server's clock; nothing when it is refused. */
  bring: (token: string) => Promise<string | undefined>,
  /** It is renewed: what waited for it may be sent. */
  done: () => void,
  /** The connection has outlived its token. */
  expired: () => void,
) => {
  const due = timer(clock);
  const end = timer(clock);
  let ends = Infinity;
  /** How far the server's clock is ahead. */
  let ahead = 0;
  /** Counts connections: what one began does not touch the next. */
  let run = 0;
  let busy = false;

  const plan = (at: number) => due.set(Math.min(DAY, at - clock.now()), () => (clock.now() < at ? plan(at) : renew()));

  const until = (expires_at: string) => {
    ends = Date.parse(expires_at) - ahead;
    const left = ends - clock.now();
    end.clear();
    if (left > FAR) return;
    plan(clock.now() + Math.max(left - BEFORE, left * 0.75, AGAIN));
    watchEnd();
  };

  const watchEnd = () => {
    const over = ends + GRACE - clock.now();
    end.set(Math.min(DAY, over), () => (clock.now() < ends + GRACE ? watchEnd() : expired()));
  };

  const renew = () => {
    if (busy) return;
    busy = true;
    due.clear();
    const mine = run;
    ask()
      .then(bring)
      .then((expires_at) => {
        if (mine !== run || !expires_at) return;
        until(expires_at);
        done();
      })
      .catch((error: unknown) => mine === run && plan(clock.now() + Math.max(AGAIN, retryAfter(error))))
      .finally(() => {
        if (mine === run) busy = false;
      });
  };

  return {
    renew,
    /** Whether the token has ended: nothing but a renewal may be sent. */
    isOver: () => clock.now() >= ends,
    begin({ server, session }: Welcome) {
      ahead = Date.parse(server.time) - clock.now();
      until(session.expires_at);
    },
    /** The next token's end is not known. */
    forget() {
      ends = Infinity;
    },
    stop() {
      run++;
      busy = false;
      due.clear();
      end.clear();
    },
  };
};
