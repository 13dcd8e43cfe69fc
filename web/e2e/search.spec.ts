// Search: as one types, with marks; filters, addresses, keys, other people's changes, no server.

import { expect, test, type Someone } from "./support/board.js";
import { expectAccessible, PHONE } from "./support/accessible.js";

const field = ({ page }: Someone) => page.getByRole("searchbox", { name: "Search tasks" });
const titles = ({ page }: Someone) => page.locator(".found-title");

test("finds as one types, marks the words, and keeps the address", async ({ someone }) => {
  const ada = await someone("Ada");
  await ada.client.call("task.create", { title: "Pick the early apples" });
  await ada.client.call("task.create", { title: "Cellar", description: "Wash the crates before the apples come" });
  const { data: talked } = await ada.client.call("task.create", { title: "Call the press" });
  await ada.client.call("comment.create", { task_id: talked.id, body: "They take our apples on Friday" });
  await ada.client.call("task.create", { title: "<img src=x onerror=alert(1)> apples" });
  await ada.page.keyboard.press("/");
  await expect(field(ada)).toBeFocused();
  await ada.page.keyboard.type("appl");
  await expect(titles(ada)).toHaveCount(4);
  await expect(ada.page.locator(".found mark")).toHaveText(["apples", "apples", "apples", "apples"].map((word) => new RegExp(`^(${word}|appl)$`)));
  await expect(ada.page.locator(".found", { hasText: "Call the press" })).toContainText("They take our apples on Friday");
  await expect(titles(ada).filter({ hasText: "<img src=x onerror=alert(1)>" })).toBeVisible();
  await expect(ada.page).toHaveURL(/search\?q=appl$/);
  await ada.page.keyboard.type("es crates");
  await expect(titles(ada)).toHaveText(["Cellar"]);
  await ada.page.reload();
  await expect(field(ada)).toHaveValue("apples crates");
  await expect(titles(ada)).toHaveText(["Cellar"]);
  // Typing made no steps in the history.
  await ada.page.goBack();
  await expect(ada.page.getByRole("heading", { name: "Today", exact: true }).first()).toBeVisible();
});

test("late answers are dropped", async ({ someone }) => {
  const ada = await someone("Ada");
  await ada.client.call("task.create", { title: "Apples" });
  await ada.client.call("task.create", { title: "Pears" });
  await ada.page.goto("search");
  await field(ada).pressSequentially("apples", { delay: 5 });
  await field(ada).fill("pears");
  await expect(titles(ada)).toHaveText(["Pears"]);
  await field(ada).fill("nothing of this");
  await expect(ada.page.getByRole("heading", { name: "Nothing has “nothing of this”" })).toBeVisible();
  await field(ada).fill("");
  await expect(ada.page.getByText("Type a word or two")).toBeVisible();
  await expect(ada.page).toHaveURL(/search$/);
});

test("arrows go into what was found, Enter opens it", async ({ someone }) => {
  const ada = await someone("Ada");
  for (const title of ["Apple one", "Apple two"]) await ada.client.call("task.create", { title });
  await ada.page.goto("search?q=apple");
  await expect(titles(ada)).toHaveCount(2);
  await field(ada).press("ArrowDown");
  await expect(titles(ada).nth(0)).toBeFocused();
  await ada.page.keyboard.press("ArrowDown");
  await expect(titles(ada).nth(1)).toBeFocused();
  await ada.page.keyboard.press("Home");
  await ada.page.keyboard.press("ArrowUp");
  await expect(field(ada)).toBeFocused();
  await field(ada).press("ArrowDown");
  await ada.page.keyboard.press("Enter");
  await expect(ada.page).toHaveURL(/search\?q=apple&task=/);
});

test("filters by workspace and by status", async ({ someone }) => {
  const ada = await someone("Ada");
  const team = await ada.team("Orchard");
  await ada.client.call("task.create", { title: "Apple at home" });
  const { data: sold } = await ada.client.call("task.create", { title: "Apple sold", workspace_id: team.id });
  await ada.client.call("task.complete", { id: sold.id, completed: true });
  const { data: gone } = await ada.client.call("task.create", { title: "Apple gone" });
  await ada.client.call("task.delete", { id: gone.id });
  await ada.page.goto("search?q=apple");
  await expect(titles(ada)).toHaveCount(2);
  await ada.page.getByRole("combobox", { name: "Workspace" }).selectOption("Orchard");
  await expect(titles(ada)).toHaveText(["Apple sold"]);
  await ada.page.getByRole("combobox", { name: "Workspace" }).selectOption("All workspaces");
  await ada.page.getByRole("combobox", { name: "Status" }).selectOption("Pending");
  await expect(titles(ada)).toHaveText(["Apple at home"]);
  await ada.page.getByRole("combobox", { name: "Status" }).selectOption("Deleted");
  await expect(titles(ada)).toHaveText(["Apple gone"]);
});

test("what another person does shows in what was found, and typing goes on", async ({ someone }) => {
  const [ada, ben] = [await someone("Ada"), await someone("Ben")];
  const team = await ada.team("Orchard", ben);
  const make = (title: string) => ben.client.call("task.create", { title, workspace_id: team.id });
  const { data: first } = await make("Apple one");
  await ada.page.goto("search?q=apple");
  await expect(titles(ada)).toHaveText(["Apple one"]);
  await field(ada).focus();
  await make("Apple two");
  await expect(titles(ada)).toHaveCount(2);
  await ben.client.call("task.update", { id: first.id, title: "Apple first" });
  await expect(titles(ada).filter({ hasText: "Apple first" })).toBeVisible();
  await ben.client.call("task.complete", { id: first.id, completed: true });
  await expect(ada.page.getByRole("checkbox", { name: "Reopen “Apple first”" })).toBeVisible();
  await expect(field(ada)).toBeFocused();
});

test("more than a page", async ({ someone }) => {
  const ada = await someone("Ada");
  await ada.client.call("batch", { ops: Array.from({ length: 70 }, (_, i) => ({ type: "task.create" as const, data: { title: `Apple ${i}` } })) });
  await ada.page.goto("search?q=apple");
  await expect(titles(ada)).toHaveCount(30);
  await expect(ada.page.getByText("More than 30 tasks")).toBeVisible();
  await ada.page.getByRole("button", { name: "Show more" }).click();
  await expect(titles(ada)).toHaveCount(60);
  await ada.page.getByRole("button", { name: "Show more" }).click();
  await expect(titles(ada)).toHaveCount(70);
  await expect(ada.page.getByRole("button", { name: "Show more" })).toHaveCount(0);
});

test("without the server it searches what the browser has, and says so", async ({ someone, server }) => {
  const ada = await someone("Ada");
  await ada.client.call("task.create", { title: "Crème brûlée", tags: ["kitchen"] });
  await ada.page.goto("search?q=creme");
  await expect(titles(ada)).toHaveText(["Crème brûlée"]);
  await server.stop();
  await expect(ada.page.getByText("You are offline. These are the tasks that this browser keeps")).toBeVisible();
  await field(ada).fill("kitch brul");
  await expect(titles(ada)).toHaveText(["Crème brûlée"]);
  await expect(ada.page.locator(".found-title mark")).toHaveText(["brûl"]);
  await server.start();
  await expect(ada.page.getByText("You are offline. These")).toHaveCount(0);
  await field(ada).fill("brul");
  await expect(titles(ada)).toHaveText(["Crème brûlée"]);
});

for (const [size, options] of [["desk", {}], ["phone", PHONE]] as const)
  test(`is accessible at a ${size}, empty and full`, async ({ someone }) => {
    const ada = await someone("Ada", options);
    await ada.client.call("task.create", { title: "Apples", description: `${"long ".repeat(50)}apples`, tags: ["apples"], due_at: new Date().toISOString() });
    await ada.page.goto("search");
    await expect(ada.page.getByText("Type a word or two")).toBeVisible();
    await expectAccessible(ada.page);
    await field(ada).fill("apples");
    await expect(titles(ada)).toHaveText(["Apples"]);
    await expectAccessible(ada.page);
  });
