// Getting in: the first run, signing up and in, forgotten passwords, invitations, and the end of a session.

import type { Page } from "@playwright/test";
import { expectAccessible } from "./support/accessible.js";
import { expect, PASSWORD, test } from "./support/board.js";
import { mailTo } from "./support/mail.js";

const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };

const signUp = async (page: Page, name: string, email: string, password = PASSWORD) => {
  await page.goto("signup");
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Make the account" }).click();
};

const logIn = async (page: Page, email: string, password = PASSWORD) => {
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
};

test("the printed link makes the first account, which administers; the demo is five clicks away", async ({ server, stranger }) => {
  const page = await stranger();
  const link = /http:\S+\/first-admin#\S+/.exec(server.said())![0];
  await page.goto(link);
  await expect(page.getByText("Make the first account: it becomes the administrator.")).toBeVisible();
  expect(page.url()).not.toContain("#");
  await expectAccessible(page);
  await page.getByLabel("Your name").fill("Ada Byron");
  await page.getByLabel("E-mail address").fill("ada@example.org");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Make the account" }).click();

  await expect(page.getByRole("heading", { name: "Welcome, Ada Byron" })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Show me the demo" }).click();
  await expect(page).toHaveURL(/\/w\/[^/]+\/board$/);
  await expect(page.getByRole("link", { name: "Spring festival" })).toBeVisible();
  await page.goto("today");
  await expect(page.getByRole("link", { name: "Fix the checkout on small screens" })).toBeVisible();

  await page.goto("admin/accounts");
  await expect(page.getByText("ada@example.org")).toBeVisible();
});

test("a link of the first run that is wrong says so, and keeps what was typed", async ({ stranger }) => {
  const page = await stranger();
  await page.goto("first-admin#fa_wrong");
  await page.getByLabel("Your name").fill("Ada");
  await page.getByLabel("E-mail address").fill("ada@example.org");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Make the account" }).click();
  await expect(page.locator(".form-error, .field-error")).toBeVisible();
  await expect(page.getByLabel("E-mail address")).toHaveValue("ada@example.org");
});

test("sign-up, an empty workspace, log-out and log-in on a phone", async ({ stranger }) => {
  const page = await stranger(PHONE);
  await page.goto("");
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await page.getByRole("link", { name: "Make one" }).tap();
  await signUp(page, "Ben", "ben@example.org", "password");
  // Told at its field; the rest stays.
  await expect(page.getByLabel("Password", { exact: true })).toBeFocused();
  await expect(page.getByLabel("Password", { exact: true })).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByLabel("Your name")).toHaveValue("Ben");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Make the account" }).tap();

  await page.getByLabel("Name of the workspace").fill("Allotment");
  await page.getByRole("button", { name: "Make the workspace" }).tap();
  await expect(page).toHaveURL(/\/w\/[^/]+\/board$/);
  const menu = page.getByRole("button", { name: "Menu" });
  await menu.tap();
  await expect(page.getByRole("link", { name: "Allotment" })).toBeVisible();
  await page.getByRole("button", { name: "Ben" }).tap();
  await page.getByRole("menuitem", { name: "Sign out" }).tap();

  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  const size = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  expect(size[0]).toBeLessThanOrEqual(size[1]!);
  await page.goto("login");
  await logIn(page, "ben@example.org");
  // Who has something sees no welcome.
  await expect(page).toHaveURL(/\/today$/);
});

test("a wrong password is told, and the address stays", async ({ someone, stranger }) => {
  const ada = await someone("Ada");
  const page = await stranger();
  await page.goto("login");
  await expectAccessible(page);
  await logIn(page, ada.email, "not the password");
  await expect(page.getByRole("alert").filter({ hasText: /\w/ })).toBeVisible();
  await expect(page.getByLabel("E-mail address")).toHaveValue(ada.email);
  await logIn(page, ada.email);
  await expect(page.getByRole("heading", { name: "Welcome, Ada" })).toBeVisible();
});

test("a password can be shown while it is typed", async ({ stranger }) => {
  const page = await stranger();
  await page.goto("login");
  const password = page.getByLabel("Password", { exact: true });
  await expect(password).toHaveAttribute("autocomplete", "current-password");
  await password.fill("secret words");
  await page.getByRole("button", { name: "Show the password" }).click();
  await expect(password).toHaveAttribute("type", "text");
  await expect(password).toHaveValue("secret words");
});

test("the end of a session elsewhere is told where one signs in", async ({ someone }) => {
  const ada = await someone("Ada");
  const { data } = await ada.client.call("auth.sessions", {});
  const boards = data.items.find(({ current }) => !current)!;
  await ada.client.call("auth.revoke_session", { id: boards.id });
  await expect(ada.page.getByText(/^You were signed out: /)).toBeVisible();
  await logIn(ada.page, ada.email);
  await expect(ada.page.getByRole("heading", { name: "Welcome, Ada" })).toBeVisible();
});

test.describe("with addresses that are verified first", () => {
  test.use({ settings: { require_verified_email: "true" } });

  test("the code of the mail signs in", async ({ server, stranger }) => {
    const page = await stranger();
    await signUp(page, "Cleo", "cleo@example.org");
    await expect(page.getByText("we sent a code of six digits to cleo@example.org")).toBeVisible();
    await expectAccessible(page);
    await page.getByLabel("Code of the mail").fill("000 000");
    await page.getByRole("button", { name: "Verify the address" }).click();
    await expect(page.locator(".form-error, .field-error").first()).toBeVisible();
    const { code } = await mailTo(server, "cleo@example.org", /verify/i);
    await page.getByLabel("Code of the mail").fill(code!);
    await page.getByRole("button", { name: "Verify the address" }).click();
    await expect(page.getByRole("heading", { name: "Welcome, Cleo" })).toBeVisible();
  });

  test("who left before the code is asked for it when they sign in", async ({ server, stranger }) => {
    const page = await stranger();
    await signUp(page, "Cleo", "cleo@example.org");
    await expect(page.getByLabel("Code of the mail")).toBeVisible();
    await page.goto("login");
    await logIn(page, "cleo@example.org");
    await expect(page.getByLabel("Code of the mail")).toBeVisible();
    const { code } = await mailTo(server, "cleo@example.org", /verify/i);
    await page.getByLabel("Code of the mail").fill(code!);
    await page.getByRole("button", { name: "Verify the address" }).click();
    await expect(page.getByRole("heading", { name: "Welcome, Cleo" })).toBeVisible();
  });
});

test("a forgotten password is set with the code of a mail", async ({ server, someone, stranger }) => {
  const ada = await someone("Ada");
  const page = await stranger();
  await page.goto("login");
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await page.getByLabel("E-mail address").fill(ada.email);
  await page.getByRole("button", { name: "Send the mail" }).click();
  const { code } = await mailTo(server, ada.email, /password/i);
  await page.getByLabel("Code of the mail").fill(code!);
  await page.getByLabel("New password").fill("another goose eats plums");
  await expectAccessible(page);
  await page.getByRole("button", { name: "Set the password" }).click();
  await expect(page.getByText("The password is set")).toBeVisible();
  await logIn(page, ada.email, "another goose eats plums");
  await expect(page.getByRole("heading", { name: "Welcome, Ada" })).toBeVisible();
  // Every session ended.
  await expect(ada.page.getByText(/^You were signed out: /)).toBeVisible();
});

test("links of mails verify an address and set a password", async ({ server, stranger }) => {
  await server.stop();
  await server.start(`public_url=${server.url}`);
  const page = await stranger();
  await signUp(page, "Dora", "dora@example.org");
  await expect(page.getByRole("heading", { name: "Welcome, Dora" })).toBeVisible();
  const verify = await mailTo(server, "dora@example.org", /verify/i);
  await page.goto(verify.link!);
  await expect(page.getByRole("heading", { name: "Verify your e-mail address" })).toBeVisible();
  expect(page.url()).not.toContain("#");
  await page.getByRole("button", { name: "Verify the address" }).click();
  await expect(page.getByText("The address is verified.")).toBeVisible();
  await expectAccessible(page);

  await page.request.post(`${server.url}/v1/auth/forgot-password`, { data: { email: "dora@example.org" } });
  const reset = await mailTo(server, "dora@example.org", /password/i);
  await page.goto(reset.link!);
  await page.getByLabel("New password").fill("another goose eats plums");
  await page.getByRole("button", { name: "Set the password" }).click();
  await expect(page.getByText("The password is set")).toBeVisible();
  await logIn(page, "dora@example.org", "another goose eats plums");
  await expect(page.getByRole("heading", { name: "Welcome, Dora" })).toBeVisible();
});

test("the link of an invitation leads over the sign-up into the workspace", async ({ someone, stranger }) => {
  const ada = await someone("Ada");
  const team = await ada.team("Orchard");
  const { data } = await ada.client.call("invite.create", { workspace_id: team.id, role: "member" });
  const page = await stranger();
  await page.goto(`join#${data.token}`);
  await expect(page.getByText("You are invited to a workspace.")).toBeVisible();
  expect(page.url()).not.toContain(data.token!);
  await page.getByRole("link", { name: "Make one" }).click();
  await page.getByLabel("Your name").fill("Finn");
  await page.getByLabel("E-mail address").fill("finn@example.org");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Make the account" }).click();
  await expect(page.getByText("You join the workspace as finn@example.org.")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Join" }).click();
  await expect(page).toHaveURL(new RegExp(`/w/${team.id}/board$`));
  await expect(page.getByRole("heading", { name: "Orchard" })).toBeVisible();
});

test.describe("with limits", () => {
  test.use({ settings: { rate_limit_enabled: "true" } });

  test("a wait that the server asks for is counted down", async ({ stranger, server }) => {
    const page = await stranger();
    await page.goto("login");
    const tries = async () => {
      const data = { email: `${Math.random()}@example.org`, password: "wrong words here", token_delivery: "body" };
      return (await page.request.post(`${server.url}/v1/auth/login`, { data })).status();
    };
    await expect.poll(tries, { intervals: [0] }).toBe(429);
    await logIn(page, "gus@example.org");
    await expect(page.getByText(/^Try again in \d+ (second|minute)s?\.$/)).toBeVisible();
    await expect(page.getByRole("button", { name: "Sign in" })).toBeDisabled();
    await expect(page.getByLabel("E-mail address")).toHaveValue("gus@example.org");
    await expectAccessible(page);
  });
});
