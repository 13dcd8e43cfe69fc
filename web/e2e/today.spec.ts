// Today: what is overdue, what is due, what is done; live, by keyboard, on a phone.

import { expect, test } from "./support/board.js";
import { expectAccessible, PHONE } from "./support/accessible.js";
import { day, due } from "./support/days.js";

test("overdue tasks come first, are moved to today together, and go back by undo", async ({ someone }) => {
  const { page, client } = await someone("Ada");
  for (const [title, distance] of [["Oldest", -9], ["Old", -2], ["Now", 0], ["Then", 1]] as const)
    await client.call("task.create", { title, ...due(distance) });
  const at = `${day(-1)}T15:00:00.000Z`;
  const { data: timed } = await client.call("task.create", { title: "At three", due_at: at });
  const overdue = page.locator(".task-group", { has: page.getByRole("heading", { name: /Overdue/ }) });
  await expect(overdue.locator(".task-title")).toHaveText(["Oldest", "Old", "At three"]);
  await expect(page.getByRole("link", { name: "Then" })).toHaveCount(0);
  await expect(page.getByRole("navigation").getByRole("link", { name: /^Today/ })).toContainText("4");

  await page.getByRole("button", { name: "Move all to today" }).click();
  await expect(overdue).toHaveCount(0);
  await expect(page.getByText("Moved 3 tasks to today")).toBeVisible();
  const due_at = async () => (await client.call("task.get", { id: timed.id })).data.due_at;
  await expect.poll(async () => Date.parse((await due_at())!)).toBe(Date.parse(`${day(0)}T15:00:00.000Z`));

  await page.getByRole("button", { name: "Undo" }).click();
  await expect(overdue.locator(".task-title")).toHaveText(["Oldest", "Old", "At three"]);
  await expect.poll(async () => Date.parse((await due_at())!)).toBe(Date.parse(at));
});

test("undo leaves what somebody has changed since, and says so", async ({ someone }) => {
  const { page, client } = await someone("Ada");
  const { data: one } = await client.call("task.create", { title: "One", ...due(-1) });
  await client.call("task.create", { title: "Two", ...due(-1) });
  await page.getByRole("button", { name: "Move all to today" }).click();
  await expect.poll(async () => (await client.call("task.get", { id: one.id })).data.due_at).toContain(day(0));
  await client.call("task.update", { id: one.id, ...due(3) });
  await expect(page.getByRole("link", { name: "One", exact: true })).toHaveCount(0);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByText("1 task was changed since, and stayed")).toBeVisible();
  await expect(page.getByRole("heading", { name: /Overdue/ })).toContainText("1");
  expect((await client.call("task.get", { id: one.id })).data.due_at).toContain(day(3));
});

test("what another person does shows at once, is announced, and takes no focus", async ({ someone }) => {
  const [ada, ben] = [await someone("Ada"), await someone("Ben")];
  const team = await ada.team("Orchard", ben);
  const make = (title: string) => ben.client.call("task.create", { title, workspace_id: team.id, ...due(0) });
  const { data: mine } = await ada.client.call("task.create", { title: "Mine", workspace_id: team.id, ...due(0) });
  await ada.page.getByRole("link", { name: "Mine" }).focus();
  const { data: first } = await make("From Ben");
  await make("Another");
  await expect(ada.page.getByRole("link", { name: "From Ben" })).toBeVisible();
  await expect(ada.page.locator('[data-part="announcer"]')).toHaveText(/^\d changes? by others$/);
  await expect(ada.page.getByRole("link", { name: "Mine" })).toBeFocused();
  await ben.client.call("task.complete", { id: first.id, completed: true });
  await expect(ada.page.getByRole("link", { name: "From Ben" })).toHaveCount(0);
  await ben.client.call("task.delete", { id: mine.id });
  await expect(ada.page.getByRole("link", { name: "Another" })).toBeFocused();
});

test("by keyboard: completed tasks go to the end, and the focus to the next one", async ({ someone }) => {
  const { page, client } = await someone("Ada");
  for (const title of ["First", "Second", "Third"]) await client.call("task.create", { title, ...due(0) });
  await expect(page.getByRole("link", { name: "Third" })).toBeVisible();
  const box = (title: string) => page.getByRole("checkbox", { name: `Complete “${title}”` });
  await box("First").focus();
  await page.keyboard.press("Space");
  await expect(box("Second")).toBeFocused();
  await page.keyboard.press("Space");
  await expect(box("Third")).toBeFocused();
  await page.keyboard.press("Space");
  await expect(page.getByRole("heading", { name: "All done for today" })).toBeVisible();
  await expect(page.locator("main")).toBeFocused();
  const folded = page.getByRole("button", { name: /Completed today/ });
  await expect(folded).toHaveAttribute("aria-expanded", "false");
  await folded.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("checkbox", { name: "Reopen “Second”" }).focus();
  await page.keyboard.press("Enter");
  await expect(box("Second")).toBeVisible();
});

test("thousands of tasks scroll, and only those that are seen are in the page", async ({ someone }) => {
  const { page, client } = await someone("Ada");
  const make = (i: number) => ({ type: "task.create" as const, data: { title: `Task ${String(i).padStart(4, "0")}`, ...due(i % 2 ? 0 : -1) } });
  for (let at = 0; at < 1_000; at += 100)
    await client.call("batch", { ops: Array.from({ length: 100 }, (_, i) => make(at + i)) });
  await expect(page.getByRole("heading", { name: /Overdue/ })).toContainText("500");
  await expect(page.getByRole("link", { name: "Task 0000" })).toBeVisible();
  expect(await page.locator(".task-row").count()).toBeLessThan(120);
  await page.locator("main").evaluate((main) => main.scrollTo(0, main.scrollHeight));
  await expect(page.getByRole("link", { name: "Task 0999" })).toBeVisible();
  await page.locator("main").evaluate((main) => main.scrollTo(0, 0));
  await page.getByRole("button", { name: "Move all to today" }).click();
  await expect(page.getByRole("heading", { name: "Overdue" })).toHaveCount(0);
  await expect(page.locator(".task-row").first()).toBeVisible();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByRole("heading", { name: /Overdue/ })).toContainText("500");
});

for (const [size, options] of [["desk", {}], ["phone", PHONE]] as const)
  test(`is accessible at a ${size}, empty and full`, async ({ someone }) => {
    const { page, client } = await someone("Ada", options);
    await expect(page.getByRole("heading", { name: "All done for today" })).toBeVisible();
    await expectAccessible(page);
    for (const distance of [-1, 0]) await client.call("task.create", { title: `Due ${distance}, with quite a long title`, tags: ["home"], ...due(distance) });
    const { data: done } = await client.call("task.create", { title: "Done" });
    await client.call("task.complete", { id: done.id, completed: true });
    await page.getByRole("button", { name: /Completed today/ }).click();
    await expect(page.getByRole("link", { name: "Done" })).toBeVisible();
    await expectAccessible(page);
  });
