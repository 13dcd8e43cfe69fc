// The board as the server gives it to a browser: under its policy, below a path of a proxy, without a network, and when another
// version has come.

import type { Page } from "@playwright/test";
import { server as start } from "../test/support/server.js";
import { expect, PASSWORD, test, type Someone } from "./support/board.js";
import { front, OTHER, type Front } from "./support/front.js";

/** Waits until the service worker answers for the page. */
const isKept = (page: Page) => page.waitForFunction(() => !!navigator.serviceWorker.controller);

interface Types {
  trustedTypes: { createPolicy(name: string, rules: object): void };
}

const dueToday = () => ({ due_at: new Date().toISOString() });

/** Whether the browser has stored a text. */
const isStored = (page: Page, text: string) =>
  page.evaluate(async (text) => {
    const done = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const all = await indexedDB.databases();
    const texts = all.map(async ({ name }) => {
      const database = await done(indexedDB.open(name!));
      const stores = [...database.objectStoreNames];
      const records = stores.map((store) => done(database.transaction(store).objectStore(store).getAll()));
      return JSON.stringify(await Promise.all(records).finally(() => database.close()));
    });
    return (await Promise.all(texts)).some((stored) => stored.includes(text));
  }, text);

const addTask = async ({ client, page }: Someone, title: string): Promise<string> => {
  const { data } = await client.call("task.create", { title, ...dueToday() });
  await expect(page.getByRole("link", { name: title })).toBeVisible();
  return data.id;
};

test("no page breaks its policy", async ({ someone }) => {
  // The fixture fails the test for what a page logs.
  const { page, home } = await someone("Ada");
  await isKept(page);
  for (const at of ["upcoming", "inbox", "settings", `w/${home}/board`, "today"]) {
    await page.goto(at);
    await expect(page.getByRole("navigation", { name: "Navigation" })).toBeVisible();
  }
});

test("the policy keeps strange scripts and requests out", async ({ browser, server }) => {
  const page = await browser.newPage({ baseURL: server.url });
  await page.goto("login");
  const tried = await page.evaluate(async () => {
    const html = document.createElement("div");
    const thrown = (run: () => unknown) => {
      try {
        return void run();
      } catch (error) {
        return (error as Error).name;
      }
    };
    return {
      html: thrown(() => (html.innerHTML = "<b>bold</b>")),
      policy: thrown(() => (globalThis as unknown as Types).trustedTypes.createPolicy("other", {})),
      elsewhere: await fetch("https://example.org/").then(
        () => "answered",
        (error: Error) => error.name,
      ),
    };
  });
  expect(tried).toEqual({ html: "TypeError", policy: "TypeError", elsewhere: "TypeError" });
  await page.close();
});

/** A server below a path of a proxy, and a page of somebody who has just signed up there. */
const below = async (page: Page, ends: (() => unknown)[], path: string): Promise<Front> => {
  const after = (end: () => unknown) => ends.unshift(end);
  const proxy = await front({ after }, path);
  const { port } = await start({ after }, `public_url=${proxy.url}`);
  proxy.port = port;
  const data = { name: "Ada", email: "ada@example.org", password: PASSWORD };
  const answer = await page.request.post(`${proxy.url}/v1/auth/signup`, { data });
  expect(answer.status()).toBe(201);
  await page.goto(`${proxy.url}/today`);
  await expect(page.getByRole("navigation", { name: "Navigation" })).toBeVisible();
  return proxy;
};

test("below a path of a proxy everything is below that path", async ({ stranger, ends }) => {
  const page = await stranger();
  const proxy = await below(page, ends, "/team/tasks");
  const outside: string[] = [];
  page.on("request", (request) => request.url().startsWith(`${proxy.url}/`) || outside.push(request.url()));
  await page.getByRole("link", { name: "Upcoming" }).first().click();
  await expect(page).toHaveURL(`${proxy.url}/upcoming`);
  await page.goBack();
  await expect(page).toHaveURL(`${proxy.url}/today`);
  // The cookie of the sign-in comes along: without it a reload would ask for the password.
  await page.evaluate(() => localStorage.clear());
  await page.reload();
  await expect(page.getByRole("navigation", { name: "Navigation" })).toBeVisible();
  await isKept(page);
  const scope = await page.evaluate(async () => (await navigator.serviceWorker.ready).scope);
  expect(scope).toBe(`${proxy.url}/`);
  await page.goto(`${proxy.url}/settings/profile`);
  await expect(page.getByRole("navigation", { name: "Navigation" })).toBeVisible();
  expect(outside).toEqual([]);
});

test("without a server the board opens, shows what was there, and keeps what is done", async ({ someone, server }) => {
  const ada = await someone("Ada");
  const id = await addTask(ada, "Water the plants");
  await addTask(ada, "Feed the cat");
  await isKept(ada.page);
  await expect.poll(() => isStored(ada.page, "Feed the cat")).toBe(true);
  await server.kill();
  await ada.page.goto("upcoming");
  await expect(ada.page.getByRole("navigation", { name: "Navigation" })).toBeVisible();
  await ada.page.goto("today");
  await ada.page.getByRole("checkbox", { name: "Complete “Water the plants”" }).click();
  await expect(ada.page.getByText("1 change waits to be saved")).toBeVisible();
  await ada.page.reload();
  await expect(ada.page.getByRole("link", { name: "Feed the cat" })).toBeVisible();
  await expect(ada.page.getByRole("link", { name: "Water the plants" })).toBeHidden();
  await server.start();
  await expect(ada.page.getByText("Offline since")).toBeHidden({ timeout: 30_000 });
  await expect.poll(async () => (await ada.client.call("task.get", { id })).data.completed).toBe(true);
});

test("a path that is not the board's is the server's, also under the service worker", async ({ someone, server }) => {
  const { page } = await someone("Ada");
  await isKept(page);
  const answer = await page.goto("health");
  expect(answer?.headers()["content-type"]).toContain("json");
  await page.goto("join");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await server.kill();
  await expect(page.goto("health")).rejects.toThrow(/ERR_/);
});

test("another version takes over, and what waits to be saved waits on", async ({ stranger, ends }) => {
  const page = await stranger();
  const proxy = await below(page, ends, "");
  const tasks = { title: "Water the plants", ...dueToday() };
  const token = await page.request.post(`${proxy.url}/v1/auth/refresh`, { data: {} });
  const headers = { authorization: `Bearer ${((await token.json()) as { access_token: string }).access_token}` };
  const call = async (type: string, data: object) => {
    const answer = await page.request.post(`${proxy.url}/v1/rpc`, { headers, data: { type, id: 1, data } });
    return ((await answer.json()) as { data: { id: string; completed: boolean } }).data;
  };
  const { id } = await call("task.create", tasks);
  await expect(page.getByRole("link", { name: tasks.title })).toBeVisible();
  await isKept(page);

  proxy.keepApiBack(true);
  await page.getByRole("checkbox", { name: "Complete “Water the plants”" }).click();
  await expect(page.getByText("1 change waits to be saved")).toBeVisible();
  proxy.isOther = true;
  const mark = page.locator(OTHER);
  // The page that is kept comes at once; then the worker finds the new one.
  await page.reload();
  await expect(page.getByText("A new version of the board is there")).toBeVisible({ timeout: 20_000 });
  await expect(mark).toHaveCount(0);
  await page.getByRole("button", { name: "Reload" }).click();
  await expect(mark).toHaveCount(1);
  await expect(page.getByText("1 change waits to be saved")).toBeVisible();
  proxy.keepApiBack(false);
  await expect.poll(async () => (await call("task.get", { id })).completed, { timeout: 30_000 }).toBe(true);
});
