// What is done without a connection, or while the server is gone, is done once when it comes back; what is refused is told.

import type { WebSocketRoute } from "@playwright/test";
import { expectAccessible } from "./support/accessible.js";
import { expect, test, type Someone } from "./support/board.js";

const addTask = async ({ page }: Someone, text: string) => {
  await page.keyboard.press("q");
  await page.getByRole("textbox", { name: "What is to be done" }).fill(text);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeHidden();
};

const titlesOf = async ({ client }: Someone, workspace_id: string) =>
  (await client.call("task.list", { workspace_id, sort: "created_at" })).data.items.map(({ title }) => title);

/** Waits until the page has loaded ahead what it needs when there is no server. */
const isLoadedAhead = async ({ page }: Someone) => {
  const loaded = () => performance.getEntriesByType("resource").filter(({ name }) => /(quick-add|changes)-/.test(name)).length;
  await expect.poll(() => page.evaluate(loaded)).toBe(2);
};

/** The bar of the connection. */
const barOf = ({ page }: Someone) => page.locator(".bar-place");

/** The way between a page and its server, which the test shuts: the page itself is loaded over it nevertheless, as from a cache. */
const wayOf = async ({ page }: Someone) => {
  let isShut = false;
  const sockets = new Set<WebSocketRoute>();
  await page.route("**/v1/**", (route) => (isShut ? route.abort() : route.continue()));
  await page.routeWebSocket(/\/v1\//, (socket) => {
    if (isShut) return void socket.close();
    socket.connectToServer();
    sockets.add(socket);
  });
  await page.reload();
  await expect(page.getByRole("navigation")).toBeVisible();
  return {
    async shut() {
      isShut = true;
      for (const socket of sockets) await socket.close();
      sockets.clear();
    },
    open() {
      isShut = false;
    },
  };
};

test("what is done while the server is dead reaches the others once it lives again", async ({ someone, server }) => {
  const ada = await someone("Ada");
  const grace = await someone("Grace");
  const team = await ada.team("Garden club", grace);
  await ada.page.getByRole("link", { name: "Garden club" }).click();
  await expect(grace.page.getByRole("link", { name: "Garden club" })).toBeVisible();
  await isLoadedAhead(ada);
  await server.kill();
  await expect(barOf(ada)).toContainText(/Offline since \d/);
  await addTask(ada, "Water the plants today");
  await addTask(ada, "Feed the hens today");
  await expect(barOf(ada)).toContainText("2 changes wait to be saved");
  await expectAccessible(ada.page);

  await barOf(ada).getByRole("button", { name: "Show them" }).click();
  const list = ada.page.getByRole("dialog", { name: "Changes" });
  await expect(list.getByText("Add “Water the plants”")).toBeVisible();
  await expect(list.getByText(/^Waiting/)).toHaveCount(2);
  await expectAccessible(ada.page);

  await server.start();
  await expect(list.getByText("All changes are saved.")).toBeVisible();
  await ada.page.keyboard.press("Escape");
  await expect(barOf(ada)).toBeEmpty();
  await expect(grace.page.getByRole("link", { name: "Water the plants" })).toBeVisible();
  await expect(grace.page.getByRole("link", { name: "Feed the hens" })).toHaveCount(1);
  expect(await titlesOf(ada, team.id)).toEqual(["Water the plants", "Feed the hens"]);
});

test("a change that is made offline outlasts a reload, and so does the time since when", async ({ someone }) => {
  const ada = await someone("Ada");
  const grace = await someone("Grace");
  const team = await ada.team("Garden club", grace);
  const { data: task } = await grace.client.call("task.create", {
    workspace_id: team.id,
    title: "Milk",
    due_at: new Date().toISOString(),
  });
  await expect(ada.page.getByRole("link", { name: "Milk" })).toBeVisible();
  const way = await wayOf(ada);
  await expect(ada.page.getByRole("link", { name: "Milk" })).toBeVisible();
  await way.shut();
  await expect(barOf(ada)).toContainText("Offline since");
  await ada.page.getByRole("checkbox", { name: "Complete “Milk”" }).click();
  await expect(barOf(ada)).toContainText("1 change waits to be saved");
  const since = await barOf(ada).getByText(/^Offline since/).textContent();

  await ada.page.reload();
  await expect(barOf(ada)).toContainText("1 change waits to be saved");
  await expect(barOf(ada).getByText(since!)).toBeVisible();
  await expect(ada.page.getByRole("link", { name: "Milk" })).toBeHidden();
  expect((await grace.client.call("task.get", { id: task.id })).data.completed).toBe(false);

  way.open();
  await barOf(ada).getByRole("button", { name: "Connect now" }).click();
  await expect(barOf(ada)).toBeEmpty();
  await expect.poll(async () => (await grace.client.call("task.get", { id: task.id })).data.completed).toBe(true);
});

test("a change that is refused is told with its reason, tried again, and discarded", async ({ someone }) => {
  const ada = await someone("Ada");
  const grace = await someone("Grace");
  const team = await grace.team("Garden club", ada);
  const due_at = new Date().toISOString();
  for (const title of ["Milk", "Bread"]) await grace.client.call("task.create", { workspace_id: team.id, title, due_at });
  const { page } = ada;
  await expect(page.getByRole("link", { name: "Bread" })).toBeVisible();
  const { items } = (await grace.client.call("member.list", { workspace_id: team.id })).data;
  const user_id = items.find(({ user }) => user.name === "Ada")!.user.id;
  const may = (role: "viewer" | "member") => grace.client.call("member.update", { workspace_id: team.id, user_id, role });

  const way = await wayOf(ada);
  await expect(page.getByRole("link", { name: "Bread" })).toBeVisible();
  await way.shut();
  await expect(barOf(ada)).toContainText("Offline since");
  await page.getByRole("checkbox", { name: "Complete “Milk”" }).click();
  await page.getByRole("checkbox", { name: "Complete “Bread”" }).click();
  await expect(barOf(ada)).toContainText("2 changes wait");
  await may("viewer");
  way.open();
  await expect(barOf(ada)).toContainText("2 changes were refused");
  await expect(page.getByRole("link", { name: "Milk" }), "it is shown as it is").toBeVisible();

  await barOf(ada).getByRole("button", { name: "Show them" }).click();
  const list = page.getByRole("dialog", { name: "Changes" });
  await expect(list.getByText("Complete “Milk”", { exact: true })).toBeVisible();
  await expect(list.getByText(/^Refused: ./)).toHaveCount(2);
  await expectAccessible(page);

  await list.getByRole("button", { name: "Try again: Complete “Milk”" }).click();
  await expect(list.getByText(/^Refused: ./), "it is refused again").toHaveCount(2);
  await may("member");
  await list.getByRole("button", { name: "Try again: Complete “Milk”" }).click();
  await expect(list.getByText(/^Refused: ./)).toHaveCount(1);
  await list.getByRole("button", { name: "Discard: Complete “Bread”" }).click();
  await expect(list.getByText("All changes are saved.")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(barOf(ada)).toBeEmpty();
  await expect(page.getByRole("link", { name: "Milk" })).toBeHidden();
  await expect(page.getByRole("link", { name: "Bread" })).toBeVisible();
});
