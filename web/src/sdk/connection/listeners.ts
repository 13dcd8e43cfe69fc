// Who is told. Knows nothing of what is told.

import type { Listener } from "../link.js";

/** Tells every listener. */
export type Tell = <K extends keyof Listener>(what: K, value: Parameters<NonNullable<Listener[K]>>[0]) => void;

/** Runs what a program gave. Its mistake is reported, and costs others nothing. */
export const safely = (run: () => unknown): void => {
  try {
    run();
  } catch (error) {
    (globalThis.reportError ?? console.error)(error);
  }
};

export const listeners = () => {
  const all = new Set<Listener>();
  const tell: Tell = (what, value) => {
    for (const listener of [...all]) safely(() => listener[what]?.(value as never));
  };
  const listen = (listener: Listener) => {
    all.add(listener);
    return () => void all.delete(listener);
  };
  return { tell, listen };
};
