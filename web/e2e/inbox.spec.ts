// The inbox: notifications live, read, unread, deleted, opened; older ones page by page.

import { expect, test, type Someone } from "./support/board.js";
import { expectAccessible, PHONE } from "./support/accessible.js";

const notices = ({ page }: Someone) => page.locator(".notice");
const unread = ({ page }: Someone) => page.locator(".notice.unread");

/** Ada's team with Ben, and a task that Ben assigned to her. */
const assigned = async (ada: Someone, ben: Someone) => {
  const team = await ben.team("Orchard", ada);
  const me = (await ada.client.call("user.sync", {})).data.user.id;
  const { data: task } = await ben.client.call("task.create", { title: "Pick the apples", workspace_id: team.id, assignee_ids: [me] });
  return { team, task, me };
};

test("what another person assigns appears, is opened, and is read everywhere", async ({ someone }) => {
  const [ada, ben] = [await someone("Ada"), await someone("Ben")];
  await ada.page.goto("inbox");
  await ada.client.call("notification.mark_all_read", {});
  const { task } = await assigned(ada, ben);
  const link = ada.page.getByRole("link", { name: /Pick the apples/ }).first();
  await expect(link).toBeVisible();
  await expect(ada.page.getByRole("heading", { name: "Today" })).toBeVisible();
  await expect(unread(ada)).not.toHaveCount(0);
  await link.click();
  await expect(ada.page).toHaveURL(new RegExp(`inbox\\?task=${task.id}`));
  await expect(notices(ada).filter({ hasText: "Pick the apples" }).first()).not.toHaveClass(/unread/);
  const isUnread = async () => {
    const { data } = await ada.client.call("notification.list", { unread_only: true });
    return data.items.some(({ task_id }) => task_id === task.id);
  };
  await expect.poll(isUnread).toBe(false);
  await ada.client.call("notification.mark_all_read", {});
  await expect(unread(ada)).toHaveCount(0);
  await expect(ada.page.getByRole("button", { name: "Mark all as read" })).toBeDisabled();
});

test("by keyboard each is marked and deleted, and the focus goes to the next one", async ({ someone }) => {
  const ada = await someone("Ada");
  await ada.page.goto("inbox");
  await ada.client.call("notification.mark_all_read", {});
  for (const title of ["One", "Two", "Three"]) await ada.client.call("task.create", { title });
  const row = (title: string) => notices(ada).filter({ hasText: `“${title}”` });
  await expect(row("Three")).toHaveClass(/unread/);
  await row("Three").getByRole("button", { name: /Mark as read/ }).focus();
  await ada.page.keyboard.press("Enter");
  await expect(row("Three")).not.toHaveClass(/unread/);
  await ada.page.keyboard.press("Enter");
  await expect(row("Three")).toHaveClass(/unread/);
  await ada.page.keyboard.press("Tab");
  await ada.page.keyboard.press("Enter");
  await expect(row("Three")).toHaveCount(0);
  await expect(row("Two").getByRole("button", { name: /^Delete/ })).toBeFocused();
  await ada.page.getByRole("button", { name: "Mark all as read" }).click();
  await expect(unread(ada)).toHaveCount(0);
  await expect.poll(async () => (await ada.client.call("notification.unread_count", {})).data.unread).toBe(0);
});

test("older ones come when asked for, and follow what happens to them", async ({ someone }) => {
  const ada = await someone("Ada");
  await ada.client.call("notification.mark_all_read", {});
  const make = (i: number) => ({ type: "task.create" as const, data: { title: `N${i}` } });
  for (let at = 0; at < 170; at += 85) await ada.client.call("batch", { ops: Array.from({ length: 85 }, (_, i) => make(at + i)) });
  await ada.page.goto("inbox");
  await expect(notices(ada)).toHaveCount(100);
  const more = ada.page.getByRole("button", { name: "Show older ones" });
  await more.click();
  await expect(notices(ada).filter({ hasText: "“N20”" })).toBeVisible();
  while (await more.isVisible()) {
    const before = await notices(ada).count();
    await more.click();
    await expect(async () => expect((await notices(ada).count()) > before || !(await more.isVisible())).toBe(true)).toPass();
  }
  const oldest = notices(ada).filter({ hasText: "“N0”" });
  await expect(oldest).toHaveClass(/unread/);
  await oldest.getByRole("button", { name: /Mark as read/ }).click();
  await expect(oldest).not.toHaveClass(/unread/);
  const held = async () => {
    const { data } = await ada.client.call("notification.list", { sort: "created_at", limit: 10 });
    return data.items.find(({ message }) => message.includes("“N0”"))!;
  };
  await expect.poll(async () => (await held()).is_read).toBe(true);
  await ada.client.call("notification.delete", { id: (await held()).id });
  await expect(oldest).toHaveCount(0);
});

test("offline the newest stay, and older ones say why they do not come", async ({ someone, server }) => {
  const ada = await someone("Ada");
  const make = (i: number) => ({ type: "task.create" as const, data: { title: `N${i}` } });
  for (let at = 0; at < 120; at += 60) await ada.client.call("batch", { ops: Array.from({ length: 60 }, (_, i) => make(at + i)) });
  await ada.page.goto("inbox");
  await expect(notices(ada)).toHaveCount(100);
  await server.stop();
  await expect(ada.page.getByText("Older notifications can be shown when you are online again.")).toBeVisible();
  const first = notices(ada).first();
  await first.getByRole("button", { name: /Mark as read/ }).click();
  await expect(first).not.toHaveClass(/unread/);
  await server.start();
  await expect(ada.page.getByRole("button", { name: "Show older ones" })).toBeEnabled();
  await expect.poll(async () => (await ada.client.call("notification.list", { limit: 1 })).data.items[0]!.is_read).toBe(true);
});

for (const [size, options] of [["desk", {}], ["phone", PHONE]] as const)
  test(`is accessible at a ${size}, empty and full`, async ({ someone }) => {
    const [ada, ben] = [await someone("Ada", options), await someone("Ben")];
    await ada.page.goto("inbox");
    await expect(ada.page.getByRole("heading", { name: "Inbox" })).toBeVisible();
    const { data } = await ada.client.call("notification.list", {});
    if (data.items.length) await ada.client.call("notification.delete_many", { ids: data.items.map(({ id }) => id) });
    await expect(ada.page.getByRole("heading", { name: "Your inbox is empty" })).toBeVisible();
    await expectAccessible(ada.page);
    await assigned(ada, ben);
    await expect(ada.page.getByRole("link", { name: /Pick the apples/ }).first()).toBeVisible();
    await expectAccessible(ada.page);
  });
