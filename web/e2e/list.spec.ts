// A workspace as a list: rows are moved by pointer and keyboard, subtasks stand below their parents, long lists stay quick.

import type { Page } from "@playwright/test";
import { expectAccessible, PHONE } from "./support/accessible.js";
import { expect, test } from "./support/board.js";
import { drag, make, makeMany } from "./support/project.js";

const list = (page: Page) => page.getByRole("list", { name: "Tasks" });
const rows = (page: Page) => list(page).locator(".task-title");
const row = (page: Page, title: string) => list(page).getByRole("link", { name: title, exact: true });

test("a row is dragged, others see it, and it stays there", async ({ someone }) => {
  const [ada, ben] = await Promise.all([someone("Ada"), someone("Ben")]);
  const { id } = await ada.team("Orchard", ben);
  await make(ada.client, id, ["Apples", "Pears", "Plums"]);
  await Promise.all([ada.page.goto(`w/${id}/list`), ben.page.goto(`w/${id}/list`)]);
  await expect(rows(ben.page)).toHaveText(["Apples", "Pears", "Plums"]);
  await drag(ada.page, row(ada.page, "Plums"), row(ada.page, "Apples"), { y: 0 });
  await expect(ada.page.locator(".drop-line")).toBeVisible();
  await ada.page.mouse.up();
  for (const { page } of [ada, ben]) await expect(rows(page)).toHaveText(["Plums", "Apples", "Pears"]);
  expect(ada.page.url()).not.toContain("task=");
  await ada.page.reload();
  await expect(rows(ada.page)).toHaveText(["Plums", "Apples", "Pears"]);
});

test("what others do arrives during a drag, and Escape ends it", async ({ someone }) => {
  const { page, home, client } = await someone("Ada");
  const [apples] = await make(client, home, ["Apples", "Pears", "Plums"]);
  await page.goto(`w/${home}/list`);
  await drag(page, row(page, "Pears"), row(page, "Plums"), { y: 30 });
  await client.call("task.update", { id: apples!.id, title: "Green apples" });
  await make(client, home, ["Quinces"]);
  await expect(rows(page)).toHaveText(["Green apples", "Pears", "Plums", "Quinces"]);
  await expect(page.locator(".ghost")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.locator(".ghost, .drop-line")).toHaveCount(0);
  await page.mouse.up();
  await expect(rows(page)).toHaveText(["Green apples", "Pears", "Plums", "Quinces"]);
});

test("rows are walked, completed, opened and moved by the keyboard", async ({ someone }) => {
  const [ada, ben] = await Promise.all([someone("Ada"), someone("Ben")]);
  const { id } = await ada.team("Orchard", ben);
  await make(ada.client, id, ["Apples", "Pears", "Plums"]);
  await Promise.all([ada.page.goto(`w/${id}/list`), ben.page.goto(`w/${id}/list`)]);
  const { page } = ada;
  const { keyboard } = page;
  await row(page, "Apples").focus();
  await keyboard.press("ArrowDown");
  await expect(row(page, "Pears")).toBeFocused();
  await keyboard.press("Alt+ArrowUp");
  await expect(page.locator(".list-view [aria-live=assertive]")).toHaveText("Place 1 of 3");
  for (const one of [page, ben.page]) await expect(rows(one)).toHaveText(["Pears", "Apples", "Plums"]);
  await expect(row(page, "Pears")).toBeFocused();
  await keyboard.press("Alt+ArrowDown");
  await keyboard.press("Alt+ArrowDown");
  for (const one of [page, ben.page]) await expect(rows(one)).toHaveText(["Apples", "Plums", "Pears"]);
  await expect(row(page, "Pears")).toBeFocused();
  await keyboard.press("Home");
  await expect(row(page, "Apples")).toBeFocused();
  await keyboard.press(" ");
  await expect(rows(ben.page)).toHaveText(["Plums", "Pears"]);
  await expect(row(page, "Plums")).toBeFocused();
  await keyboard.press("Enter");
  await expect(page).toHaveURL(/task=/);
});

test("subtasks stand below their parents, close, and are dragged in and out", async ({ someone }) => {
  const { page, home, client } = await someone("Ada");
  const [apples] = await make(client, home, ["Apples", "Pears"]);
  const [red] = await make(client, home, ["Red"], { parent_id: apples!.id });
  await make(client, home, ["Dark red"], { parent_id: red!.id });
  await page.goto(`w/${home}/list`);
  await expect(rows(page)).toHaveText(["Apples", "Red", "Dark red", "Pears"]);
  await page.getByRole("button", { name: "Show what is below “Red”" }).click();
  await expect(rows(page)).toHaveText(["Apples", "Red", "Pears"]);
  await page.reload();
  await expect(rows(page)).toHaveText(["Apples", "Red", "Pears"]);
  await row(page, "Apples").focus();
  await page.keyboard.press("ArrowLeft");
  await expect(rows(page)).toHaveText(["Apples", "Pears"]);
  await page.keyboard.press("ArrowRight");
  await expect(rows(page)).toHaveText(["Apples", "Red", "Pears"]);

  await drag(page, row(page, "Pears"), row(page, "Red"), { y: 0 });
  await page.mouse.up();
  await expect(rows(page)).toHaveText(["Apples", "Pears", "Red"]);
  await expect.poll(async () => (await client.call("task.list", { workspace_id: home, parent_id: apples!.id })).data.items.length).toBe(2);
  await page.getByRole("button", { name: "Move “Pears”" }).click();
  await page.getByRole("button", { name: "Out of its parent" }).click();
  await page.keyboard.press("Escape");
  await expect(rows(page)).toHaveText(["Apples", "Red", "Pears"]);
});

test("the list is sorted and grouped, and a row is dragged to another stage", async ({ someone }) => {
  const { page, home, client } = await someone("Ada");
  await make(client, home, ["Apples"], { due_at: "2030-05-02T10:00:00Z" });
  await make(client, home, ["Pears"], { due_at: "2030-05-01T10:00:00Z", priority: "high" });
  await make(client, home, ["Fence"], { stage: "doing" });
  await page.goto(`w/${home}/list`);
  await page.getByLabel("Sort by").selectOption("due");
  await expect(rows(page)).toHaveText(["Pears", "Apples", "Fence"]);
  await page.getByLabel("Group by").selectOption("priority");
  await expect(list(page).getByRole("heading")).toHaveText([/^High 1|High1/, /^No priority 2|No priority2/]);
  await page.getByLabel("Sort by").selectOption("order");
  await page.getByLabel("Group by").selectOption("stage");
  await expect(list(page).getByRole("heading")).toHaveText([/^To do/, /^Doing/, /^Done/]);
  await drag(page, row(page, "Apples"), row(page, "Fence"), { y: 0 });
  await page.mouse.up();
  await expect(rows(page)).toHaveText(["Pears", "Apples", "Fence"]);
  await expect(page.getByText("Moved “Apples” to Doing")).toBeVisible();
  await page.getByRole("button", { name: /^To do/ }).click();
  await expect(rows(page)).toHaveText(["Apples", "Fence"]);
  await page.reload();
  await expect(rows(page)).toHaveText(["Apples", "Fence"]);
});

test("tasks are added one after the other, also in a group, and a draft is kept", async ({ someone }) => {
  const { page, home } = await someone("Ada");
  await page.goto(`w/${home}/list`);
  await expect(page.getByText("No tasks", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Add a task to the list" }).click();
  const input = page.getByRole("textbox", { name: "Add a task to the list" });
  await expect(input).toBeFocused();
  for (const title of ["Apples", "Pears"]) {
    await page.keyboard.type(title);
    await page.keyboard.press("Enter");
  }
  await expect(rows(page)).toHaveText(["Apples", "Pears"]);
  await page.keyboard.type("Half");
  await page.reload();
  await expect(input).toHaveValue("Half");
  await page.getByLabel("Group by").selectOption("stage");
  await page.getByRole("button", { name: "Add a task to Doing" }).click();
  await page.keyboard.type("Fence");
  await page.keyboard.press("Enter");
  await expect(rows(page)).toHaveText(["Apples", "Pears", "Fence"]);
});

test("completed tasks are shown when they are wanted", async ({ someone }) => {
  const { page, home, client } = await someone("Ada");
  await make(client, home, ["Apples"]);
  await make(client, home, ["Pears"], { stage: "done" });
  await page.goto(`w/${home}/list`);
  await expect(rows(page)).toHaveText(["Apples"]);
  await page.getByRole("button", { name: "Completed", exact: true }).click();
  await expect(rows(page)).toHaveText(["Apples", "Pears"]);
});

test("of a long list only what is seen is in the page, and its end is one key away", async ({ someone }) => {
  const { page, home, client } = await someone("Ada");
  await makeMany(client, home, 3_000);
  await page.goto(`w/${home}/list`);
  await expect(row(page, "Task 0001")).toBeVisible();
  expect(await rows(page).count()).toBeLessThan(80);
  await row(page, "Task 0001").focus();
  await page.keyboard.press("End");
  await expect(row(page, "Task 3000")).toBeFocused();
  await expect(row(page, "Task 3000")).toBeInViewport();
  await page.keyboard.press("ArrowUp");
  await expect(row(page, "Task 2999")).toBeFocused();
  await page.keyboard.press("Alt+ArrowUp");
  await expect(row(page, "Task 2999")).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(row(page, "Task 2998")).toBeFocused();
  expect(await rows(page).count()).toBeLessThan(80);
});

test("who only reads sees no ways to change", async ({ someone }) => {
  const [ada, ben] = await Promise.all([someone("Ada"), someone("Ben")]);
  const { id } = await ada.team("Orchard");
  await ada.client.call("member.add", { workspace_id: id, email: ben.email, role: "viewer" });
  await make(ada.client, id, ["Apples", "Pears"]);
  const { page } = ben;
  await page.goto(`w/${id}/list`);
  await expect(rows(page)).toHaveText(["Apples", "Pears"]);
  await expect(list(page).getByRole("button")).toHaveCount(0);
  await expect(page.getByRole("button", { name: /^Add a task/ })).toHaveCount(0);
  await expect(row(page, "Apples").locator("xpath=..").getByRole("checkbox")).toBeDisabled();
  await row(page, "Apples").focus();
  await page.keyboard.press("Alt+ArrowDown");
  await page.keyboard.press(" ");
  await expect(rows(page)).toHaveText(["Apples", "Pears"]);
});

test("the list is accessible, in light and in dark, and on a phone", async ({ someone }) => {
  const { page, home, client } = await someone("Ada", PHONE);
  const [apples] = await make(client, home, ["Apples", "Pears"], { priority: "urgent", tags: ["fruit"], due_at: "2020-01-01T10:00:00Z" });
  await make(client, home, ["Red"], { parent_id: apples!.id });
  await page.goto(`w/${home}/list`);
  await expect(row(page, "Red")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "More filters" }).tap();
  await page.getByLabel("Group by").selectOption("stage");
  await page.getByRole("button", { name: "Add a task to Doing" }).tap();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Move “Red”" }).tap();
  await expect(page.getByRole("dialog")).toBeVisible();
  await expectAccessible(page);
});
