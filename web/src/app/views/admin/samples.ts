// How many sockets each instance had, over the last minutes: asked for while the page is shown, kept until it is loaded anew.

import { useEffect, useState } from "preact/hooks";
import { signal } from "@preact/signals";
import type { Instance } from "../../../sdk/contract.js";
import { reason } from "../../acting.js";
import { useAsking, whenOnline } from "../../asking.js";
import { useSession } from "../../hooks.js";

const EVERY = 5_000;
/** Ten minutes. */
const MOST = 120;

export interface Sample {
  at: number;
  sockets: number;
}

export interface Watched {
  instances: readonly Instance[];
  /** By instance, and of all together under the empty name. Oldest first. */
  samples: ReadonlyMap<string, readonly Sample[]>;
}

const held = signal<Watched | undefined>(undefined);

/** The samples with what the instances report now. Those of instances that are gone are forgotten. */
export const sampled = (before: Watched | undefined, instances: readonly Instance[], at: number): Watched => {
  const samples = new Map<string, readonly Sample[]>();
  const add = (id: string, sockets: number) =>
    samples.set(id, [...(before?.samples.get(id) ?? []), { at, sockets }].slice(-MOST));
  for (const { id, sockets } of instances) add(id, sockets);
  add("", instances.reduce((sum, { sockets }) => sum + sockets, 0));
  return { instances, samples };
};

/** The instances and their samples, newer every few seconds. */
export const useWatched = (): { watched: Watched | undefined; failed: string | undefined } => {
  const ask = useAsking();
  const { client } = useSession();
  const [failed, fail] = useState<string>();
  useEffect(() => {
    let isCurrent = true;
    const look = () =>
      ask("admin.instances", {}).then(
        ({ items }) => {
          held.value = sampled(held.peek(), items, Date.now());
          if (isCurrent) fail(undefined);
        },
        (error: unknown) => isCurrent && fail(reason(error)),
      );
    void look();
    const timer = setInterval(() => void look(), EVERY);
    const unlisten = whenOnline(client, () => void look());
    return () => {
      isCurrent = false;
      clearInterval(timer);
      unlisten();
    };
  }, [ask, client]);
  return { watched: held.value, failed };
};
