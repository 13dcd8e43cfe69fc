// How fast the board is for a person with 10,000 tasks: the first visit, a cold and a warm start, changes that come in, scrolling,
// memory. Compile the tests first: `npx tsc -p tsconfig.test.json && node scripts/bench-board.mjs`. TASKWIRE_SERVER names the
// server's binary, which serves the board.

import { chromium } from "@playwright/test";
import { WebSocket } from "ws";

const built = new URL("../.test/", import.meta.url);
const load = (path) => import(new URL(path, built).href);
const { connect, signIn } = await load("src/sdk/index.js");
const { PASSWORD } = await load("test/support/person.js");
const { server } = await load("test/support/server.js");

const TASKS = Number(process.argv[2] ?? 10_000);
const BATCH = 100;
/** Changes a second while frames are counted, and for how many seconds. */
const RATE = 50;
const SECONDS = 10;

const ends = [];
const at = await server({ after: (end) => ends.unshift(end) });
const session = signIn({ url: at.url, delivery: "body" });
const email = "ada@example.org";
await session.signUp({ email, password: PASSWORD, name: "Ada" });
const client = connect({ url: at.url, token: session.token, WebSocket });
const { data: team } = await client.call("workspace.create", { name: "Orchard" });
const due = (i) => new Date(Date.now() + (i % 60) * 86_400_000).toISOString();
const stages = ["todo", "doing", "done"];
for (let begun = 0; begun < TASKS; begun += BATCH) {
  const ops = Array.from({ length: Math.min(BATCH, TASKS - begun) }, (_, n) => {
    const i = begun + n;
    const data = { workspace_id: team.id, title: `Task number ${i}`, stage: stages[i % 3], due_at: due(i), description: "What there is to do." };
    return { type: "task.create", data };
  });
  await client.call("batch", { ops });
}

const executablePath = process.env.TASKWIRE_TEST_CHROMIUM ?? "/usr/bin/chromium";
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--enable-precise-memory-info"] });
const context = await browser.newContext({ baseURL: at.url });
await context.request.post(`${at.url}/v1/auth/login`, { data: { email, password: PASSWORD } });
const page = await context.newPage();

let bytes = 0;
const devtools = await context.newCDPSession(page);
await devtools.send("Network.enable");
const kinds = new Map();
devtools.on("Network.responseReceived", ({ requestId, response }) => kinds.set(requestId, response.url));
devtools.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
  if (!kinds.get(requestId)?.includes("/v1/")) bytes += encodedDataLength;
});

/** Milliseconds from the navigation until tasks are seen. */
const opened = async (path) => {
  await page.goto(path, { waitUntil: "commit" });
  await page.waitForSelector("[data-task]");
  return page.evaluate(() => performance.now());
};
const say = (what, value, unit = "ms") => console.log(`${what}: ${Math.round(value)} ${unit}`);

const path = `w/${team.id}/list`;
say(`cold start with ${TASKS} tasks`, await opened(path));
await page.waitForTimeout(2_000);
say("first visit, all but the data", bytes / 1024, "KiB");
const warm = [];
for (let i = 0; i < 5; i++) warm.push(await opened(path));
say("warm start, median of 5", warm.sort((a, b) => a - b)[2]);

/** Frames a second, and the longest time between two. */
const frames = () =>
  page.evaluate(
    (seconds) =>
      new Promise((resolve) => {
        const times = [];
        const step = (now) => {
          times.push(now);
          if (now - times[0] < seconds * 1000) requestAnimationFrame(step);
          else {
            const gaps = times.slice(1).map((time, i) => time - times[i]).sort((a, b) => a - b);
            resolve({ rate: (times.length - 1) / seconds, p99: gaps[Math.floor(gaps.length * 0.99)], longest: gaps.at(-1) });
          }
        };
        requestAnimationFrame(step);
      }),
    SECONDS,
  );
const tasks = (await client.call("task.list", { workspace_id: team.id, limit: 100 })).data.items;
let sent = 0;
const change = setInterval(() => {
  const task = tasks[sent++ % tasks.length];
  client.call("task.update", { id: task.id, title: `Changed ${sent}` }).catch(() => {});
}, 1000 / RATE);
const counted = await frames();
clearInterval(change);
say(`frames a second while ${RATE} changes a second come in`, counted.rate, "");
say("99% of frames within", counted.p99);

await page.evaluate(() => {
  const main = document.querySelector("main");
  let top = 0;
  const scroll = () => {
    main.scrollTop = top += 400;
    if (top < 400 * 1200) requestAnimationFrame(scroll);
  };
  scroll();
});
const scrolled = await frames();
say("frames a second while it scrolls", scrolled.rate, "");
say("99% of frames within", scrolled.p99);

await devtools.send("HeapProfiler.collectGarbage");
const { usedSize } = await devtools.send("Runtime.getHeapUsage");
say("heap", usedSize / 1024 / 1024, "MiB");
await browser.close();
client.close();
for (const end of ends) await end();
