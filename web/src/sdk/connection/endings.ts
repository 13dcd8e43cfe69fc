// What the end of a connection, or of a try to make one, means for the next try: close codes and refusals of `auth`.

import type { Failure } from "../contract.js";

/** What to do next. */
export interface Ending {
  reason: string;
  /** It is not tried again. */
  final?: boolean;
  code?: number | undefined;
  /** The token is not sent again. */
  stale?: boolean;
  /** The wait, in milliseconds; the backoff's when left out. */
  wait?: number;
  /** The server asked for the wait: nothing shortens it. */
  firm?: boolean;
}

/** After a close with 4429. */
const RATE_IGNORED = 10_000;
const FINAL = /^(100[2379]|440[03])$/;

/** After this close code. */
export const closed = (code: number | undefined, reason: string): Ending => {
  const ending: Ending = { code, reason };
  if (FINAL.test(`${code}`)) ending.final = true;
  if (code === 0) ending.wait = 0;
  if (code === 4401 || code === 4403) ending.stale = true;
  if (code === 4429) return { ...ending, wait: RATE_IGNORED, firm: true };
  return ending;
};

/** After this refusal of `auth`. */
export const refused = ({ code, message, retryable, retry_after_ms }: Failure): Ending => {
  const ending: Ending = { reason: message };
  const token = /TOKEN|AUTH/.test(code);
  if (token) ending.stale = true;
  if (!retryable && (!token || code === "TOKEN_REVOKED")) ending.final = true;
  if (retry_after_ms) return { ...ending, wait: retry_after_ms, firm: true };
  return ending;
};
