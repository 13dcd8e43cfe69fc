// Random schedules: after quiet every operation was carried out once or is shown as refused, and what is shown is what a new
// snapshot says. TASKWIRE_TEST_SCHEDULES sets how many; TASKWIRE_TEST_SEED runs one again.

import { test } from "node:test";
import { random, run, scheduleOf, type Step } from "./schedule.js";

const many = Number(process.env["TASKWIRE_TEST_SCHEDULES"] ?? 2000);
const first = Number(process.env["TASKWIRE_TEST_SEED"] ?? 0);

const failureOf = async (steps: readonly Step[], seed: number): Promise<string | undefined> => {
  // Ids are by chance too.
  const next = random(seed);
  crypto.getRandomValues = ((bytes: Uint8Array) =>
    bytes.map(() => Math.floor(next() * 256))) as typeof crypto.getRandomValues;
  try {
    await run(steps);
  } catch (error) {
    return (error as Error).stack ?? String(error);
  }
  return undefined;
};

/** Drops steps while it still fails. */
const shrunk = async (steps: readonly Step[], seed: number): Promise<readonly Step[]> => {
  for (let size = steps.length >> 1; size >= 1;)
    for (let at = 0, shorter = false; ; at += size) {
      if (at >= steps.length) {
        if (!shorter) size >>= 1;
        break;
      }
      const without = [...steps.slice(0, at), ...steps.slice(at + size)];
      if (!(await failureOf(without, seed))) continue;
      steps = without;
      shorter = true;
      at -= size;
    }
  return steps;
};

test("after any schedule each operation was carried out once or is refused, and the state is that of a new snapshot", async () => {
  const seeds = first ? [first] : Array.from({ length: many }, (_, i) => i + 1);
  for (const seed of seeds) {
    const steps = scheduleOf(seed);
    if (!(await failureOf(steps, seed))) continue;
    const least = await shrunk(steps, seed);
    throw new Error(`seed ${seed}, ${least.length} steps: ${JSON.stringify(least)}\n${await failureOf(least, seed)}`);
  }
});
