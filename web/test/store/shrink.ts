// Runs schedules by their seeds, and makes one that fails as short as it can be.

import { random, type Step } from "./schedule.js";

const failureOf = async (
  run: (steps: readonly Step[]) => Promise<void>,
  steps: readonly Step[],
  seed: number,
): Promise<string | undefined> => {
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

/** Carries out the schedules of all seeds; throws the first that fails, with the least steps. */
export const runAll = async (
  seeds: readonly number[],
  scheduleOf: (seed: number) => Step[],
  run: (steps: readonly Step[]) => Promise<void>,
): Promise<void> => {
  for (const seed of seeds) {
    let steps: readonly Step[] = scheduleOf(seed);
    if (!(await failureOf(run, steps, seed))) continue;
    for (let size = steps.length >> 1; size >= 1;)
      for (let at = 0, shorter = false; ; at += size) {
        if (at >= steps.length) {
          if (!shorter) size >>= 1;
          break;
        }
        const without = [...steps.slice(0, at), ...steps.slice(at + size)];
        if (!(await failureOf(run, without, seed))) continue;
        steps = without;
        shorter = true;
        at -= size;
      }
    throw new Error(
      `seed ${seed}, ${steps.length} steps: ${JSON.stringify(steps)}\n${await failureOf(run, steps, seed)}`,
    );
  }
};

/** `TASKWIRE_TEST_SCHEDULES` sets how many; `TASKWIRE_TEST_SEED` runs one again. */
export const seedsOf = (usual: number): number[] => {
  const many = Number(process.env["TASKWIRE_TEST_SCHEDULES"] ?? usual);
  const first = Number(process.env["TASKWIRE_TEST_SEED"] ?? 0);
  return first ? [first] : Array.from({ length: many }, (_, i) => i + 1);
};
