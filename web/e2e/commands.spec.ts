// The command palette, and the sheet of shortcuts.

import { expectAccessible } from "./support/accessible.js";
import { expect, test, type Someone } from "./support/board.js";

const openPalette = async ({ page }: Someone) => {
  await page.keyboard.press("Control+k");
  const find = page.getByRole("combobox", { name: "Find or do" });
  await expect(find).toBeFocused();
  return find;
};

test("the palette goes to views, projects, tasks and people", async ({ someone }) => {
  const ada = await someone("Ada");
  const grace = await someone("Grace");
  const { page, client } = ada;
  const team = await ada.team("Garden club", grace);
  const { data: project } = await client.call("project.create", { workspace_id: team.id, name: "Summer fair" });
  const { data: task } = await client.call("task.create", { workspace_id: team.id, title: "Water the old pear" });
  await expect(page.getByRole("link", { name: "Summer fair" })).toBeVisible();

  await (await openPalette(ada)).pressSequentially("sumfa");
  await expect(page.getByRole("option", { name: /Summer fair/ })).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`/w/${team.id}/p/${project.id}/board$`));

  await (await openPalette(ada)).pressSequentially("old pear");
  await expect(page.getByRole("option", { name: /Water the old pear/ })).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`task=${task.id}`));

  await (await openPalette(ada)).pressSequentially("upcom");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/upcoming$/);
  await page.goBack();
  await expect(page).toHaveURL(new RegExp(`task=${task.id}`));

  await (await openPalette(ada)).pressSequentially("grace");
  await page.getByRole("dialog").getByRole("option", { name: /Grace/ }).first().click();
  await expect(page).toHaveURL(new RegExp(`/w/${team.id}/members$`));

  await (await openPalette(ada)).pressSequentially("zzz nothing");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/search\?q=zzz%20nothing$/);
});

test("the palette runs commands, by keyboard alone", async ({ someone }) => {
  const ada = await someone("Ada");
  const { page, client, home } = ada;
  const find = await openPalette(ada);
  await expectAccessible(page);
  await page.keyboard.press("ArrowDown");
  await expect(page.getByRole("option", { name: /New project in/ })).toHaveAttribute("aria-selected", "true");
  await expect(find).toHaveAttribute("aria-activedescendant", (await page.getByRole("option", { name: /New project in/ }).getAttribute("id"))!);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("textbox", { name: "Name of the new project" })).toBeFocused();
  await expectAccessible(page);
  await page.keyboard.type("Harvest");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(page.getByRole("link", { name: "Harvest" })).toBeVisible();
  await expect
    .poll(async () => (await client.call("project.list", { workspace_id: home })).data.items.map(({ name }) => name))
    .toEqual(["Harvest"]);

  await (await openPalette(ada)).pressSequentially("undo");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("link", { name: "Harvest" })).toBeHidden();

  await (await openPalette(ada)).pressSequentially("new task");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("textbox", { name: "What is to be done" })).toBeFocused();
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("combobox", { name: "Find or do" })).toBeFocused();
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("dialog")).toBeHidden();

  await (await openPalette(ada)).pressSequentially("dark theme");
  await page.keyboard.press("Enter");
  await expect.poll(async () => (await client.call("profile.get", {})).data.preferences).toMatchObject({ theme: "dark" });

  await (await openPalette(ada)).pressSequentially("sign out");
  await page.keyboard.press("Enter");
  await expect(page.locator("body")).toHaveAttribute("data-session", "out");
});

test("the sheet says the shortcuts; those of single keys can be turned off", async ({ someone }) => {
  const ada = await someone("Ada");
  const { page } = ada;
  await page.keyboard.press("g");
  await page.keyboard.press("u");
  await expect(page).toHaveURL(/\/upcoming$/);
  await page.keyboard.press("?");
  const sheet = page.getByRole("dialog", { name: "Shortcuts" });
  await expect(sheet.getByText("Find anything, or do something")).toBeVisible();
  await expectAccessible(page);
  await sheet.getByRole("checkbox", { name: /single keys/ }).uncheck();
  await page.keyboard.press("Escape");
  await expect(sheet).toBeHidden();
  await page.reload();
  await expect(page.getByRole("navigation")).toBeVisible();
  await page.keyboard.press("q");
  const find = await openPalette(ada);
  await expect(page.getByRole("dialog")).toHaveCount(1);
  await find.pressSequentially("shortcuts");
  await page.keyboard.press("Enter");
  await expect(sheet).toBeVisible();
});

test("ten thousand tasks are found while one types", async ({ someone }) => {
  const ada = await someone("Ada");
  const { page, client } = ada;
  for (let i = 0; i < 100; i++)
    await client.call("batch", {
      ops: Array.from({ length: 100 }, (_, n) => ({ type: "task.create" as const, data: { title: `Tree ${i * 100 + n} of the orchard` } })),
    });
  const find = await openPalette(ada);
  // The last ones may still be on their way.
  await expect(async () => {
    await find.fill("");
    await find.fill("tree 9999 ");
    await expect(page.getByRole("option", { name: /Tree 9999 of the orchard/ })).toBeVisible({ timeout: 1_000 });
  }).toPass();
  // The longest that the page did not answer while keys were pressed.
  const longest = await page.evaluate(() => {
    const input = document.querySelector<HTMLInputElement>("[role=combobox]")!;
    let longest = 0;
    return new Promise<number>((done) => {
      const texts = ["o", "or", "orc", "orch", "tr", "tree 5", "tree 55", "zzz"];
      const press = () => {
        const text = texts.shift();
        if (text === undefined) return done(longest);
        const began = performance.now();
        input.value = text;
        input.dispatchEvent(new InputEvent("input", { bubbles: true }));
        requestAnimationFrame(() =>
          setTimeout(() => {
            longest = Math.max(longest, performance.now() - began);
            press();
          }),
        );
      };
      press();
    });
  });
  expect(longest).toBeLessThan(250);
});
