// Random schedules with three tabs: after quiet every operation was carried out once or is shown as refused, in whatever tab it
// was begun and whatever tabs were killed or frozen meanwhile, and all tabs show what a new snapshot says.

import { test } from "node:test";
import type { Step } from "../store/schedule.js";
import { runAll, seedsOf } from "../store/shrink.js";
import { run, tabsScheduleOf } from "./schedule.js";

test("after any schedule of three tabs each operation was carried out once or is refused, and all show the same", () =>
  runAll(seedsOf(300), tabsScheduleOf, run));

// Each of these failed once.
const FOUND: Record<string, Step[]> = {
  "a tab that was frozen while it wrote does not do again what was dropped meanwhile": [
    ["open", 113, 589, 285],
    ["mutate", 435, 587, 617],
    ["freeze", 437, 645, 981],
    ["open", 887, 930, 250],
    ["calm", 246, 445, 480],
    ["mutate", 757, 889, 172],
    ["freeze", 881, 423, 619],
    ["fail", 693, 273, 340],
    ["calm", 432, 733, 78],
    ["drop", 329, 707, 661],
    ["freeze", 701, 834, 100],
  ],
  "a tab that was frozen does not begin again what another one finished": [
    ["open", 0, 0, 1],
    ["open", 0, 0, 1],
    ["mutate", 759, 822, 513],
    ["killWriting", 255, 592, 426],
    ["calm", 308, 979, 944],
    ["mutate", 757, 407, 933],
    ["freeze", 732, 373, 125],
    ["calm", 714, 193, 301],
    ["thaw", 924, 992, 172],
    ["talk", 890, 517, 978],
    ["failover", 385, 435, 32],
  ],
};

for (const [name, steps] of Object.entries(FOUND)) test(name, () => run(steps));
