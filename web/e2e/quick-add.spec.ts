// Quick add: a line of text becomes a task, is completed and taken back as one types, and lasts over a reload.

import { expectAccessible } from "./support/accessible.js";
import { expect, test, type Someone } from "./support/board.js";

const openQuickAdd = async ({ page }: Someone) => {
  await page.keyboard.press("q");
  const line = page.getByRole("textbox", { name: "What is to be done" });
  await expect(line).toBeFocused();
  return line;
};

/** The only task of a workspace. */
const onlyTask = async ({ client }: Someone, workspace_id: string) => {
  const { data } = await client.call("task.list", { workspace_id });
  expect(data.items).toHaveLength(1);
  return data.items[0]!;
};

/** The next day of the week with this number, after today, in UTC: the zone of the accounts of tests. */
const next = (weekday: number): string => {
  const day = new Date(Date.now() + 86_400_000);
  while (day.getUTCDay() !== weekday) day.setUTCDate(day.getUTCDate() + 1);
  return day.toISOString().slice(0, 10);
};

test("a line says all of a task, and the chips say what was understood", async ({ someone }) => {
  const ada = await someone("Ada");
  const { page, client, home } = ada;
  const username = (await client.call("member.list", { workspace_id: home })).data.items[0]!.user.username;
  const { data: project } = await client.call("project.create", { workspace_id: home, name: "Home" });
  await expect(page.getByRole("link", { name: "Home" })).toBeVisible();
  const line = await openQuickAdd(ada);
  await line.pressSequentially(`pay rent friday 9am every month #home !high @${username} #bills`);
  const chips = page.getByRole("list", { name: "What the line says" });
  for (const chip of [/^Due .*9:00/, /^Every month/, /^In Home/, /^High/, /^Ada/, /^#bills/])
    await expect(chips.getByRole("button", { name: chip })).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(page.getByText("Added “pay rent”")).toBeVisible();
  await expect.poll(async () => (await client.call("task.list", { workspace_id: home })).data.items.length).toBe(1);
  const task = await onlyTask(ada, home);
  expect(task).toMatchObject({
    title: "pay rent",
    priority: "high",
    project_id: project.id,
    recurrence: "FREQ=MONTHLY",
    tags: ["bills"],
    all_day: false,
  });
  expect(task.due_at).toBe(`${new Date(task.due_at!).toISOString().slice(0, 10)}T09:00:00.000Z`);
  expect(new Date(task.due_at!).getUTCDay()).toBe(5);
  expect(task.assignee_ids).toHaveLength(1);
});

test("what was understood is text again by Backspace, or when its chip is pressed", async ({ someone }) => {
  const ada = await someone("Ada");
  const { page, client, home } = ada;
  const line = await openQuickAdd(ada);
  await line.pressSequentially("Black friday");
  const chip = page.getByRole("button", { name: /^Due/ });
  await expect(chip).toBeVisible();
  await page.keyboard.press("Backspace");
  await expect(line).toHaveValue("Black friday");
  await expect(chip).toBeHidden();
  await line.pressSequentially(" sale tomorrow #shop");
  await page.getByRole("button", { name: /^#shop/ }).click();
  await expect(line).toBeFocused();
  await expect(page.getByRole("button", { name: /^#shop/ })).toBeHidden();
  await line.press("Enter");
  await expect.poll(async () => (await client.call("task.list", { workspace_id: home })).data.items.length).toBe(1);
  const task = await onlyTask(ada, home);
  expect(task).toMatchObject({ title: "Black friday sale #shop", all_day: true, tags: [] });
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  expect(task.due_at!.slice(0, 10) >= tomorrow).toBe(true);
});

test("names behind signs are completed by keyboard and by pointer", async ({ someone }) => {
  const ada = await someone("Ada");
  const grace = await someone("Grace");
  const { page, client } = ada;
  const team = await ada.team("Garden club", grace);
  await client.call("project.create", { workspace_id: team.id, name: "Summer fair" });
  await page.goto(`w/${team.id}/list`);
  await expect(page.getByRole("link", { name: "Summer fair" })).toBeVisible();
  const line = await openQuickAdd(ada);
  await expect(page.getByRole("combobox", { name: "Workspace" })).toHaveValue(team.id);
  await line.pressSequentially("Print posters #fai");
  const options = page.getByRole("listbox", { name: "Suggestions" });
  await expect(options.getByRole("option", { name: /Summer fair/ })).toHaveAttribute("aria-selected", "true");
  await expectAccessible(page);
  await page.keyboard.press("Tab");
  await expect(line).toHaveValue('Print posters #"Summer fair" ');
  await line.pressSequentially("@gra");
  await options.getByRole("option", { name: /Grace/ }).click();
  await expect(page.getByRole("button", { name: /^Grace/ })).toBeVisible();
  await line.pressSequentially("!");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: /^High/ })).toBeVisible();
  await line.pressSequentially("#");
  await page.keyboard.press("Escape");
  await expect(options).toBeHidden();
  await expect(page.getByRole("dialog"), "Escape closed the suggestions, not the dialog").toBeVisible();
  await page.keyboard.press("Backspace");
  await page.keyboard.press("Enter");
  await expect.poll(async () => (await client.call("task.list", { workspace_id: team.id })).data.items.length).toBe(1);
  const task = await onlyTask(ada, team.id);
  expect(task).toMatchObject({ title: "Print posters", priority: "high", tags: [] });
  expect(task.project_id).not.toBeNull();
  expect(task.assignee_ids).toHaveLength(1);
});

test("Ctrl-Enter keeps the dialog for the next task, also in the project that is shown", async ({ someone }) => {
  const ada = await someone("Ada");
  const { page, client, home } = ada;
  const { data: project } = await client.call("project.create", { workspace_id: home, name: "Harvest" });
  await page.goto(`w/${home}/p/${project.id}/list`);
  await expect(page.getByRole("link", { name: "Harvest" }).first()).toBeVisible();
  const line = await openQuickAdd(ada);
  await line.pressSequentially("Pick apples");
  await page.keyboard.press("Control+Enter");
  await expect(line).toHaveValue("");
  await expect(line).toBeFocused();
  await page.getByRole("button", { name: "In Harvest. Do not add it to this project" }).click();
  await line.pressSequentially("Call Ben every friday");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect.poll(async () => (await client.call("task.list", { workspace_id: home })).data.items.length).toBe(2);
  const { items } = (await client.call("task.list", { workspace_id: home, sort: "created_at" })).data;
  expect(items.map(({ title, project_id }) => [title, project_id])).toEqual([
    ["Pick apples", project.id],
    ["Call Ben", null],
  ]);
  expect(items[1]!.due_at!.slice(0, 10)).toBe(next(5));
});

test("what is typed and taken back lasts over a reload, and is gone once it is added", async ({ someone }) => {
  const ada = await someone("Ada");
  const { page } = ada;
  await (await openQuickAdd(ada)).pressSequentially("Black friday sale");
  await page.getByRole("button", { name: /^Due/ }).click();
  await page.reload();
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  const line = await openQuickAdd(ada);
  await expect(line).toHaveValue("Black friday sale");
  await expect(page.getByRole("button", { name: /^Due/ })).toBeHidden();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(await openQuickAdd(ada)).toHaveValue("");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toHaveText("Write what is to be done, not only when.");
});

test("a task is added on a phone by touch, and nothing is wider than the screen", async ({ someone }) => {
  const { page } = await someone("Ada", { hasTouch: true });
  await page.setViewportSize({ width: 360, height: 740 });
  await page.getByRole("banner").getByRole("button", { name: "New task" }).tap();
  const line = page.getByRole("textbox", { name: "What is to be done" });
  await line.fill("Water the plants in the whole garden and in the house tomorrow every week #garden !urgent");
  await page.getByText("What you can write").tap();
  await expectAccessible(page);
  const dialog = page.getByRole("dialog");
  expect(await dialog.evaluate((element) => element.scrollWidth - element.clientWidth)).toBeLessThanOrEqual(0);
  await page.getByRole("button", { name: "Add", exact: true }).tap();
  await expect(page.getByText(/^Added “Water the plants/)).toBeVisible();
});
