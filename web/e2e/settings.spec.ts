// The settings of a person.

import { expectAccessible } from "./support/accessible.js";
import { expect, PASSWORD, test } from "./support/board.js";
import { mailTo } from "./support/mail.js";

/** A picture of one dot. */
const DOT = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

test("name, username and photo are what others see", async ({ someone }) => {
  const ada = await someone("Ada");
  const { page, client } = ada;
  await page.goto("settings/profile");
  await page.getByLabel("Name", { exact: true }).fill("Ada Lovelace");
  await page.getByLabel("Username").fill("lovelace");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("navigation").getByText("Ada Lovelace")).toBeVisible();
  expect((await client.call("profile.get", {})).data.username).toBe("lovelace");

  await page.getByLabel("Photo").setInputFiles({ name: "dot.png", mimeType: "image/png", buffer: DOT });
  await expect(page.locator("img.avatar").first()).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Remove the photo" }).click();
  await expect(page.locator("img.avatar")).toHaveCount(0);
});

test("a username that is taken is told at its field", async ({ someone }) => {
  const ada = await someone("Ada");
  const ben = await someone("Ben");
  const { data: taken } = await ben.client.call("profile.get", {});
  await ada.page.goto("settings/profile");
  await ada.page.getByLabel("Username").fill(taken.username);
  await ada.page.getByRole("button", { name: "Save" }).click();
  await expect(ada.page.getByLabel("Username")).toHaveAttribute("aria-invalid", "true");
  await expect(ada.page.getByLabel("Username")).toBeFocused();
});

test("colours and time zone belong to the account, and the focus stays", async ({ someone, stranger }) => {
  const { page, email } = await someone("Ada");
  await page.goto("settings/profile");
  await page.getByLabel("Dark").check();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.getByLabel("Time zone").selectOption("Asia/Tokyo");
  await expect(page.getByLabel("Time zone")).toBeFocused();
  await expect(page.getByLabel("Time zone")).toHaveValue("Asia/Tokyo");
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");

  const other = await stranger();
  await other.goto("login");
  await other.getByLabel("E-mail address").fill(email);
  await other.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await other.getByRole("button", { name: "Sign in" }).click();
  await other.getByRole("button", { name: /^Skip/ }).click();
  await expect(other.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.getByLabel("As the system").check();
  await expect(other.locator("html")).not.toHaveAttribute("data-theme");
});

test("another address is verified by mail", async ({ server, someone }) => {
  const { page, client } = await someone("Ada");
  await page.goto("settings/profile");
  await page.getByText("Change the address").first().click();
  await page.getByLabel("New address").fill("ada.new@example.org");
  await page.getByLabel("Your password").fill("wrong words here");
  await page.getByRole("button", { name: "Change the address" }).click();
  await expect(page.getByLabel("Your password")).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByLabel("New address")).toHaveValue("ada.new@example.org");
  await page.getByLabel("Your password").fill(PASSWORD);
  await page.getByRole("button", { name: "Change the address" }).click();
  await expect(page.getByText(/^Check the mail at/)).toBeVisible();
  const { code } = await mailTo(server, "ada.new@example.org", /./);
  await page.goto("verify-email");
  await page.getByLabel("E-mail address").fill("ada.new@example.org");
  await page.getByLabel("Code of the mail").fill(code!);
  await page.getByRole("button", { name: "Verify the address" }).click();
  await page.getByRole("link", { name: "Go to your board" }).click();
  await expect(page.getByRole("heading", { name: "Today", exact: true })).toBeVisible();
  expect((await client.call("profile.get", {})).data.email).toBe("ada.new@example.org");
});

test("the password changes, the other sessions end, and this one goes on", async ({ someone }) => {
  const { page, client } = await someone("Ada");
  await page.goto("settings/password");
  await page.getByLabel("Current password").fill("wrong words here");
  await page.getByLabel("New password").fill("another goose eats plums");
  await page.getByRole("button", { name: "Change the password" }).click();
  await expect(page.locator(".form-error, .field-error").first()).toBeVisible();
  await page.getByLabel("Current password").fill(PASSWORD);
  await page.getByRole("button", { name: "Change the password" }).click();
  await expect(page.getByText(/^The password is changed/)).toBeVisible();
  await expect.poll(() => client.state.kind).toBe("closed");
  await expectAccessible(page);
  await page.goto("settings/sessions");
  await expect(page.getByText("This one")).toBeVisible();
  await expect(page.getByRole("button", { name: /^Sign out there/ })).toHaveCount(0);
});

test("another tab goes on after the password was changed", async ({ someone }) => {
  const { page } = await someone("Ada");
  const other = await page.context().newPage();
  await other.goto("settings/password");
  await other.getByLabel("Current password").fill(PASSWORD);
  await other.getByLabel("New password").fill("another goose eats plums");
  await other.getByRole("button", { name: "Change the password" }).click();
  await expect(other.getByText(/^The password is changed/)).toBeVisible();
  for (const tab of [page, other]) {
    await tab.getByRole("button", { name: "New workspace" }).click();
    await tab.getByLabel("Name").fill(tab === page ? "Orchard" : "Garden");
    await tab.getByRole("button", { name: "Create" }).click();
    await expect(tab).toHaveURL(/\/w\/[^/]+\/board$/);
  }
  await expect(page.getByRole("link", { name: "Garden" })).toBeVisible();
});

test("sessions end there, or everywhere", async ({ someone }) => {
  const { page, client } = await someone("Ada");
  await page.goto("settings/sessions");
  await expect(page.getByText("This one")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: /^Sign out there/ }).click();
  await expect(page.getByRole("button", { name: /^Sign out there/ })).toHaveCount(0);
  await expect.poll(() => client.state.kind).toBe("closed");
  await page.getByRole("button", { name: "Sign out everywhere" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Sign out everywhere" }).click();
  await expect(page.getByText("You were signed out: you signed out everywhere.")).toBeVisible();
});

test("a token is made, shown once, and works until it is revoked", async ({ server, someone }) => {
  const { page } = await someone("Ada");
  await page.goto("settings/tokens");
  await page.getByLabel("Name").fill("Backup");
  await page.getByLabel("May").selectOption("read");
  await page.getByLabel("Ends after").selectOption("30");
  await page.getByRole("checkbox", { name: "Personal" }).check();
  await page.getByRole("button", { name: "Make the token" }).click();
  const shown = page.getByLabel("Token “Backup”");
  await expect(shown).toHaveValue(/^tw_pat_/);
  const token = await shown.inputValue();
  await expectAccessible(page);
  const uses = async () => (await page.request.get(`${server.url}/v1/export`, { headers: { authorization: `Bearer ${token}` } })).status();
  expect(await uses()).toBe(200);
  await page.getByRole("button", { name: "Revoke the token: Backup" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await expect(page.getByText("No tokens.")).toBeVisible();
  expect(await uses()).toBe(401);
});

test("notifications are kept as the server reads them", async ({ someone }) => {
  const { page, client } = await someone("Ada");
  await page.goto("settings/notifications");
  const kept = async () => (await client.call("profile.get", {})).data.preferences["notifications"];
  await page.getByLabel("A task was changed").uncheck();
  await page.getByLabel("Mail me reminders").uncheck();
  await page.getByLabel("Tell me that a task is due").selectOption("30");
  await page.getByLabel("What I do myself").selectOption("read");
  await expect
    .poll(kept)
    .toEqual({ types: { TASK_UPDATED: false }, email: false, due_lead_minutes: 30, own_acts: "read" });
  await expectAccessible(page);
});

test("the calendar feed is shown once, and ends", async ({ someone }) => {
  const { page, client } = await someone("Ada");
  await client.call("task.create", { title: "Water the plants", due_at: new Date().toISOString() });
  await page.goto("settings/calendar");
  await page.getByRole("button", { name: "Make a new address" }).click();
  const shown = page.getByLabel("Address of the feed");
  await expect(shown).toHaveValue(/\.ics$/);
  const url = await shown.inputValue();
  expect(await (await page.request.get(url)).text()).toContain("Water the plants");
  await expectAccessible(page);
  await page.getByRole("button", { name: "End the feed" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "End the feed" }).click();
  await expect(shown).toBeHidden();
  expect((await page.request.get(url)).status()).toBe(404);
});

test("one's data is downloaded, and the account deleted", async ({ someone }) => {
  const { page } = await someone("Ada");
  await page.goto("settings/account");
  await expectAccessible(page);
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download the archive" }).click();
  expect((await coming).suggestedFilename()).toMatch(/\.zip$/);
  await page.getByRole("button", { name: "Delete the account" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Your password").fill("wrong words here");
  await dialog.getByRole("button", { name: "Delete the account" }).click();
  await expect(dialog.getByLabel("Your password")).toHaveAttribute("aria-invalid", "true");
  await dialog.getByLabel("Your password").fill(PASSWORD);
  await dialog.getByRole("button", { name: "Delete the account" }).click();
  await expect(page.getByText("You were signed out: your account is deleted.")).toBeVisible();
});

test("every part fits a phone", async ({ someone }) => {
  const { page } = await someone("Ada", { viewport: { width: 360, height: 740 } });
  for (const part of ["profile", "password", "sessions", "tokens", "notifications", "calendar", "account"]) {
    await page.goto(`settings/${part}`);
    await expect(page.getByRole("navigation", { name: "Settings" }).locator("[aria-current]")).toBeInViewport();
    const [width, room] = await page.locator("main").evaluate((main) => [main.scrollWidth, main.clientWidth]);
    expect(width, part).toBeLessThanOrEqual(room!);
  }
});
