// The calendar: a month by the person's zone; moved by pointer and keys; live; a list of days on phones.

import { expect, test, type Someone } from "./support/board.js";
import { expectAccessible, PHONE } from "./support/accessible.js";
import { onDay } from "./support/days.js";

const dayOf = ({ page }: Someone, day: string) => page.locator(`[data-day="${day}"]`);
const at = (workspace: string, month = "2027-03", project?: string) =>
  `w/${workspace}${project ? `/p/${project}` : ""}/calendar?month=${month}`;

const make = (who: Someone, workspace_id: string, title: string, more: object) =>
  who.client.call("task.create", { title, workspace_id, ...more }).then(({ data }) => data);

test("tasks are on their days in the person's zone, weeks begin on Monday, and the address has the month", async ({ someone }) => {
  const ada = await someone("Ada");
  const team = await ada.team("Orchard");
  await ada.client.call("profile.update", { timezone: "Asia/Tokyo" });
  await make(ada, team.id, "Late in Europe", { due_at: "2027-03-04T20:00:00Z" });
  await make(ada, team.id, "The whole day", onDay("2027-03-04"));
  await ada.page.goto(at(team.id));
  await expect(dayOf(ada, "2027-03-05").getByRole("link", { name: /Late in Europe/ })).toContainText(/\b0?5:00/);
  await expect(dayOf(ada, "2027-03-04").getByRole("link", { name: "The whole day" })).toBeVisible();
  await expect(ada.page.locator("thead th").first()).toHaveText("Mon");
  await expect(ada.page.getByRole("heading", { name: "March 2027" })).toBeVisible();
  await ada.page.getByRole("button", { name: "Next month" }).click();
  await expect(ada.page).toHaveURL(/month=2027-04$/);
  await expect(ada.page.getByRole("heading", { name: "April 2027" })).toBeVisible();
  await ada.page.getByRole("button", { name: "Today" }).click();
  await expect(ada.page.locator('[aria-current="date"]')).toBeVisible();
});

test("weeks begin on Sunday where they do", async ({ someone }) => {
  const ada = await someone("Ada", { locale: "en-US" });
  await ada.page.goto(at(ada.home));
  await expect(ada.page.locator("thead th").first()).toHaveText("Sun");
});

test("a project shows its own tasks; a full day opens with all of them, and takes another one", async ({ someone }) => {
  const ada = await someone("Ada");
  const team = await ada.team("Orchard");
  const { data: project } = await ada.client.call("project.create", { workspace_id: team.id, name: "Harvest" });
  for (let i = 0; i < 6; i++) await make(ada, team.id, `Pick ${i}`, { project_id: project.id, ...onDay("2027-03-10") });
  await make(ada, team.id, "Elsewhere", onDay("2027-03-11"));
  await ada.page.goto(at(team.id, "2027-03", project.id));
  await expect(dayOf(ada, "2027-03-10").getByRole("link")).toHaveCount(3);
  await expect(ada.page.getByRole("link", { name: "Elsewhere" })).toHaveCount(0);
  await ada.page.getByRole("button", { name: /^\+3 more/ }).click();
  const dialog = ada.page.getByRole("dialog", { name: /^Wednesday,? 10 March 2027$/ });
  await expect(dialog.locator(".task-title")).toHaveCount(6);
  await dialog.getByRole("textbox").fill("Pick 6");
  await ada.page.keyboard.press("Enter");
  await expect(dialog.locator(".task-title")).toHaveCount(7);
  await expectAccessible(ada.page);
  await ada.page.keyboard.press("Escape");
  await expect(ada.page.getByRole("button", { name: /^\+4 more/ })).toBeFocused();
  const { data } = await ada.client.call("task.list", { workspace_id: team.id, project_id: project.id });
  expect(data.items.find(({ title }) => title === "Pick 6")).toMatchObject({ all_day: true, due_at: expect.stringContaining("2027-03-10") });
});

test("a task is dragged to another day; a click still opens it", async ({ someone }) => {
  const ada = await someone("Ada");
  const task = await make(ada, ada.home, "Drag me", { due_at: "2027-03-10T09:30:00Z" });
  await ada.page.goto(at(ada.home));
  const chip = ada.page.getByRole("link", { name: "Drag me" });
  await chip.hover();
  await ada.page.mouse.down();
  await dayOf(ada, "2027-03-18").hover();
  await expect(dayOf(ada, "2027-03-18")).toHaveClass(/drop-here/);
  await ada.page.mouse.up();
  await expect(dayOf(ada, "2027-03-18").getByRole("link", { name: "Drag me" })).toBeVisible();
  await expect(ada.page).toHaveURL(/month=2027-03$/);
  await expect.poll(async () => (await ada.client.call("task.get", { id: task.id })).data.due_at).toContain("2027-03-18T09:30");
  await chip.click();
  await expect(ada.page).toHaveURL(new RegExp(`month=2027-03&task=${task.id}`));
});

test("Escape ends a drag", async ({ someone }) => {
  const ada = await someone("Ada");
  await make(ada, ada.home, "Drag me", onDay("2027-03-10"));
  await ada.page.goto(at(ada.home));
  await ada.page.getByRole("link", { name: "Drag me" }).hover();
  await ada.page.mouse.down();
  await dayOf(ada, "2027-03-18").hover();
  await ada.page.keyboard.press("Escape");
  await ada.page.mouse.up();
  await expect(dayOf(ada, "2027-03-10").getByRole("link", { name: "Drag me" })).toBeVisible();
  await expect(ada.page.locator(".ghost")).toHaveCount(0);
});

test("by keyboard: from day to day, over the end of the month, and tasks with them", async ({ someone }) => {
  const ada = await someone("Ada");
  await make(ada, ada.home, "Move me", onDay("2027-03-10"));
  await ada.page.goto(at(ada.home));
  const number = (day: string) => dayOf(ada, day).locator(".day-number");
  await number("2027-03-01").focus();
  for (const [key, day] of [["ArrowRight", "2027-03-02"], ["ArrowDown", "2027-03-09"], ["PageDown", "2027-04-09"], ["PageUp", "2027-03-09"], ["ArrowUp", "2027-03-02"], ["ArrowUp", "2027-02-23"]] as const) {
    await ada.page.keyboard.press(key);
    await expect(number(day)).toBeFocused();
  }
  await ada.page.keyboard.press("PageDown");
  await expect(number("2027-03-23")).toBeFocused();
  const chip = ada.page.getByRole("link", { name: "Move me" });
  await chip.focus();
  for (const [key, day] of [["Shift+ArrowRight", "2027-03-11"], ["Shift+ArrowDown", "2027-03-18"], ["Shift+ArrowLeft", "2027-03-17"], ["Shift+ArrowUp", "2027-03-10"]] as const) {
    await ada.page.keyboard.press(key);
    await expect(dayOf(ada, day).getByRole("link", { name: "Move me" })).toBeFocused();
  }
});

test("what another person moves goes to its day", async ({ someone }) => {
  const [ada, ben] = [await someone("Ada"), await someone("Ben")];
  const team = await ada.team("Orchard", ben);
  const task = await make(ada, team.id, "Shared", onDay("2027-03-10"));
  await ada.page.goto(at(team.id));
  await expect(dayOf(ada, "2027-03-10").getByRole("link", { name: "Shared" })).toBeVisible();
  await ben.client.call("task.update", { id: task.id, ...onDay("2027-03-20") });
  await expect(dayOf(ada, "2027-03-20").getByRole("link", { name: "Shared" })).toBeVisible();
  await ben.client.call("task.delete", { id: task.id });
  await expect(ada.page.getByRole("link", { name: "Shared" })).toHaveCount(0);
});

test("is accessible at a desk", async ({ someone }) => {
  const ada = await someone("Ada");
  for (let i = 0; i < 6; i++) await make(ada, ada.home, `A task with a long title ${i}`, { due_at: "2027-03-10T09:30:00Z" });
  await ada.page.goto(at(ada.home));
  await expect(ada.page.getByRole("button", { name: /^\+3 more/ })).toBeVisible();
  await expectAccessible(ada.page);
});

test("is a list of days on a phone, accessible, and takes new tasks", async ({ someone }) => {
  const ada = await someone("Ada", PHONE);
  await make(ada, ada.home, "A task with a long title for so small a phone", { due_at: "2027-03-10T09:30:00Z" });
  await ada.page.goto(at(ada.home));
  await expect(dayOf(ada, "2027-03-10").getByRole("link", { name: /A task/ })).toBeVisible();
  await expect(ada.page.getByRole("table")).toHaveCount(0);
  await expectAccessible(ada.page);
  await dayOf(ada, "2027-03-02").getByRole("button", { name: /Add a task/ }).tap();
  await ada.page.getByRole("dialog").getByRole("textbox").fill("Small");
  await ada.page.keyboard.press("Enter");
  await ada.page.getByRole("button", { name: "Close" }).first().tap();
  await expect(dayOf(ada, "2027-03-02").getByRole("link", { name: "Small" })).toBeVisible();
});
