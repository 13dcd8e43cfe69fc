// Requests of the board that need no sign-in, and what refusals of any request become. Owns no token.

import type { Failure, HttpError, Routes } from "../sdk/contract.js";
import { Refused } from "../sdk/index.js";
import { BASE } from "./places.js";

/** What an answer holds. Throws {@link Refused} for a refusal. */
export const read = async <A>(answer: Response): Promise<A> => {
  const json = (await answer.json().catch(() => undefined)) as A | HttpError | undefined;
  if (answer.ok && json) return json as A;
  const { error, request_id } = (json as HttpError | undefined) ?? {};
  if (!error) throw new Error(`${answer.status} ${answer.statusText}`.trim());
  throw new Refused({ retry_after_ms: null, ...error, request_id } as Failure);
};

type Post = keyof Routes & `POST ${string}`;

/** Asks a route for which nobody has to be signed in. Cookies go along, and come back. */
export const post = async <K extends Post>(route: K, body: Routes[K]["body"]): Promise<Routes[K]["answer"]> => {
  const answer = await fetch(new URL(route.slice("POST /".length), BASE), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return read<Routes[K]["answer"]>(answer);
};
