// The administration of the server.

import { expectAccessible } from "./support/accessible.js";
import { expect, PASSWORD, test as base, type Someone } from "./support/board.js";

/** Somebody who administers the server. */
const test = base.extend<{ admin: Someone }>({
  admin: async ({ server, someone }, use) => {
    const ada = await someone("Ada");
    await server.stop();
    server.command("admin", "set-role", ada.email, "admin");
    await server.start();
    await ada.page.goto("admin/accounts");
    await expect(ada.page.getByRole("heading", { name: "Accounts" })).toBeVisible();
    await use(ada);
  },
});

test("accounts are found, made and changed", async ({ admin, someone }) => {
  const ben = await someone("Ben");
  const { page, client } = admin;
  await page.getByLabel("Search by name, username or address").fill("ben-");
  await expect(page.getByText("1 account")).toBeVisible();
  await expect(page.getByRole("row", { name: /Ben/ })).toBeVisible();
  await expectAccessible(page);

  await page.getByLabel("Search by name, username or address").fill("");
  await page.getByRole("button", { name: "New account" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Cleo");
  await dialog.getByLabel("E-mail address").fill(ben.email);
  await dialog.getByLabel("Password").fill(PASSWORD);
  await dialog.getByRole("button", { name: "Make the account" }).click();
  await expect(dialog.getByLabel("E-mail address")).toHaveAttribute("aria-invalid", "true");
  await expectAccessible(page);
  await dialog.getByLabel("E-mail address").fill("cleo@example.org");
  await dialog.getByRole("button", { name: "Make the account" }).click();
  const row = page.getByRole("row", { name: /Cleo/ });
  await expect(row).toContainText("cleo@example.org");

  const choose = async (name: string) => {
    await row.getByRole("button", { name: "More for Cleo" }).click();
    await page.getByRole("menuitem", { name }).click();
  };
  await choose("Set the plan to Pro");
  await expect(row).toContainText("Pro");
  await choose("Make administrator");
  await expect(row).toContainText("Administrator");
  await choose("Unlock sign-ins");
  await expect(page.getByText("Cleo can try to sign in again")).toBeVisible();
  await choose("Deactivate");
  await dialog.getByRole("button", { name: "Deactivate" }).click();
  await expect(row).toContainText("Deactivated");
  await choose("Delete");
  await dialog.getByLabel(/^Type/).fill("cleo@example.org");
  await dialog.getByRole("button", { name: "Delete" }).click();
  await expect(row).toBeHidden();
  expect((await client.call("admin.user.list", { q: "cleo" })).data.items).toEqual([]);
});

test("accounts come page by page", async ({ admin }) => {
  const { page, client } = admin;
  for (let n = 0; n < 55; n++)
    await client.call("admin.user.create", { name: `Person ${n}`, email: `person${n}@example.org` });
  await page.reload();
  await expect(page.getByText("56 accounts")).toBeVisible();
  await expect(page.getByRole("row")).toHaveCount(51);
  await page.getByRole("button", { name: "Show more" }).click();
  await expect(page.getByRole("row")).toHaveCount(57);
  await expect(page.getByRole("button", { name: "Show more" })).toBeHidden();
});

test("an administrator signs somebody out everywhere", async ({ admin, someone }) => {
  const ben = await someone("Ben");
  const { page } = admin;
  await page.reload();
  await page.getByRole("button", { name: "More for Ben" }).click();
  await page.getByRole("menuitem", { name: "Sign out everywhere" }).click();
  await expect(ben.page.getByText(/^You were signed out: /)).toBeVisible();
});

test("instances and connections are shown live, and a connection is ended", async ({ admin, someone }) => {
  const ben = await someone("Ben");
  const { page } = admin;
  await page.goto("admin/instances");
  await expect(page.getByText("This one")).toBeVisible();
  await expect(page.getByRole("img", { name: /^Connections of / })).toBeVisible();
  await expectAccessible(page);
  await page.goto("admin/connections");
  await expect(page.getByText("You, here")).toBeVisible();
  await expect(page.getByRole("row", { name: /Ben/ })).toHaveCount(2);
  await expectAccessible(page);
  await page.getByRole("row", { name: /Ben.*board/ }).getByRole("button", { name: "More for Ben" }).click();
  await page.getByRole("menuitem", { name: "Disconnect this session" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Disconnect" }).click();
  await expect(ben.page.getByText(/^You were signed out: /)).toBeVisible();
});

test("others see nothing of it", async ({ someone }) => {
  const { page } = await someone("Ada");
  await page.goto("admin/accounts");
  await expect(page.getByText("Only administrators of the server see this.")).toBeVisible();
  await page.getByRole("button", { name: "Ada" }).click();
  await expect(page.getByRole("menuitem", { name: "Administration" })).toBeHidden();
});

test("it fits a phone", async ({ admin }) => {
  const { page } = admin;
  await page.setViewportSize({ width: 360, height: 740 });
  for (const part of ["accounts", "instances", "connections"]) {
    await page.goto(`admin/${part}`);
    await expect(page.getByRole("heading", { level: 2 }).last()).toBeVisible();
    const [width, room] = await page.locator("main").evaluate((main) => [main.scrollWidth, main.clientWidth]);
    expect(width, part).toBeLessThanOrEqual(room!);
  }
  await expectAccessible(page);
});
