// Waits for what a client tells, within a deadline.

import type { Client, Listener, State } from "../../src/sdk/index.js";

const DEADLINE = 20_000;

/** The value of a promise, or an error that says what was waited for. */
export const within = <T>(what: string, promise: Promise<T>, ms = DEADLINE): Promise<T> =>
  new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`waited too long: ${what}`)), ms);
    promise.finally(() => clearTimeout(late)).then(resolve, reject);
  });

type Value<K extends keyof Listener> = Parameters<NonNullable<Listener[K]>>[0];

/** The next thing of a kind that fits. */
export const next = <K extends keyof Listener>(
  client: Pick<Client, "listen">,
  kind: K,
  fits: (value: Value<K>) => boolean = () => true,
): Promise<Value<K>> => {
  let stop: (() => void) | undefined;
  const promise = new Promise<Value<K>>((resolve) => {
    stop = client.listen({ [kind]: (value: Value<K>) => fits(value) && resolve(value) });
  });
  return within(`${kind} ${fits}`, promise).finally(stop);
};

/** The state when it is of this kind. */
export const state = async <K extends State["kind"]>(client: Client, kind: K): Promise<State & { kind: K }> => {
  const is = (now: State): now is State & { kind: K } => now.kind === kind;
  if (is(client.state)) return client.state;
  return (await next(client, "state", is)) as State & { kind: K };
};

/** Looks again and again until it holds. */
export const holds = async (what: string, condition: () => boolean | Promise<boolean>): Promise<void> => {
  const end = Date.now() + DEADLINE;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited too long: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
