// What people say and put on a task: comments with mentions, who looks and writes now, files, and the history.

import { readFile } from "node:fs/promises";
import { expect, test } from "./support/board.js";
import { openTask, panelOf, part, together } from "./support/panel.js";

test("comments: written with a mention, seen at once, edited and deleted by their author", async ({ someone }) => {
  const [ada, ben] = [await someone("Ada"), await someone("Ben")];
  const { mine, theirs } = await together(ada, ben);
  const field = mine.getByRole("textbox", { name: "Write a comment" });
  await field.pressSequentially("Ask @be");
  await mine.getByRole("option", { name: /^Ben/ }).click();
  await field.pressSequentially("for **the** ladder");
  await field.press("Control+Enter");
  await expect(field).toHaveValue("");
  const said = part(theirs, "Comments").getByRole("listitem");
  await expect(said).toContainText(/Ask @\S+ for the ladder/);
  await expect(said.locator(".mention.me")).toBeVisible();
  await expect(ben.page.getByRole("link", { name: /Inbox/ })).toContainText(/\d/);
  // Only who wrote it can change it.
  await expect(theirs.getByRole("button", { name: "Actions for the comment of Ada" })).toBeHidden();
  await mine.getByRole("button", { name: "Actions for the comment of Ada" }).click();
  await mine.getByRole("menuitem", { name: "Edit" }).click();
  await expect(mine.getByRole("textbox", { name: "Edit the comment" })).toBeFocused();
  await mine.getByRole("textbox", { name: "Edit the comment" }).fill("Never mind");
  await mine.getByRole("button", { name: "Save" }).click();
  await expect(said).toContainText("Never mind");
  await expect(said).toContainText("edited");
  await mine.getByRole("button", { name: "Actions for the comment of Ada" }).click();
  await mine.getByRole("menuitem", { name: "Delete" }).click();
  await mine.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(said).toHaveCount(0);
});

test("who looks at the task and who writes is seen by the others, until they stop", async ({ someone }) => {
  const [ada, ben] = [await someone("Ada"), await someone("Ben")];
  const { mine, theirs } = await together(ada, ben);
  await expect(mine.getByRole("list", { name: "Looking at this task now" }).getByRole("img", { name: "Ben" })).toBeVisible();
  await expect(theirs.getByRole("list", { name: "Looking at this task now" }).getByRole("img", { name: "Ada" })).toBeVisible();
  await theirs.getByRole("textbox", { name: "Write a comment" }).pressSequentially("Well");
  await expect(mine.getByText("Ben is writing…")).toBeVisible();
  await theirs.getByRole("button", { name: "Comment", exact: true }).click();
  await expect(mine.getByText("Ben is writing…")).toBeHidden();
  await theirs.getByRole("button", { name: "Close the task" }).click();
  await expect(mine.getByRole("list", { name: "Looking at this task now" })).toBeHidden();
});

/** Bytes that no encoding keeps by chance. */
const BYTES = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919 + (i >> 8)) & 255));

test("files: several at once with progress, downloaded as they were, deleted", async ({ someone }) => {
  const [ada, ben] = [await someone("Ada"), await someone("Ben")];
  const { mine, theirs } = await together(ada, ben);
  // Uploads are held until it was seen that they are shown.
  let go = () => {};
  const held = new Promise<void>((resolve) => (go = resolve));
  await ada.page.route("**/attachments?*", async (route) => {
    await held;
    await route.continue();
  });
  await part(mine, "Files").locator("input[type=file]").setInputFiles([
    { name: "bytes.bin", mimeType: "application/octet-stream", buffer: BYTES },
    { name: "Überblick.txt", mimeType: "text/plain", buffer: Buffer.from("hello") },
    { name: "not wanted.txt", mimeType: "text/plain", buffer: Buffer.from("no") },
  ]);
  await expect(mine.getByRole("progressbar", { name: "Uploading bytes.bin" })).toBeVisible();
  await mine.getByRole("button", { name: "Cancel the upload of not wanted.txt" }).click();
  await expect(mine.getByText("not wanted.txt")).toBeHidden();
  go();
  const got = theirs.getByRole("button", { name: "Download bytes.bin" });
  await expect(got).toBeVisible();
  await expect(theirs.getByRole("button", { name: "Download Überblick.txt" })).toBeVisible();
  await expect(mine.getByRole("progressbar")).toHaveCount(0);
  const [download] = await Promise.all([ben.page.waitForEvent("download"), got.click()]);
  expect(download.suggestedFilename()).toBe("bytes.bin");
  expect((await readFile(await download.path())).equals(BYTES)).toBe(true);
  await mine.getByRole("button", { name: "Delete bytes.bin" }).click();
  await mine.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(got).toBeHidden();
});

test("files are dropped on the panel and pasted; one that is refused says why, and is tried again", async ({ someone }) => {
  const ada = await someone("Ada");
  const { data: task } = await ada.client.call("task.create", { title: "Prune" });
  const panel = await openTask(ada.page, task);
  const give = (event: "drop" | "paste", name: string) =>
    panel.evaluate(
      (element, [event, name]) => {
        const data = new DataTransfer();
        data.items.add(new File(["text"], name!, { type: "text/plain" }));
        const about = { bubbles: true, cancelable: true };
        element.dispatchEvent(
          event === "drop"
            ? new DragEvent("drop", { ...about, dataTransfer: data })
            : new ClipboardEvent("paste", { ...about, clipboardData: data }),
        );
      },
      [event, name],
    );
  await give("drop", "dropped.txt");
  await give("paste", "pasted.txt");
  await expect(panel.getByRole("button", { name: "Download dropped.txt" })).toBeVisible();
  await expect(panel.getByRole("button", { name: "Download pasted.txt" })).toBeVisible();
  await ada.page.route("**/attachments?*", (route) => route.abort(), { times: 1 });
  await give("drop", "again.txt");
  await expect(panel.getByText("Not uploaded: the connection broke off")).toBeVisible();
  await panel.getByRole("button", { name: "Try again" }).click();
  await expect(panel.getByRole("button", { name: "Download again.txt" })).toBeVisible();
});

test("the history has an address, says who did what, and follows what happens", async ({ someone }) => {
  const [ada, ben] = [await someone("Ada"), await someone("Ben")];
  const space = await ada.team("Orchard", ben);
  const { data: task } = await ada.client.call("task.create", { title: "Prune", workspace_id: space.id });
  const stage = space.stages.find(({ kind }) => kind === "active") ?? space.stages[1]!;
  await ben.client.call("task.update", { id: task.id, stage: stage.key, priority: "high" });
  const panel = await openTask(ada.page, task, "/history");
  const lines = part(panel, "History").getByRole("listitem");
  await expect(lines).toContainText([`Ben moved it to ${stage.name} and set the priority to High`, "Ada created it"]);
  await ben.client.call("comment.create", { task_id: task.id, body: "Well" });
  await expect(lines.first()).toContainText("Ben wrote a comment");
  for (let i = 0; i < 40; i++) await ada.client.call("task.update", { id: task.id, title: `Prune ${i}` });
  await expect(lines.first()).toContainText("Ada renamed it to “Prune 39”");
  await expect(lines).toHaveCount(30);
  await part(panel, "History").getByRole("button", { name: "Show more" }).click();
  await expect(lines.last()).toContainText("Ada created it");
  await panel.getByRole("link", { name: "Task", exact: true }).click();
  await expect(panelOf(ada.page).getByLabel("Priority")).toHaveValue("high");
});
