// Two people see each other's changes.

import { expect, test } from "./support/board.js";

test("a task that is due today is on the board at once, and goes when it is completed elsewhere", async ({ someone }) => {
  const ada = await someone("Ada");
  const due_at = new Date().toISOString();
  const { data: task } = await ada.client.call("task.create", { title: "Water the plants", due_at });
  await expect(ada.page.getByRole("link", { name: "Water the plants" })).toBeVisible();
  await ada.client.call("task.complete", { id: task.id, completed: true });
  await expect(ada.page.getByRole("link", { name: "Water the plants" })).toBeHidden();
});
