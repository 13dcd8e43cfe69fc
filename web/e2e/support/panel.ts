// What tests of the panel share: a task that two people look at.

import type { Locator, Page } from "@playwright/test";
import type { CreateTask, Task } from "../../src/sdk/contract.js";
import { expect, type Someone } from "./board.js";

export const panelOf = (page: Page): Locator => page.getByRole("complementary", { name: /^Task/ });

/** Opens a task by its lasting address. */
export const openTask = async (page: Page, task: Task, part = ""): Promise<Locator> => {
  await page.goto(`w/${task.workspace_id}/t/${task.id}${part}`);
  const panel = panelOf(page);
  await expect(panel.getByRole("heading", { level: 2, name: task.title })).toBeVisible();
  return panel;
};

/** A task in a workspace of two people, open in the pages of both. */
export const together = async (one: Someone, other: Someone, fields: Partial<CreateTask> = {}) => {
  const space = await one.team("Orchard", other);
  const { data: task } = await one.client.call("task.create", { title: "Pick apples", workspace_id: space.id, ...fields });
  return { space, task, mine: await openTask(one.page, task), theirs: await openTask(other.page, task) };
};

/** A part of the panel by its heading. */
export const part = (panel: Locator, name: string): Locator => panel.getByRole("region", { name });
