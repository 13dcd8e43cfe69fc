// Who is told. Knows nothing of what is told.

import type { Listener } from "../link.js";

/** Tells every listener. */
export type Tell = <K extends keyof Listener>(what: K, value: Parameters<NonNullable<Listener[K]>>[0]) => void;

export const listeners = () => {
  const all = new Set<Listener>();
  const tell: Tell = (what, value) => {
    for (const listener of [...all])
      try {
        listener[what]?.(value as never);
      } catch (error) {
        // A listener's mistake must not cost the others their events.
        (globalThis.reportError ?? console.error)(error);
      }
  };
  const listen = (listener: Listener) => {
    all.add(listener);
    return () => void all.delete(listener);
  };
  return { tell, listen };
};
