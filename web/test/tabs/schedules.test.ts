// Random schedules with three tabs: after quiet every operation was carried out once or is shown as refused, in whatever tab it
// was begun and whatever tabs were killed or frozen meanwhile, and all tabs show what a new snapshot says.

import { test } from "node:test";
import { scheduleOf } from "../store/schedule.js";
import { runAll, seedsOf } from "../store/shrink.js";
import { KINDS, run } from "./schedule.js";

test("after any schedule of three tabs each operation was carried out once or is refused, and all show the same", () =>
  runAll(seedsOf(2000), (seed) => scheduleOf(seed, KINDS), run));
