// Asks the program for access tokens: within a deadline, and never sends one twice that the server does not take any more.

import type { Refused } from "../link.js";
import { timer, type Clock } from "./clock.js";

/** Gives the access token. `stale` is one that was refused, or that ends: it gives another, or throws `SignedOut`. */
export type TokenSource = (stale?: string) => Promise<string> | string;

/** As long as a refresh with its repetition may take. */
const DEADLINE = 20_000;
const PATIENCE = 300_000;

/** The source gave the token that it was asked to replace. */
export class NoOther extends Error {}

/** How long the server that refused a refresh wants to be left alone, in milliseconds. */
export const retryAfter = (error: unknown): number => Math.min(PATIENCE, (error as Refused | undefined)?.failure?.retry_after_ms ?? 0);

/** Asks once. */
export const ask = (clock: Clock, source: TokenSource, stale?: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const deadline = timer(clock);
    deadline.set(DEADLINE, () => reject(new Error("no token came in time")));
    // `then` also catches what the source throws at once.
    Promise.resolve(stale)
      .then(source)
      .then((token) => {
        deadline.clear();
        if (!token || typeof token !== "string") throw new Error("there is no token");
        if (token === stale) throw new NoOther("the token is not accepted any more");
        resolve(token);
      })
      .catch((error: unknown) => {
        deadline.clear();
        reject(error);
      });
  });
