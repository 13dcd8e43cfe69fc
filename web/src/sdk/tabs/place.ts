// What tabs need of the place where they run: a lock that only one of them holds, a channel between them, and the word that a
// page is put away or goes on. Knows nothing of stores.

/** What this uses of the Web Locks API. */
export interface Locks {
  request(name: string, options: { signal: AbortSignal }, run: () => Promise<void>): Promise<unknown>;
}

/** What this uses of a `BroadcastChannel`. */
export interface Channel {
  onmessage: ((event: never) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/** A place with several tabs. */
export interface Place {
  readonly locks: Locks;
  channel(name: string): Channel;
  /**
   * Calls `leave` when the page is put away, perhaps to come back, and `back` when it goes on unseen, until the returned function
   * is called. That it is seen again is for the environment to say.
   */
  watch(leave: () => void, back: () => void): () => void;
}

/** A browser with Web Locks and channels; `undefined` elsewhere: a store is then alone. */
export const browserPlace = (): Place | undefined => {
  const locks = globalThis.navigator?.locks as Locks | undefined;
  if (!locks || !globalThis.BroadcastChannel) return undefined;
  return {
    locks,
    channel: (name) => new BroadcastChannel(name),
    watch(leave, back) {
      const stop = new AbortController();
      globalThis.addEventListener?.("pagehide", leave, stop);
      globalThis.document?.addEventListener("freeze", leave, stop);
      globalThis.document?.addEventListener("resume", back, stop);
      return () => stop.abort();
    },
  };
};

/** A place with one tab. */
export const alone: Place = {
  locks: { request: (_name, _options, run) => run() },
  channel: () => ({ onmessage: null, postMessage() {}, close() {} }),
  watch: () => () => {},
};
