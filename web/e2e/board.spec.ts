// A workspace as a board: cards are dragged by pointer and keyboard, others see it, and what they do disturbs no drag.

import type { Page } from "@playwright/test";
import { expect, test } from "./support/board.js";
import { expectAccessible, PHONE } from "./support/accessible.js";
import { drag, make, makeMany } from "./support/project.js";

const column = (page: Page, name: string) => page.getByRole("region", { name: new RegExp(`^${name}`) });
const cards = (page: Page, name: string) => column(page, name).locator("li:not(.lifted) .board-card-title");
const card = (page: Page, title: string) => page.getByRole("link", { name: title, exact: true });

test("a card is dragged to another column, others see it, and it stays there", async ({ someone }) => {
  const [ada, ben] = await Promise.all([someone("Ada"), someone("Ben")]);
  const { id } = await ada.team("Orchard", ben);
  await make(ada.client, id, ["Apples", "Pears", "Plums"]);
  await make(ada.client, id, ["Fence", "Gate"], { stage: "doing" });
  await Promise.all([ada.page.goto(`w/${id}/board`), ben.page.goto(`w/${id}/board`)]);
  await expect(cards(ben.page, "To do")).toHaveText(["Apples", "Pears", "Plums"]);

  await drag(ada.page, card(ada.page, "Pears"), card(ada.page, "Gate"), { y: 2 });
  await expect(column(ada.page, "Doing").locator(".board-card-place")).toBeVisible();
  await ada.page.mouse.up();
  for (const { page } of [ada, ben]) {
    await expect(cards(page, "To do")).toHaveText(["Apples", "Plums"]);
    await expect(cards(page, "Doing")).toHaveText(["Fence", "Pears", "Gate"]);
  }
  // The click that ends a drag opens nothing.
  expect(ada.page.url()).not.toContain("task=");
  await expect(ada.page.getByText("Moved “Pears” to Doing")).toBeVisible();

  await drag(ada.page, card(ada.page, "Gate"), card(ada.page, "Fence"), { y: 2 });
  await ada.page.mouse.up();
  await expect(cards(ben.page, "Doing")).toHaveText(["Gate", "Fence", "Pears"]);
  await ada.page.reload();
  await expect(cards(ada.page, "Doing")).toHaveText(["Gate", "Fence", "Pears"]);
});

test("Escape puts a dragged card back", async ({ someone }) => {
  const { page, home, client } = await someone("Ada");
  await make(client, home, ["Apples", "Pears"]);
  await page.goto(`w/${home}/board`);
  await drag(page, card(page, "Apples"), column(page, "Doing"), { y: 60 });
  await expect(page.locator(".board-card-place")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.locator(".ghost, .board-card-place")).toHaveCount(0);
  await page.mouse.up();
  await expect(cards(page, "To do")).toHaveText(["Apples", "Pears"]);
  expect(page.url()).not.toContain("task=");
});

test("what others do arrives during a drag, and does not disturb it", async ({ someone }) => {
  const [ada, ben] = await Promise.all([someone("Ada"), someone("Ben")]);
  const { id } = await ada.team("Orchard", ben);
  const [, , fence] = await make(ada.client, id, ["Apples", "Pears", "Fence"]);
  await ben.client.call("task.move", { id: fence!.id, stage: "doing" });
  await ada.page.goto(`w/${id}/board`);
  await expect(cards(ada.page, "Doing")).toHaveText(["Fence"]);

  await drag(ada.page, card(ada.page, "Pears"), card(ada.page, "Fence"), { y: 2 });
  await make(ben.client, id, ["Plums"]);
  const [gate] = await make(ben.client, id, ["Gate"], { stage: "doing" });
  await ben.client.call("task.move", { id: gate!.id, before: fence!.id });
  await expect(cards(ada.page, "To do")).toHaveText(["Apples", "Plums"]);
  await expect(cards(ada.page, "Doing")).toHaveText(["Gate", "Fence"]);
  await expect(ada.page.locator(".ghost")).toBeVisible();
  await expect(column(ada.page, "Doing").locator(".board-card-place")).toBeVisible();
  const box = (await card(ada.page, "Fence").boundingBox())!;
  await ada.page.mouse.move(box.x + 40, box.y + 1);
  await ada.page.mouse.move(box.x + 40, box.y + 2);
  await ada.page.mouse.up();
  await expect(cards(ada.page, "Doing")).toHaveText(["Gate", "Pears", "Fence"]);
  await expect(cards(ada.page, "To do")).toHaveText(["Apples", "Plums"]);
});

test("a card that is deleted by others while it is dragged is let go", async ({ someone }) => {
  const { page, home, client } = await someone("Ada");
  const [apples] = await make(client, home, ["Apples", "Pears"]);
  await page.goto(`w/${home}/board`);
  await drag(page, card(page, "Apples"), column(page, "Doing"), { y: 60 });
  await client.call("task.delete", { id: apples!.id });
  await expect(page.locator(".ghost, .board-card-place")).toHaveCount(0);
  await page.mouse.up();
  await expect(cards(page, "To do")).toHaveText(["Pears"]);
});

test("a card is moved by the keyboard, and told", async ({ someone }) => {
  const [ada, ben] = await Promise.all([someone("Ada"), someone("Ben")]);
  const { id } = await ada.team("Orchard", ben);
  await make(ada.client, id, ["Apples", "Pears", "Plums"]);
  await make(ada.client, id, ["Fence"], { stage: "doing" });
  await Promise.all([ada.page.goto(`w/${id}/board`), ben.page.goto(`w/${id}/board`)]);
  const { keyboard } = ada.page;
  const told = ada.page.locator("[aria-live=assertive]");

  await card(ada.page, "Apples").focus();
  await keyboard.press("ArrowDown");
  await expect(card(ada.page, "Pears")).toBeFocused();
  await keyboard.press(" ");
  await expect(told).toContainText("Picked up “Pears”. Place 2 of 3 in To do.");
  await keyboard.press("ArrowRight");
  await expect(told).toHaveText("Place 2 of 2 in Doing");
  await expect(cards(ada.page, "Doing")).toHaveText(["Fence", "Pears"]);
  await expect(card(ada.page, "Pears")).toBeFocused();
  await expect(cards(ben.page, "To do")).toHaveText(["Apples", "Pears", "Plums"]);
  await keyboard.press("ArrowUp");
  await keyboard.press(" ");
  await expect(told).toHaveText("Put down “Pears”. Place 1 of 2 in Doing.");
  for (const { page } of [ada, ben]) await expect(cards(page, "Doing")).toHaveText(["Pears", "Fence"]);
  await expect(card(ada.page, "Pears")).toBeFocused();

  await keyboard.press(" ");
  await keyboard.press("ArrowLeft");
  await expect(cards(ada.page, "To do")).toHaveText(["Pears", "Apples", "Plums"]);
  await keyboard.press("Escape");
  await expect(told).toHaveText("Put back “Pears”.");
  await expect(cards(ada.page, "Doing")).toHaveText(["Pears", "Fence"]);
  await expect(card(ada.page, "Pears")).toBeFocused();
});

test("the focus stays on a card that others move", async ({ someone }) => {
  const { page, home, client } = await someone("Ada");
  const [apples, pears] = await make(client, home, ["Apples", "Pears", "Plums"]);
  await page.goto(`w/${home}/board`);
  await card(page, "Apples").focus();
  await client.call("task.move", { id: apples!.id, stage: "doing" });
  await expect(cards(page, "Doing")).toHaveText(["Apples"]);
  await expect(card(page, "Apples")).toBeFocused();
  await card(page, "Pears").focus();
  await client.call("task.delete", { id: pears!.id });
  await expect(card(page, "Plums")).toBeFocused();
});

test("a card is moved without dragging", async ({ someone }) => {
  const { page, home, client } = await someone("Ada");
  await make(client, home, ["Apples", "Pears"]);
  await page.goto(`w/${home}/board`);
  await page.getByRole("button", { name: "Move “Apples”" }).click();
  const dialog = page.getByRole("dialog", { name: "Move “Apples”" });
  await dialog.getByRole("button", { name: "Down" }).click();
  await expect(dialog.getByRole("status")).toHaveText("Place 2 of 2 in To do");
  await expect(cards(page, "To do")).toHaveText(["Pears", "Apples"]);
  await dialog.getByRole("button", { name: "Doing" }).click();
  await expect(cards(page, "Doing")).toHaveText(["Apples"]);
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
});

test("tasks are added in a column, one after the other, and a draft is kept", async ({ someone }) => {
  const { page, home } = await someone("Ada");
  await page.goto(`w/${home}/board`);
  await column(page, "Doing").getByRole("button", { name: "Add a task to Doing" }).click();
  const input = page.getByRole("textbox", { name: "Add a task to Doing" });
  await expect(input).toBeFocused();
  await page.keyboard.type("Fence");
  await page.keyboard.press("Enter");
  await page.keyboard.type("Gate");
  await page.keyboard.press("Enter");
  await expect(cards(page, "Doing")).toHaveText(["Fence", "Gate"]);
  await page.keyboard.type("Half a ti");
  await page.keyboard.press("Escape");
  const button = column(page, "Doing").getByRole("button", { name: "Add a task to Doing" });
  await expect(button).toBeFocused();
  await button.click();
  await expect(input).toHaveValue("Half a ti");
  await page.reload();
  await expect(input).toHaveValue("Half a ti");
  await expect(cards(page, "Doing")).toHaveText(["Fence", "Gate"]);
});

test("the filter is shared with the list, fits new tasks, and lasts", async ({ someone }) => {
  const { page, home, client } = await someone("Ada");
  await make(client, home, ["Apples"], { priority: "high", tags: ["fruit"] });
  await make(client, home, ["Fence"], { tags: ["wood"] });
  await page.goto(`w/${home}/board`);
  await expect(cards(page, "To do")).toHaveText(["Apples", "Fence"]);
  await page.getByLabel("Priority").selectOption("High");
  await expect(cards(page, "To do")).toHaveText(["Apples"]);
  await column(page, "To do").getByRole("button", { name: "Add a task" }).click();
  await page.keyboard.type("Pears");
  await page.keyboard.press("Enter");
  await expect(cards(page, "To do")).toHaveText(["Apples", "Pears"]);
  await page.getByLabel("Tag").selectOption("fruit");
  await expect(cards(page, "To do")).toHaveText(["Apples"]);
  await page.getByRole("link", { name: "List", exact: true }).click();
  await expect(page.getByRole("list", { name: "Tasks" }).getByRole("link")).toHaveText(["Apples"]);
  await page.reload();
  await expect(page.getByRole("list", { name: "Tasks" }).getByRole("link")).toHaveText(["Apples"]);
  await page.getByRole("link", { name: "Board", exact: true }).click();
  await page.getByRole("button", { name: "Mine" }).click();
  await expect(page.getByText("No task passes the filter.")).toBeVisible();
  await page.getByRole("button", { name: "Clear the filter" }).click();
  await expect(cards(page, "To do")).toHaveText(["Apples", "Fence", "Pears"]);
  await page.getByRole("searchbox").fill("FEN");
  await expect(cards(page, "To do")).toHaveText(["Fence"]);
});

test("a project has a board of its own", async ({ someone }) => {
  const { page, home, client } = await someone("Ada");
  const { data: project } = await client.call("project.create", { workspace_id: home, name: "Harvest" });
  await make(client, home, ["Elsewhere"]);
  await page.goto(`w/${home}/p/${project.id}/board`);
  await expect(page.getByRole("heading", { level: 1, name: "Harvest" })).toBeVisible();
  await column(page, "To do").getByRole("button", { name: "Add a task" }).click();
  await page.keyboard.type("Pick");
  await page.keyboard.press("Enter");
  await expect(cards(page, "To do")).toHaveText(["Pick"]);
});

test("a long column shows its first cards, and more when it is scrolled", async ({ someone }) => {
  const { page, home, client } = await someone("Ada");
  await makeMany(client, home, 1_000);
  await page.goto(`w/${home}/board`);
  await expect(page.getByRole("heading", { name: "To do 1,000" })).toBeVisible();
  await expect(cards(page, "To do")).toHaveCount(100);
  await column(page, "To do").locator(".column-cards").evaluate((list) => list.scrollTo(0, list.scrollHeight));
  await expect(cards(page, "To do")).toHaveCount(200);
  await column(page, "To do").getByRole("button", { name: "Add a task" }).click();
  await page.keyboard.type("The last one");
  await page.keyboard.press("Enter");
  await expect(card(page, "The last one")).toBeInViewport();
});

test("who only reads sees no ways to change", async ({ someone }) => {
  const [ada, ben] = await Promise.all([someone("Ada"), someone("Ben")]);
  const { id } = await ada.team("Orchard");
  await ada.client.call("member.add", { workspace_id: id, email: ben.email, role: "viewer" });
  await make(ada.client, id, ["Apples"]);
  const { page } = ben;
  await page.goto(`w/${id}/board`);
  await expect(card(page, "Apples")).toBeVisible();
  const board = page.locator(".board");
  await expect(board.getByRole("button")).toHaveCount(0);
  await expect(board.getByRole("checkbox")).toHaveCount(0);
  await card(page, "Apples").focus();
  await page.keyboard.press(" ");
  await page.keyboard.press("ArrowRight");
  await expect(cards(page, "To do")).toHaveText(["Apples"]);
  await expect(page.locator("[aria-live=assertive]")).toBeEmpty();
});

test("the board is accessible, in light and in dark, also with a card on its way", async ({ someone }) => {
  const { page, home, client } = await someone("Ada");
  const [apples] = await make(client, home, ["Apples", "Pears"], { priority: "urgent", tags: ["fruit"], due_at: "2020-01-01T10:00:00Z" });
  await make(client, home, ["Small ones"], { parent_id: apples!.id, stage: "done" });
  await page.goto(`w/${home}/board`);
  await expect(card(page, "Small ones")).toBeVisible();
  await expectAccessible(page);
  await card(page, "Pears").focus();
  await page.keyboard.press(" ");
  await page.keyboard.press("ArrowRight");
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await column(page, "To do").getByRole("button", { name: "Add a task" }).click();
  await expectAccessible(page);
});

test("on a phone a card is dragged after a long press, and a short one opens it", async ({ someone }) => {
  const { page, home, client } = await someone("Ada", PHONE);
  await make(client, home, ["Apples", "Pears", "Plums"]);
  await page.goto(`w/${home}/board`);
  await expect(cards(page, "To do")).toHaveText(["Apples", "Pears", "Plums"]);
  await expectAccessible(page);

  const touch = await page.context().newCDPSession(page);
  const at = async (type: "touchStart" | "touchMove" | "touchEnd", ...touchPoints: { x: number; y: number }[]) =>
    touch.send("Input.dispatchTouchEvent", { type, touchPoints });
  const from = (await card(page, "Apples").boundingBox())!;
  const to = (await card(page, "Plums").boundingBox())!;
  const x = from.x + 30;
  await at("touchStart", { x, y: from.y + 8 });
  await expect(page.locator(".ghost")).toBeVisible();
  for (let y = from.y + 20; y < to.y - 4; y += 12) await at("touchMove", { x, y });
  await at("touchMove", { x, y: to.y - 4 });
  await at("touchEnd");
  await expect(cards(page, "To do")).toHaveText(["Pears", "Apples", "Plums"]);
  expect(page.url()).not.toContain("task=");
  await card(page, "Plums").tap();
  await expect(page).toHaveURL(/task=/);
});
