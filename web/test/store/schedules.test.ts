// Random schedules: after quiet every operation was carried out once or is shown as refused, and what is shown is what a new
// snapshot says. TASKWIRE_TEST_SCHEDULES sets how many; TASKWIRE_TEST_SEED runs one again.

import { test } from "node:test";
import { run, scheduleOf, type Step } from "./schedule.js";
import { runAll, seedsOf } from "./shrink.js";

test("after any schedule each operation was carried out once or is refused, and the state is that of a new snapshot", () =>
  runAll(seedsOf(2000), scheduleOf, run));

// Each of these failed once: what is on its way when access ends and comes back is from before.
const FOUND: Step[][] = [
  [
    ["connect", 901, 23, 346],
    ["deliver", 243, 730, 192],
    ["admit", 299, 632, 382],
    ["serve", 873, 961, 14],
    ["deliver", 84, 811, 385],
    ["serve", 647, 235, 584],
  ],
  [
    ["connect", 869, 770, 877],
    ["deliver", 440, 795, 470],
    ["serve", 587, 638, 472],
    ["deliver", 251, 213, 798],
    ["serve", 757, 99, 91],
    ["reset", 498, 742, 833],
    ["deliver", 281, 486, 606],
    ["admit", 969, 450, 759],
  ],
  [
    ["connect", 193, 564, 285],
    ["deliver", 656, 566, 593],
    ["serve", 653, 360, 749],
    ["deliver", 163, 987, 473],
    ["serve", 528, 433, 183],
    ["deliver", 495, 239, 772],
    ["restart", 540, 559, 63],
    ["connect", 628, 7, 29],
    ["admit", 339, 251, 698],
  ],
];

test("access that ends and comes back leaves nothing old behind", async () => {
  for (const steps of FOUND) await run(steps);
});
