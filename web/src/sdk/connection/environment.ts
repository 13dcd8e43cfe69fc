// What the place where a client runs says about the network and the page. Knows nothing of connections.

/** The place where a client runs. */
export interface Environment {
  /** Calls `wake` when the network comes back or goes, or the page comes back, until the returned function is called. */
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

/** Nothing where a browser's settings forbid it, and in workers. */
const storage = (): Storage | undefined => {
  try {
    return sessionStorage;
  } catch {
    return undefined;
  }
};

/** A page or a worker of a browser. */
export const browser = (): Environment => {
  const hidden = () => globalThis.document?.visibilityState === "hidden";
  return {
    hidden,
    watch(wake) {
      const stop = new AbortController();
      for (const name of ["online", "offline", "pageshow"]) addEventListener(name, wake, stop);
      globalThis.document?.addEventListener("visibilitychange", () => hidden() || wake(), stop);
      return () => stop.abort();
    },
    blocked: () => !!storage()?.getItem(KEY),
    block: (blocked) => storage()?.setItem(KEY, blocked ? "1" : ""),
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
export const here = (): Environment => ("addEventListener" in globalThis ? browser() : nowhere());
