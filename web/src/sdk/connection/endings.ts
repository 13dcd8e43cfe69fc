// What the end of a connection, or of a try to make one, means for the next try: close codes and refusals of `auth`.

import type { Failure } from "../contract.js";

/** What to do next. */
export interface Ending {
  reason: string;
  code?: number | undefined;
  /** It is not tried again. */
  final?: boolean;
  /** The token is not sent again. */
  stale?: boolean | undefined;
  /** The wait that the server asked for, in milliseconds; the backoff's when left out. */
  wait?: number | undefined;
}

const FINAL = /^(100[2379]|440[03])$/;
/** After a close with 4429: it ignored the rate limit, or there are too many sockets of this user. */
const RATE_IGNORED = 10_000;

/** After this close code. */
export const closed = (code: number | undefined, reason: string): Ending => ({
  code,
  reason,
  final: FINAL.test(`${code}`),
  stale: code === 4401 || code === 4403,
  wait: code === 4429 ? RATE_IGNORED : code === -1 ? 0 : undefined,
});

/** After this refusal of `auth`. */
export const refused = ({ code, message, retryable, retry_after_ms }: Failure): Ending => {
  const stale = /TOKEN|AUTH/.test(code);
  return {
    reason: message,
    stale,
    final: !retryable && (!stale || code === "TOKEN_REVOKED"),
    wait: retry_after_ms ?? undefined,
  };
};
