// What the place where a client runs says about the network and the page. Knows nothing of connections.

/** The place where a client runs. */
export interface Environment {
  /** Calls `wake` when the network or the page comes back, until the returned function is called. */
  watch(wake: () => void): () => void;
  /** Whether nobody looks: a connection then sends nothing by itself, and is checked when the page comes back. */
  hidden(): boolean;
  /** Whether WebSockets were found blocked in this session. */
  blocked(): boolean;
  /** Remembers that they are, or are not. */
  block(blocked: boolean): void;
}

/** A place that says nothing: Node, Deno, Bun. */
export const nowhere = (): Environment => {
  let found = false;
  return {
    watch: () => () => {},
    hidden: () => false,
    blocked: () => found,
    block: (blocked) => void (found = blocked),
  };
};

const KEY = "taskwire.blocked";

/** A page or a worker of a browser. */
export const browser = (): Environment => {
  const memory = nowhere();
  // Storage throws where a browser's settings forbid it, and workers have none.
  const stored = <T>(use: (storage: Storage) => T): T | undefined => {
    try {
      return use(sessionStorage);
    } catch {
      return undefined;
    }
  };
  const hidden = () => globalThis.document?.visibilityState === "hidden";
  return {
    hidden,
    watch(wake) {
      const shown = () => hidden() || wake();
      const on: [EventTarget | undefined, string, () => void][] = [
        [globalThis, "online", wake],
        [globalThis, "pageshow", wake],
        [globalThis.document, "visibilitychange", shown],
      ];
      for (const [target, name, run] of on) target?.addEventListener(name, run);
      return () => {
        for (const [target, name, run] of on) target?.removeEventListener(name, run);
      };
    },
    blocked: () => memory.blocked() || stored((storage) => storage.getItem(KEY)) === "1",
    block(blocked) {
      memory.block(blocked);
      stored((storage) => (blocked ? storage.setItem(KEY, "1") : storage.removeItem(KEY)));
    },
  };
};

/** What this uses of React Native's `AppState`. */
export interface AppStateLike {
  readonly currentState: string | null;
  addEventListener(type: "change", listener: (state: string) => void): { remove(): void };
}

/** React Native: `environment: reactNative(AppState)`. */
export const reactNative = (app: AppStateLike): Environment => ({
  ...nowhere(),
  hidden: () => app.currentState === "background",
  watch(wake) {
    const subscription = app.addEventListener("change", (state) => {
      if (state === "active") wake();
    });
    return () => subscription.remove();
  },
});

/** The place where this runs, as far as it can be told. */
export const here = (): Environment =>
  typeof globalThis.addEventListener === "function" ? browser() : nowhere();
