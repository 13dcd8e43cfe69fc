// Asks the program for access tokens, within a deadline.

import type { Refused } from "../link.js";
import type { Clock } from "./clock.js";

/** Gives the access token. `stale` is one that was refused, or that ends: it gives another, or throws `SignedOut`. */
export type TokenSource = (stale?: string) => Promise<string> | string;

/** As long as a refresh with its repetition may take. */
const DEADLINE = 20_000;
/** The longest wait that a server may ask for. */
export const PATIENCE = 300_000;

/** How long the server that refused a refresh wants to be left alone, in milliseconds. */
export const retryAfter = (error: unknown): number =>
  Math.min(PATIENCE, (error as Refused | undefined)?.failure?.retry_after_ms ?? 0);

/** Asks once. The answer may be the stale one again: it must not be sent. */
export const ask = (clock: Clock, source: TokenSource, stale?: string): Promise<string> =>
  new Promise<string>((resolve, reject) => {
    const inTime = clock.after(DEADLINE, () => reject(new Error("no token in time")));
    // `then` also catches what the source throws at once.
    Promise.resolve(stale)
      .then(source)
      .then((token) => (token ? resolve(token) : reject(new Error("no token"))), reject)
      .finally(inTime);
  });
