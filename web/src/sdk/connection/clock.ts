// Time and chance, so that a test can be both. Knows nothing of connections.

/** Time and chance. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Runs it after so many milliseconds, unless the returned function is called before. */
  after(ms: number, run: () => void): () => void;
  /** From 0 to less than 1. */
  random(): number;
}

/** A timer that is given more fires at once. */
const LONGEST = 2 ** 31 - 1;

export const realClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, Math.min(ms, LONGEST));
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/** A slot for one timer: setting it again takes its last one back. */
export const timer = (clock: Clock) => {
  let cancel: (() => void) | undefined;
  const clear = () => {
    cancel?.();
    cancel = undefined;
  };
  const set = (ms: number, run: () => void) => {
    clear();
    cancel = clock.after(ms, run);
  };
  return { set, clear };
};

const FIRST = 500;
const MOST = 20_000;

/** Full jitter: a random wait up to a bound that doubles with each try, from 0.5 s to 20 s. */
export const backoff = (clock: Clock, tries: number): number =>
  clock.random() * Math.min(MOST, FIRST * 2 ** tries);
