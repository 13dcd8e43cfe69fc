// Seeded schedules of cuts, lost answers, crashes and refused tokens against a real server: every acknowledged call is done
// once, and every event arrives once, in order. `TASKWIRE_SCHEDULES` says how many, `TASKWIRE_SEED` where they begin.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { realClock, type Clock } from "../src/sdk/connection/clock.js";
import type { EventFrame, Task } from "../src/sdk/contract.js";
import { client, forged, person } from "./support/person.js";
import { proxy } from "./support/proxy.js";
import { server, type Server } from "./support/server.js";
import { holds, state, within } from "./support/until.js";

const SCHEDULES = Number(process.env["TASKWIRE_SCHEDULES"] ?? 25);
const SEED = Number(process.env["TASKWIRE_SEED"] ?? Math.floor(Math.random() * 1e9));

/** Mulberry32: random numbers that a seed repeats. */
const chance = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
};

/** Reconnects soon: the backoff has tests of its own. */
const hasty = (random: () => number): Clock => ({ ...realClock, random: () => random() * 0.05 });

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const schedule = async (t: TestContext, node: Server, seed: number) => {
  const random = chance(seed);
  const ada = await person(node.url);
  const [near, far] = [await proxy(t, node.port), await proxy(t, node.port)];
  const good = ada.tokens.access_token;
  const at = (url: string) => {
    // Now and then the source has an old token, and notices when it is refused: once a session, as a client gives up after some
    // refusals without one between them.
    let isSpent = false;
    const token = (stale?: string) => {
      if (stale || isSpent || random() < 0.8) return good;
      isSpent = true;
      return forged(good, { exp: Math.floor(Date.now() / 1000) - 60 });
    };
    const made = client(t, url, { token, clock: hasty(random), transport: "websocket" });
    made.listen({ welcome: () => (isSpent = false) });
    return made;
  };
  const [writer, reader] = [at(near.url), at(far.url)];
  const events: EventFrame[] = [];
  reader.listen({ event: (event) => event.stream.startsWith("workspace:") && events.push(event) });
  await state(reader, "online");

  const acknowledged = new Map<string, Task>();
  const calls: Promise<unknown>[] = [];
  for (let step = 0; step < 40; step++) {
    const title = `${seed}.${step}`;
    calls.push(writer.call("task.create", { title }).then(({ data }) => acknowledged.set(title, data)));
    const dice = random();
    if (dice < 0.08) near.cut();
    else if (dice < 0.16) far.cut();
    else if (dice < 0.22) near.deafen();
    else if (dice < 0.26) far.deafen();
    else if (dice < 0.5) await pause(random() * 30);
    else if (dice < 0.52) writer.reconnectNow();
    else if (dice < 0.525) {
      await node.kill();
      await node.start();
    }
  }
  // What was swallowed is noticed by a cut here, and by silence elsewhere.
  near.cut();
  far.cut();
  await within(`every answer (seed ${seed})`, Promise.all(calls));
  const created = () => events.filter(({ event }) => event === "task.created");
  await holds(`every event (seed ${seed})`, () => created().length >= calls.length);
  const seqs = events.map(({ seq }) => seq);
  assert.deepEqual(seqs, seqs.map((_, index) => seqs[0]! + index), `seed ${seed}`);
  const ids = created().map(({ data }) => (data as Task).id);
  assert.deepEqual(ids.sort(), [...acknowledged.values()].map(({ id }) => id).sort(), `seed ${seed}`);
  writer.close();
  reader.close();
};

test(`${SCHEDULES} schedules from seed ${SEED} on`, { timeout: 60_000 + SCHEDULES * 10_000 }, async (t) => {
  const node = await server(t);
  for (let seed = SEED; seed < SEED + SCHEDULES; seed++) await schedule(t, node, seed);
});
