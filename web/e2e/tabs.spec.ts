// Two tabs of one browser share one connection, one store and one queue.

import { expect, test } from "./support/board.js";

test("what is done in one tab is in the other, also after the first is closed", async ({ someone }) => {
  const ada = await someone("Ada");
  const sockets: string[] = [];
  const other = await ada.page.context().newPage();
  other.on("websocket", (socket) => sockets.push(socket.url()));
  await other.goto("today");
  const due_at = new Date().toISOString();
  const { data: task } = await ada.client.call("task.create", { title: "Feed the cat", due_at });
  for (const page of [ada.page, other]) await expect(page.getByRole("link", { name: "Feed the cat" })).toBeVisible();
  expect(sockets).toEqual([]);

  await other.getByRole("checkbox", { name: /Feed the cat/ }).click();
  await expect(ada.page.getByRole("link", { name: "Feed the cat" })).toBeHidden();
  await expect.poll(async () => (await ada.client.call("task.get", { id: task.id })).data.completed).toBe(true);

  await ada.page.close();
  await ada.client.call("task.create", { title: "Feed the dog", due_at });
  await expect(other.getByRole("link", { name: "Feed the dog" })).toBeVisible();
  expect(sockets).toHaveLength(1);
});

test("signing out in one tab signs out the other", async ({ someone }) => {
  const ada = await someone("Ada");
  const other = await ada.page.context().newPage();
  await other.goto("today");
  await expect(other.getByRole("navigation", { name: "Navigation" })).toBeVisible();
  await ada.page.getByRole("button", { name: "Ada" }).click();
  await ada.page.getByRole("menuitem", { name: "Sign out" }).click();
  for (const page of [ada.page, other]) await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
});
