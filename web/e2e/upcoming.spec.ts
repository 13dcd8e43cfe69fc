// Upcoming and my tasks: by day, by project, by due date; live, moved by pointer and keys, on a phone.

import { expect, test, type Someone } from "./support/board.js";
import { expectAccessible, PHONE } from "./support/accessible.js";
import { day, due, onDay } from "./support/days.js";

const dayOf = ({ page }: Someone, distance: number) => page.locator(`[data-day="${day(distance)}"]`);

test("tasks are on their days, overdue ones on top and later ones at the end", async ({ someone }) => {
  const ada = await someone("Ada");
  for (const [title, distance] of [["Late", -3], ["Now", 0], ["In three", 3], ["In a year", 365]] as const)
    await ada.client.call("task.create", { title, ...due(distance) });
  await ada.page.goto("upcoming");
  await expect(dayOf(ada, 0).getByRole("link", { name: "Now" })).toBeVisible();
  await expect(dayOf(ada, 3).getByRole("link", { name: "In three" })).toBeVisible();
  const heads = ada.page.locator(".task-group h2");
  await expect(heads).toHaveCount(30);
  await expect(heads.first()).toContainText("Overdue");
  await expect(heads.nth(1)).toContainText("Today");
  await expect(heads.last()).toContainText("Later");
});

test("a heading stays visible while its tasks scroll", async ({ someone }) => {
  const ada = await someone("Ada");
  await ada.client.call("batch", {
    ops: Array.from({ length: 60 }, (_, i) => ({ type: "task.create" as const, data: { title: `T${i}`, ...due(1) } })),
  });
  await ada.page.goto("upcoming");
  await expect(dayOf(ada, 1).getByRole("heading")).toContainText("60");
  await ada.page.locator("main").evaluate((main) => main.scrollTo(0, 900));
  await expect(dayOf(ada, 1).getByRole("heading")).toBeInViewport();
});

test("a task is dragged to another day, and its time stays", async ({ someone }) => {
  const ada = await someone("Ada");
  const { data: task } = await ada.client.call("task.create", { title: "Drag me", due_at: `${day(1)}T09:30:00.000Z` });
  await ada.page.goto("upcoming");
  await dayOf(ada, 1).getByRole("link", { name: "Drag me" }).hover();
  await ada.page.mouse.down();
  await dayOf(ada, 4).getByRole("heading").hover();
  await dayOf(ada, 4).getByRole("heading").hover({ position: { x: 40, y: 8 } });
  await ada.page.mouse.up();
  await expect(dayOf(ada, 4).getByRole("link", { name: "Drag me" })).toBeVisible();
  await expect(ada.page).toHaveURL(/upcoming$/);
  await expect.poll(async () => (await ada.client.call("task.get", { id: task.id })).data.due_at).toContain(`${day(4)}T09:30`);
  await ada.page.getByRole("button", { name: "Undo" }).click();
  await expect(dayOf(ada, 1).getByRole("link", { name: "Drag me" })).toBeVisible();
});

test("by keyboard a task goes to the next day with the focus on it, and one is added", async ({ someone }) => {
  const ada = await someone("Ada");
  await ada.client.call("task.create", { title: "Move me", ...due(1) });
  await ada.page.goto("upcoming");
  const link = ada.page.getByRole("link", { name: "Move me" });
  await link.focus();
  await ada.page.keyboard.press("Shift+ArrowRight");
  await expect(dayOf(ada, 2).getByRole("link", { name: "Move me" })).toBeFocused();
  await ada.page.keyboard.press("Shift+ArrowRight");
  await expect(dayOf(ada, 3).getByRole("link", { name: "Move me" })).toBeFocused();
  await dayOf(ada, 5).getByRole("button", { name: /Add a task on/ }).focus();
  await ada.page.keyboard.press("Enter");
  await expect(dayOf(ada, 5).getByRole("textbox")).toBeFocused();
  await ada.page.keyboard.type("Bake bread");
  await ada.page.keyboard.press("Enter");
  await expect(dayOf(ada, 5).getByRole("link", { name: "Bake bread" })).toBeVisible();
  await ada.page.keyboard.press("Escape");
  await expect(dayOf(ada, 5).getByRole("button", { name: /Add a task on/ })).toBeFocused();
});

test("what another person moves goes to its day", async ({ someone }) => {
  const [ada, ben] = [await someone("Ada"), await someone("Ben")];
  const team = await ada.team("Orchard", ben);
  const { data: task } = await ada.client.call("task.create", { title: "Shared", workspace_id: team.id, ...due(2) });
  await ada.page.goto("upcoming");
  await expect(dayOf(ada, 2).getByRole("link", { name: "Shared" })).toBeVisible();
  await ben.client.call("task.update", { id: task.id, ...onDay(day(6)) });
  await expect(dayOf(ada, 6).getByRole("link", { name: "Shared" })).toBeVisible();
  await expect(dayOf(ada, 2).getByRole("link", { name: "Shared" })).toHaveCount(0);
});

test("my tasks of all workspaces are grouped by project or by due date, and follow who assigns them", async ({ someone }) => {
  const [ada, ben] = [await someone("Ada"), await someone("Ben")];
  const team = await ben.team("Orchard", ada);
  const { data: project } = await ben.client.call("project.create", { workspace_id: team.id, name: "Harvest" });
  const me = (await ada.client.call("user.sync", {})).data.user.id;
  await ada.page.goto("mine");
  await expect(ada.page.getByRole("heading", { name: "Nothing is assigned to you" })).toBeVisible();
  const data = { workspace_id: team.id, assignee_ids: [me] };
  const { data: task } = await ben.client.call("task.create", { title: "Pick", project_id: project.id, ...data, ...due(0) });
  await ben.client.call("task.create", { title: "Sell", ...data });
  await expect(ada.page.locator(".task-group h2")).toContainText(["Orchard", "Orchard · Harvest"]);
  await ada.page.getByRole("button", { name: "Due date" }).click();
  await expect(ada.page.locator(".task-group h2")).toContainText(["Today", "No date"]);
  await ada.page.reload();
  await expect(ada.page.locator(".task-group h2")).toContainText(["Today", "No date"]);
  await expectAccessible(ada.page);
  await ben.client.call("task.assign", { id: task.id, remove: [me] });
  await expect(ada.page.getByRole("link", { name: "Pick" })).toHaveCount(0);
});

for (const [size, options] of [["desk", {}], ["phone", PHONE]] as const)
  test(`is accessible at a ${size}`, async ({ someone }) => {
    const ada = await someone("Ada", options);
    for (const distance of [-1, 0, 2, 60]) await ada.client.call("task.create", { title: `In ${distance} days, with quite a long title`, tags: ["home"], ...due(distance) });
    await ada.page.goto("upcoming");
    await dayOf(ada, 2).getByRole("button", { name: /Add a task on/ }).click();
    await expectAccessible(ada.page);
    await ada.page.goto("mine");
    await expect(ada.page.getByRole("heading", { name: "Nothing is assigned to you" })).toBeVisible();
    await expectAccessible(ada.page);
  });
