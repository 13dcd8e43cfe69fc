// The panel of a task: each field, as another person sees it; what is not saved; who wins; the focus.

import { expect, test } from "./support/board.js";
import { openTask, panelOf, part, together } from "./support/panel.js";

test("the title is edited in place, and the other person sees it", async ({ someone }) => {
  const [ada, ben] = [await someone("Ada"), await someone("Ben")];
  const { mine, theirs } = await together(ada, ben);
  await mine.getByRole("button", { name: "Pick apples", exact: true }).click();
  await mine.getByRole("textbox", { name: "Title" }).fill("Pick pears");
  await ada.page.keyboard.press("Enter");
  await expect(theirs.getByRole("heading", { level: 2, name: "Pick pears" })).toBeVisible();
  await expect(mine.getByRole("button", { name: "Pick pears", exact: true })).toBeFocused();
  await ada.page.keyboard.press("Enter");
  await mine.getByRole("textbox", { name: "Title" }).fill("Something else");
  await ada.page.keyboard.press("Escape");
  await expect(mine.getByRole("button", { name: "Pick pears", exact: true })).toBeFocused();
});

test("stage, project, priority and completion", async ({ someone }) => {
  const [ada, ben] = [await someone("Ada"), await someone("Ben")];
  const { space, mine, theirs } = await together(ada, ben);
  await ada.client.call("project.create", { workspace_id: space.id, name: "Harvest" });
  await expect(mine.getByLabel("Project").getByRole("option", { name: "Harvest" })).toBeAttached();
  await mine.getByLabel("Stage").selectOption({ index: 1 });
  await mine.getByLabel("Project").selectOption("Harvest");
  await mine.getByLabel("Priority").selectOption("Urgent");
  await expect(theirs.getByLabel("Stage")).toHaveValue(await mine.getByLabel("Stage").inputValue());
  await expect(theirs.getByLabel("Project").locator("option:checked")).toHaveText("Harvest");
  await expect(theirs.getByLabel("Priority")).toHaveValue("urgent");
  await theirs.getByRole("checkbox", { name: "Complete “Pick apples”" }).click();
  await expect(mine.getByRole("checkbox", { name: "Reopen “Pick apples”" })).toBeChecked();
});

test("the due date: a day, then a moment, in the person's zone, then none", async ({ someone }) => {
  const [ada, ben] = [await someone("Ada"), await someone("Ben")];
  await ada.client.call("profile.update", { timezone: "Asia/Tokyo" });
  const { task, mine, theirs } = await together(ada, ben);
  const due = async () => (await ada.client.call("task.get", { id: task.id })).data;
  await mine.getByRole("button", { name: "Tomorrow" }).click();
  await mine.getByLabel("Due date", { exact: true }).fill("2031-05-06");
  await mine.getByLabel("Due date", { exact: true }).press("Enter");
  await expect(theirs.getByLabel("Due date", { exact: true })).toHaveValue("2031-05-06");
  await expect(theirs.getByLabel("All day")).toBeChecked();
  await mine.getByLabel("All day").uncheck();
  await mine.getByLabel("Due time", { exact: true }).fill("18:30");
  await mine.getByLabel("Due time", { exact: true }).press("Enter");
  await expect.poll(async () => (await due()).due_at).toBe("2031-05-06T09:30:00.000Z");
  await expect(mine.getByText("Time in Asia/Tokyo")).toBeVisible();
  await expect(mine.getByLabel("Due time", { exact: true })).toHaveValue("18:30");
  await mine.getByRole("combobox", { name: "Reminder" }).selectOption("1 hour before");
  await expect.poll(async () => (await due()).remind_at).toBe("2031-05-06T08:30:00.000Z");
  await mine.getByRole("button", { name: "Remove the due date" }).click();
  await expect(theirs.getByLabel("Due date", { exact: true })).toHaveValue("");
  await expect.poll(async () => (await due()).due_at).toBeNull();
});

test("a date that is typed in part is not saved, and takes nothing away", async ({ someone }) => {
  const ada = await someone("Ada");
  const { data: task } = await ada.client.call("task.create", { title: "Prune", due_at: "2031-05-06T00:00:00Z", all_day: true });
  const panel = await openTask(ada.page, task);
  await panel.getByLabel("Due date", { exact: true }).focus();
  await ada.page.keyboard.press("Backspace");
  await panel.getByRole("button", { name: "Prune", exact: true }).focus();
  await expect(panel.getByLabel("Due date", { exact: true })).toHaveValue("2031-05-06");
  expect((await ada.client.call("task.get", { id: task.id })).data.due_at).toBe("2031-05-06T00:00:00.000Z");
});

test("recurrence is chosen and read in words", async ({ someone }) => {
  const [ada, ben] = [await someone("Ada"), await someone("Ben")];
  const { task, mine, theirs } = await together(ada, ben, { due_at: "2031-05-30T00:00:00Z", all_day: true });
  await mine.getByRole("button", { name: "Does not repeat" }).click();
  await mine.getByLabel("How often").selectOption("week");
  await mine.getByRole("checkbox", { name: "Monday" }).check({ force: true });
  await mine.getByRole("checkbox", { name: "Friday" }).check({ force: true });
  await mine.getByLabel("How it ends").selectOption("after");
  await mine.getByLabel("How many times").fill("6");
  await mine.getByRole("button", { name: "Save" }).click();
  await expect(theirs.getByRole("button", { name: "Every week on Monday and Friday, 6 times" })).toBeVisible();
  await theirs.getByRole("button", { name: "Every week on Monday and Friday, 6 times" }).click();
  await theirs.getByLabel("How often").selectOption("month");
  await theirs.getByLabel("On which day of the month").selectOption("on the last Friday");
  await theirs.getByLabel("How it ends").selectOption("never");
  await theirs.getByRole("button", { name: "Save" }).click();
  await expect(mine.getByRole("button", { name: "Every month on the last Friday" })).toBeVisible();
  await ada.client.call("task.update", { id: task.id, recurrence: "FREQ=MONTHLY;BYMONTHDAY=1,15" });
  await expect(mine.getByRole("button", { name: "FREQ=MONTHLY;BYMONTHDAY=1,15" })).toBeVisible();
});

test("assignees, tags and blockers are found as one types", async ({ someone }) => {
  const [ada, ben] = [await someone("Ada"), await someone("Ben")];
  const { space, mine, theirs } = await together(ada, ben, { tags: ["orchard"] });
  const { data: press } = await ada.client.call("task.create", { title: "Repair the press", workspace_id: space.id, tags: ["winter"] });
  await mine.getByRole("combobox", { name: "Assign somebody" }).fill("be");
  await mine.getByRole("option", { name: /^Ben/ }).click();
  await expect(theirs.getByRole("button", { name: "Unassign Ben" })).toBeVisible();
  const tags = mine.getByRole("combobox", { name: "Add a tag" });
  await tags.fill("win");
  await expect(mine.getByRole("option", { name: "winter" })).toBeVisible();
  await tags.press("Enter");
  await tags.fill("brand new");
  await mine.getByRole("option", { name: "New tag “brand new”" }).click();
  await expect(theirs.getByRole("button", { name: "Remove the tag winter" })).toBeVisible();
  await theirs.getByRole("button", { name: "Remove the tag brand new" }).click();
  await expect(mine.getByRole("button", { name: "Remove the tag brand new" })).toBeHidden();
  await mine.getByRole("combobox", { name: "Find a task that blocks it" }).fill("press");
  await mine.getByRole("option", { name: "Repair the press" }).click();
  await expect(theirs.getByRole("group", { name: "Blocked by" }).getByText("blocks", { exact: true })).toBeVisible();
  await ada.client.call("task.complete", { id: press.id, completed: true });
  await expect(theirs.getByText("does not block any more")).toBeVisible();
  await theirs.getByRole("link", { name: "Repair the press" }).click();
  await expect(panelOf(ben.page).getByRole("heading", { level: 2, name: "Repair the press" })).toBeVisible();
});

test("subtasks are added, completed and opened, two levels deep", async ({ someone }) => {
  const [ada, ben] = [await someone("Ada"), await someone("Ben")];
  const { mine, theirs } = await together(ada, ben);
  const add = mine.getByRole("textbox", { name: "Add a subtask" });
  await add.fill("Bring ladders");
  await add.press("Enter");
  await add.fill("Bring crates");
  await add.press("Enter");
  await expect(add).toBeFocused();
  await expect(part(theirs, "Subtasks").getByRole("link")).toHaveText(["Bring ladders", "Bring crates"]);
  await part(theirs, "Subtasks").getByRole("checkbox", { name: "Complete “Bring crates”" }).click();
  await expect(mine.getByText("1 of 2 done")).toBeVisible();
  await part(mine, "Subtasks").getByRole("link", { name: "Bring ladders" }).click();
  await expect(mine.getByRole("link", { name: "Part of Pick apples" })).toBeVisible();
  await expect(mine.getByRole("button", { name: "Bring ladders", exact: true })).toBeFocused();
  await mine.getByRole("textbox", { name: "Add a subtask" }).fill("The long one");
  await mine.getByRole("textbox", { name: "Add a subtask" }).press("Enter");
  await expect(part(theirs, "Subtasks").getByRole("link", { name: "The long one" })).toBeVisible();
  await part(mine, "Subtasks").getByRole("link", { name: "The long one" }).click();
  await expect(mine.getByRole("link", { name: "Part of Bring ladders" })).toBeVisible();
  await expect(mine.getByRole("textbox", { name: "Add a subtask" })).toBeHidden();
});

test("the description is Markdown, with a preview", async ({ someone }) => {
  const [ada, ben] = [await someone("Ada"), await someone("Ben")];
  const { mine, theirs } = await together(ada, ben);
  await part(mine, "Description").getByRole("button", { name: "Add" }).click();
  const field = mine.getByRole("textbox", { name: "Description" });
  await field.fill("Some **bold** words\n\n- [link](https://example.org)\n- `x < y` &amp; z");
  await mine.getByRole("button", { name: "Preview" }).click();
  await expect(mine.locator("strong", { hasText: "bold" })).toBeVisible();
  await mine.getByRole("button", { name: "Done" }).click();
  const seen = part(theirs, "Description");
  await expect(seen.locator("strong")).toHaveText("bold");
  await expect(seen.getByRole("link", { name: "link" })).toHaveAttribute("rel", "noopener noreferrer external");
  await expect(seen.getByRole("listitem").nth(1)).toHaveText("x < y & z");
});

test("what was written and not saved is there after a reload", async ({ someone }) => {
  const ada = await someone("Ada");
  const { data: task } = await ada.client.call("task.create", { title: "Prune", description: "Before" });
  const panel = await openTask(ada.page, task);
  await part(panel, "Description").getByRole("button", { name: "Edit" }).click();
  await panel.getByRole("textbox", { name: "Description" }).fill("Half a thought");
  await panel.getByRole("textbox", { name: "Write a comment" }).pressSequentially("Half a comment");
  // Leaving the description saved it.
  await expect(part(panel, "Description").getByText("Half a thought")).toBeVisible();
  await part(panel, "Description").getByRole("button", { name: "Edit" }).click();
  await panel.getByRole("textbox", { name: "Description" }).fill("Another half");
  await ada.page.reload();
  await expect(panel.getByRole("textbox", { name: "Description" })).toHaveValue("Another half");
  await expect(panel.getByText("This is what you wrote before the page was loaded again.")).toBeVisible();
  await expect(panel.getByRole("textbox", { name: "Write a comment" })).toHaveValue("Half a comment");
  expect((await ada.client.call("task.get", { id: task.id })).data.description).toBe("Half a thought");
  await panel.getByRole("button", { name: "Discard" }).click();
  await expect(part(panel, "Description").getByText("Half a thought")).toBeVisible();
});

test("somebody else's change of a text that is being written is shown, and not overwritten", async ({ someone }) => {
  const [ada, ben] = [await someone("Ada"), await someone("Ben")];
  const { task, mine } = await together(ada, ben, { description: "First" });
  const description = async () => (await ben.client.call("task.get", { id: task.id })).data.description;
  await part(mine, "Description").getByRole("button", { name: "Edit" }).click();
  const field = mine.getByRole("textbox", { name: "Description" });
  await field.fill("Mine");
  await ben.client.call("task.update", { id: task.id, description: "Theirs" });
  await expect(mine.getByText("Ben changed this while you were writing:")).toBeVisible();
  await expect(field).toBeFocused();
  await expect(field).toHaveValue("Mine");
  await mine.getByRole("button", { name: "Done" }).click();
  expect(await description()).toBe("Theirs");
  await mine.getByRole("button", { name: "Keep mine" }).click();
  await expect.poll(description).toBe("Mine");
  await part(mine, "Description").getByRole("button", { name: "Edit" }).click();
  await mine.getByRole("textbox", { name: "Description" }).fill("Mine again");
  await ben.client.call("task.update", { id: task.id, description: "Theirs again" });
  await mine.getByRole("button", { name: "Take theirs" }).click();
  await expect(part(mine, "Description").getByText("Theirs again")).toBeVisible();
});

test("the focus goes to the title of a task that is opened, and back to its row", async ({ someone }) => {
  const ada = await someone("Ada");
  await ada.client.call("task.create", { title: "Water the plants", due_at: new Date().toISOString() });
  const row = ada.page.getByRole("link", { name: "Water the plants" });
  await row.click();
  const panel = panelOf(ada.page);
  await expect(panel.getByRole("button", { name: "Water the plants", exact: true })).toBeFocused();
  await panel.getByRole("textbox", { name: "Add a subtask" }).focus();
  await ada.page.keyboard.press("Escape");
  await expect(panel).toBeFocused();
  await ada.page.keyboard.press("Escape");
  await expect(panel).toBeHidden();
  await expect(row).toBeFocused();
});

test("actions: link, copy, deletion with undo, restoring; a task that is gone says so", async ({ someone }) => {
  const ada = await someone("Ada");
  await ada.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const { data: task } = await ada.client.call("task.create", { title: "Prune", description: "All of it", tags: ["garden"] });
  await ada.client.call("task.create", { title: "Find the shears", parent_id: task.id });
  const panel = await openTask(ada.page, task);
  const choose = async (name: string) => {
    await panel.getByRole("button", { name: "Actions for the task" }).click();
    await panel.getByRole("menuitem", { name }).click();
  };
  await choose("Copy the link");
  await expect(ada.page.getByText("The link is copied")).toBeVisible();
  expect(await ada.page.evaluate(() => navigator.clipboard.readText())).toBe(new URL(`w/${task.workspace_id}/t/${task.id}`, ada.page.url().replace(/w\/.*/, "")).href);
  await choose("Move to another project…");
  await expect(panel.getByLabel("Project")).toBeFocused();
  await choose("Duplicate");
  await expect(panel.getByRole("heading", { level: 2, name: "Prune (copy)" })).toBeVisible();
  await expect(part(panel, "Subtasks").getByRole("link", { name: "Find the shears" })).toBeVisible();
  await expect(panel.getByText("All of it")).toBeVisible();
  await choose("Delete");
  await expect(panel).toBeHidden();
  await ada.page.getByRole("button", { name: "Undo" }).last().click();
  await ada.client.call("task.delete", { id: task.id });
  await openTask(ada.page, task);
  await expect(panel.getByText(/This task was deleted on/)).toBeVisible();
  await expect(panel.getByLabel("Priority")).toBeDisabled();
  await panel.getByRole("button", { name: "Restore" }).click();
  await expect(panel.getByLabel("Priority")).toBeEnabled();
  await ada.client.call("task.delete", { id: task.id, permanent: true });
  await expect(panel.getByRole("heading", { name: "This task is not here" })).toBeVisible();
});

test("a change waits while the server is away, and is saved when it is back", async ({ someone, server }) => {
  const ada = await someone("Ada");
  const { data: task } = await ada.client.call("task.create", { title: "Prune" });
  const panel = await openTask(ada.page, task);
  await server.stop();
  await panel.getByLabel("Priority").selectOption("High");
  await expect(panel.getByText("Waits for the connection")).toBeVisible();
  await expect(panel.getByLabel("Priority")).toHaveValue("high");
  await server.start();
  await expect.poll(async () => (await ada.client.call("task.get", { id: task.id })).data.priority).toBe("high");
  await expect(panel.getByText("Waits for the connection")).toBeHidden();
});

test("a change that is refused says why, and is discarded or tried again", async ({ someone, server }) => {
  const [ada, ben] = [await someone("Ada"), await someone("Ben")];
  const space = await ben.team("Orchard", ada);
  const { data: task } = await ben.client.call("task.create", { title: "Prune", workspace_id: space.id });
  const panel = await openTask(ada.page, task);
  await server.stop();
  await panel.getByRole("button", { name: "Prune", exact: true }).click();
  await panel.getByRole("textbox", { name: "Title" }).fill("Prune it all");
  await ada.page.keyboard.press("Enter");
  await expect(panel.getByText("Waits for the connection")).toBeVisible();
  // While it is away, nobody is there to refuse: another page makes the person a viewer before this one is back.
  await ada.page.context().setOffline(true);
  await server.start();
  const me = (await ada.client.call("profile.get")).data.id;
  await ben.client.call("member.update", { workspace_id: space.id, user_id: me, role: "viewer" });
  await ada.page.context().setOffline(false);
  await expect(panel.getByText(/^Not saved: /).first()).toBeVisible();
  await expect(panel.getByRole("heading", { level: 2, name: "Prune", exact: true })).toBeVisible();
  await panel.getByRole("button", { name: "Discard" }).click();
  await expect(panel.getByText(/^Not saved: /)).toHaveCount(0);
});
