// What the tests of a workspace's board and list share: tasks, and dragging with a mouse.

import { expect, type Locator, type Page } from "@playwright/test";
import type { Client } from "../../src/sdk/index.js";
import type { CreateTask, Task } from "../../src/sdk/contract.js";

/** Makes tasks with these titles, in this order. */
export const make = async (client: Client, workspace_id: string, titles: string[], more: Partial<CreateTask> = {}) => {
  const tasks: Task[] = [];
  for (const title of titles) tasks.push((await client.call("task.create", { workspace_id, title, ...more })).data);
  return tasks;
};

/** Makes many tasks: `Task 0001`… */
export const makeMany = async (client: Client, workspace_id: string, count: number): Promise<void> => {
  const titles = Array.from({ length: count }, (_, i) => `Task ${String(i + 1).padStart(4, "0")}`);
  for (let i = 0; i < count; i += 100) {
    const ops = titles.slice(i, i + 100).map((title) => ({ type: "task.create" as const, data: { workspace_id, title } }));
    await client.call("batch", { ops });
  }
};

/** Drags with the mouse to a point of another element, and holds. */
export const drag = async (page: Page, from: Locator, to: Locator, at: { x?: number; y: number }): Promise<void> => {
  const start = (await from.boundingBox())!;
  const end = (await to.boundingBox())!;
  await page.mouse.move(start.x + 20, start.y + start.height / 2);
  await page.mouse.down();
  await page.mouse.move(start.x + 35, start.y + start.height / 2 + 10, { steps: 3 });
  await expect(page.locator(".ghost")).toBeVisible();
  await page.mouse.move(end.x + (at.x ?? 40), end.y + at.y, { steps: 6 });
};
