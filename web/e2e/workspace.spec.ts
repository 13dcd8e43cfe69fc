// A workspace's members and options, and what makes workspaces and projects.

import { readFile } from "node:fs/promises";
import { expectAccessible } from "./support/accessible.js";
import { expect, test } from "./support/board.js";

test("a workspace and a project are made from the navigation", async ({ someone }) => {
  const { page } = await someone("Ada");
  await page.getByRole("button", { name: "New workspace" }).click();
  await page.getByLabel("Name").fill("Orchard");
  await page.getByRole("button", { name: "Create" }).click();
  await expect(page).toHaveURL(/\/w\/[^/]+\/board$/);
  await expect(page.getByRole("link", { name: "Orchard" })).toBeVisible();
  await page.getByRole("button", { name: "New project in Orchard" }).click();
  await expect(page.getByLabel("Name")).toBeFocused();
  await page.getByLabel("Name").fill("Harvest");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("link", { name: "Harvest" })).toBeVisible();
  await expect(page.getByRole("button", { name: "New project in Orchard" })).toBeFocused();
});

test("people are invited by address, by username and by a link, and accept", async ({ someone }) => {
  const ada = await someone("Ada");
  const ben = await someone("Ben");
  const cleo = await someone("Cleo");
  const team = await ada.team("Orchard");
  const { page } = ada;
  await page.goto(`w/${team.id}/members`);
  await expect(page.getByRole("listitem").filter({ hasText: "Ada" }).getByText("here now")).toBeVisible();

  const { data: user } = await ben.client.call("profile.get", {});
  await page.getByLabel("E-mail address or username").fill(user.username);
  await page.getByRole("button", { name: "Invite", exact: true }).click();
  await expect(page.getByLabel("Role of Ben")).toHaveValue("member");
  await expect(ben.page.getByRole("link", { name: "Orchard" })).toBeVisible();

  await page.getByLabel("E-mail address or username").fill(cleo.email);
  await page.getByRole("button", { name: "Invite", exact: true }).click();
  await expect(page.getByRole("button", { name: `Revoke the invitation: ${cleo.email}` })).toBeVisible();

  await page.getByText("Invite by a link").click();
  await page.getByLabel("How many may use it").fill("3");
  await page.getByRole("button", { name: "Make a link" }).click();
  await expect(page.getByLabel("Link of the invitation")).toHaveValue(/\/join#/);
  await expectAccessible(page);
  await page.getByRole("button", { name: /^Revoke the invitation: Link/ }).click();
  await expect(page.getByRole("button", { name: /^Revoke the invitation: Link/ })).toBeHidden();
});

test("an invitation by address is accepted, or declined, where it is shown", async ({ server, someone }) => {
  const ada = await someone("Ada");
  const ben = await someone("Ben");
  // Only who has proved an address is told of its invitations.
  await server.stop();
  server.command("admin", "set-role", ben.email, "admin");
  await server.start();
  await ben.client.call("admin.user.update", { id: (await ben.client.call("profile.get", {})).data.id, email: ben.email });
  for (const name of ["Orchard", "Garden"]) {
    const team = await ada.team(name);
    await ada.client.call("invite.create", { workspace_id: team.id, email: ben.email, role: "member" });
  }
  const orchard = ben.page.getByRole("form", { name: "Invitation to Orchard" });
  await orchard.getByRole("button", { name: "Decline" }).click();
  await expect(orchard).toBeHidden();
  await ben.page.getByRole("form", { name: "Invitation to Garden" }).getByRole("button", { name: "Accept" }).click();
  await expect(ben.page.getByRole("link", { name: "Garden" })).toBeVisible();
  await ben.page.reload();
  await expect(ben.page.getByRole("link", { name: "Garden" })).toBeVisible();
  await expect(orchard).toBeHidden();
});

test("roles are changed, ownership is passed on, members go and leave", async ({ someone }) => {
  const ada = await someone("Ada");
  const ben = await someone("Ben");
  const cleo = await someone("Cleo");
  const team = await ada.team("Orchard", ben, cleo);
  const { page } = ada;
  await page.goto(`w/${team.id}/members`);
  await page.getByLabel("Role of Ben").selectOption("admin");
  await ben.page.goto(`w/${team.id}/members`);
  await expect(ben.page.getByLabel("Role of Ben")).toHaveValue("admin");
  await expect(page.getByRole("listitem").filter({ hasText: "Ben" }).getByText("here now")).toBeVisible();

  await page.getByRole("button", { name: "More for Cleo" }).click();
  await page.getByRole("menuitem", { name: "Remove from the workspace" }).click();
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await expect(page.getByLabel("Role of Cleo")).toBeHidden();
  await expect(cleo.page.getByRole("link", { name: "Orchard" })).toBeHidden();

  await page.getByRole("button", { name: "More for Ben" }).click();
  await page.getByRole("menuitem", { name: "Make owner" }).click();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Make owner" }).click();
  await expect(ben.page.getByLabel("Role of Ben")).toHaveValue("owner");

  await page.getByRole("button", { name: "More for Ada" }).click();
  await page.getByRole("menuitem", { name: "Leave the workspace" }).click();
  await page.getByRole("button", { name: "Leave the workspace" }).click();
  await expect(page).toHaveURL(/\/today$/);
  await expect(page.getByRole("link", { name: "Orchard" })).toBeHidden();
});

test("stages are renamed, added, moved and deleted; their tasks go where it was said", async ({ someone }) => {
  const { page, client, team } = await someone("Ada");
  const orchard = await team("Orchard");
  await client.call("task.create", { workspace_id: orchard.id, title: "Prune", stage: "doing" });
  await page.goto(`w/${orchard.id}/options`);
  const stages = async () => (await client.call("workspace.get", { workspace_id: orchard.id })).data.stages.map(({ name }) => name);

  await page.getByLabel("Name of “Doing”").fill("In work");
  await page.keyboard.press("Enter");
  await expect.poll(stages).toEqual(["To do", "In work", "Done"]);
  await page.getByLabel("New stage").fill("Review");
  await page.getByRole("button", { name: "Add a stage" }).click();
  await expect.poll(stages).toEqual(["To do", "In work", "Review", "Done"]);
  const up = page.getByRole("button", { name: "Move “Review” up" });
  await up.click();
  await expect(up).toBeFocused();
  await expect.poll(stages).toEqual(["To do", "Review", "In work", "Done"]);

  await expect(page.getByRole("button", { name: "Delete “Done”" })).toBeDisabled();
  await page.getByRole("button", { name: "Delete “In work”" }).click();
  await expect(page.getByText("Its task goes to “Review”.")).toBeVisible();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect.poll(stages).toEqual(["To do", "Review", "Done"]);
  // Another's change is shown.
  await client.call("workspace.update", { workspace_id: orchard.id, name: "Old orchard" });
  await expect(page.getByRole("heading", { name: "Old orchard" })).toBeVisible();
  await expectAccessible(page);
});

test("projects are renamed, coloured, ordered, archived and deleted", async ({ someone }) => {
  const { page, client, home } = await someone("Ada");
  for (const name of ["Harvest", "Press"]) await client.call("project.create", { workspace_id: home, name });
  await page.goto(`w/${home}/options`);
  const projects = async () => (await client.call("project.list", { workspace_id: home })).data.items;
  const names = async () => (await projects()).map(({ name, is_archived }) => name + (is_archived ? " (archived)" : ""));

  await page.getByRole("button", { name: "Move “Press” up" }).click();
  await expect.poll(names).toEqual(["Press", "Harvest"]);
  await page.getByRole("button", { name: "Colour of “Press”" }).click();
  await page.getByRole("menuitemcheckbox", { name: "Blue" }).click();
  await expect.poll(async () => (await projects())[0]!.color).toBe("#3b76c4");
  await page.getByRole("button", { name: "More for Harvest" }).click();
  await page.getByRole("menuitem", { name: "Archive" }).click();
  await expect.poll(names).toEqual(["Press", "Harvest (archived)"]);
  await expect(page.getByText("1 archived project")).toBeVisible();
  await page.getByRole("status").getByRole("button", { name: "Undo" }).last().click();
  await expect.poll(names).toEqual(["Press", "Harvest"]);
  await page.getByRole("button", { name: "More for Harvest" }).click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect.poll(names).toEqual(["Press"]);
});

test("tags are renamed, merged once that is confirmed, and deleted", async ({ someone }) => {
  const { page, client, home } = await someone("Ada");
  await client.call("task.create", { title: "Pick", tags: ["apple", "Fruit"] });
  await client.call("task.create", { title: "Press", tags: ["apples"] });
  await page.goto(`w/${home}/options`);
  const tags = async () => (await client.call("tag.list", { workspace_id: home })).data.items.map(({ name }) => name);
  await page.getByLabel("Name of “apples”").fill("APPLE");
  await page.keyboard.press("Enter");
  await expect(page.getByText("There is a tag “apple” already.")).toBeVisible();
  await page.getByRole("dialog").getByRole("button", { name: "Merge" }).click();
  await expect.poll(tags).toEqual(["apple", "Fruit"]);
  await expect(page.getByRole("listitem").filter({ has: page.getByLabel("Name of “apple”") })).toContainText("2 tasks");
  await page.getByRole("button", { name: "More for Fruit" }).click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect.poll(tags).toEqual(["apple"]);
});

test("a workspace is exported, and the file is imported after a look at what it makes", async ({ someone }) => {
  const { page, client, home, team } = await someone("Ada");
  await client.call("task.create", { title: "Water the plants", tags: ["garden"] });
  await page.goto(`w/${home}/options`);
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: "JSON" }).click();
  const path = await (await coming).path();
  expect(await readFile(path, "utf8")).toContain("Water the plants");

  const other = await team("Copy");
  await page.goto(`w/${other.id}/options`);
  await page.getByLabel("File").setInputFiles(path);
  await page.getByRole("button", { name: "Check the file" }).click();
  await expect(page.getByText("1 tag, 1 task")).toBeVisible();
  expect((await client.call("task.list", { workspace_id: other.id })).data.items).toEqual([]);
  await page.getByRole("button", { name: "Import now" }).click();
  await expect(page.getByText("Imported 1 task")).toBeVisible();
  expect((await client.call("task.list", { workspace_id: other.id })).data.items).toHaveLength(1);

  await page.getByLabel("Format").selectOption("csv");
  await page.getByLabel("File").setInputFiles({ name: "a.csv", mimeType: "text/csv", buffer: Buffer.from("title,due_at\nPrune,never\n") });
  await page.getByRole("button", { name: "Check the file" }).click();
  await expect(page.getByText(/^line 2/)).toBeVisible();
});

test("a workspace is deleted by who types its name", async ({ someone }) => {
  const { page, team } = await someone("Ada");
  const orchard = await team("Orchard");
  await page.goto(`w/${orchard.id}/options`);
  await page.getByRole("button", { name: "Delete the workspace" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(/^Type/).fill("Garden");
  await dialog.getByRole("button", { name: "Delete the workspace" }).click();
  await expect(dialog.getByText("This is not “Orchard”.")).toBeVisible();
  await expectAccessible(page);
  await dialog.getByLabel(/^Type/).fill("Orchard");
  await dialog.getByRole("button", { name: "Delete the workspace" }).click();
  await expect(page).toHaveURL(/\/today$/);
  await expect(page.getByRole("link", { name: "Orchard" })).toBeHidden();
});

test("a viewer changes nothing, and offline an invitation keeps what was typed", async ({ server, someone }) => {
  const ada = await someone("Ada");
  const ben = await someone("Ben");
  const team = await ada.team("Orchard");
  await ada.client.call("member.add", { workspace_id: team.id, email: ben.email, role: "viewer" });
  await ben.page.goto(`w/${team.id}/options`);
  await expect(ben.page.getByLabel("Name of “Done”")).toBeDisabled();
  await expect(ben.page.getByRole("button", { name: "Add a stage" })).toBeHidden();

  await ada.page.goto(`w/${team.id}/members`);
  await expect(ada.page.getByLabel("Role of Ada")).toBeVisible();
  await server.stop();
  await expect(ada.page.getByText(/^Offline since/)).toBeVisible();
  await ada.page.getByLabel("E-mail address or username").fill("dora@example.org");
  await ada.page.getByRole("button", { name: "Invite", exact: true }).click();
  await expect(ada.page.getByRole("alert").filter({ hasText: "What you typed is kept" })).toBeVisible();
  await expect(ada.page.getByLabel("E-mail address or username")).toHaveValue("dora@example.org");
  await server.start();
  await expect(ada.page.getByText(/^Offline since/)).toBeHidden();
  await ada.page.getByRole("button", { name: "Invite", exact: true }).click();
  await expect(ada.page.getByRole("button", { name: "Revoke the invitation: dora@example.org" })).toBeVisible();
});

test("a project has options of its own", async ({ someone }) => {
  const { page, client, home } = await someone("Ada");
  const { data: project } = await client.call("project.create", { workspace_id: home, name: "Harvest" });
  await page.goto(`w/${home}/p/${project.id}/options`);
  await page.getByLabel("Name of “Harvest”").fill("Late harvest");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("heading", { name: "Late harvest" })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "More for Late harvest" }).click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(page).toHaveURL(new RegExp(`/w/${home}/board$`));
});

test("what is typed outlasts a reload, and what others change meanwhile", async ({ someone }) => {
  const { page, client, team } = await someone("Ada");
  const orchard = await team("Orchard");
  await page.goto(`w/${orchard.id}/members`);
  const whom = page.getByLabel("E-mail address or username");
  await whom.fill("dora@example");
  await client.call("workspace.update", { workspace_id: orchard.id, name: "Garden" });
  await expect(page.getByRole("heading", { name: "Garden" })).toBeVisible();
  await expect(whom).toBeFocused();
  await page.reload();
  await expect(whom).toHaveValue("dora@example");
});
