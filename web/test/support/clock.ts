// A clock that a test moves.

import type { Clock } from "../../src/sdk/index.js";

export interface TestClock extends Clock {
  /** Moves on, and runs what becomes due, in its order. */
  advance(ms: number): Promise<void>;
  /** Jumps: what became due meanwhile runs only then, as after a sleep. */
  sleep(ms: number): Promise<void>;
  /** What `random` gives next; 0.5 when it is empty. */
  chances: number[];
}

/** Lets promises and sockets of the process go on. */
export const settle = async () => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
};

export const testClock = (start = 1_800_000_000_000): TestClock => {
  let now = start;
  let timers: { at: number; run: () => void }[] = [];
  const due = (until: number) => timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
  const runDue = async (until: number) => {
    await settle();
    for (let timer = due(until); timer; timer = due(until)) {
      timers = timers.filter((one) => one !== timer);
      now = Math.max(now, timer.at);
      timer.run();
      await settle();
    }
  };
  const clock: TestClock = {
    chances: [],
    now: () => now,
    random: () => clock.chances.shift() ?? 0.5,
    after(ms, run) {
      const timer = { at: now + ms, run };
      timers.push(timer);
      return () => void (timers = timers.filter((one) => one !== timer));
    },
    async advance(ms) {
      const until = now + ms;
      await runDue(until);
      now = until;
    },
    async sleep(ms) {
      await settle();
      now += ms;
      await runDue(now);
    },
  };
  return clock;
};
