// The dashboard: the server's numbers, live; as a chart and as a table; without the server.

import { expect, test, type Someone } from "./support/board.js";
import { expectAccessible, PHONE } from "./support/accessible.js";
import { due } from "./support/days.js";

const tile = ({ page }: Someone, name: string) => page.locator(".tile", { has: page.getByText(name, { exact: true }) }).locator("dd");
const card = ({ page }: Someone, name: string) => page.locator(".card", { has: page.getByRole("heading", { name }) });

test("counts follow what another person does", async ({ someone }) => {
  const [ada, ben] = [await someone("Ada"), await someone("Ben")];
  const team = await ada.team("Orchard", ben);
  const { data: project } = await ada.client.call("project.create", { workspace_id: team.id, name: "Harvest" });
  await ada.page.goto(`w/${team.id}/dashboard`);
  await expect(tile(ada, "Pending")).toHaveText("0");
  await expect(card(ada, "Pending by person")).toContainText("Nothing is pending.");
  const me = (await ben.client.call("user.sync", {})).data.user.id;
  const { data: task } = await ben.client.call("task.create", {
    title: "Pick",
    workspace_id: team.id,
    project_id: project.id,
    priority: "urgent",
    assignee_ids: [me],
    ...due(-1),
  });
  await ben.client.call("task.create", { title: "Sell", workspace_id: team.id, ...due(0) });
  await expect(tile(ada, "Pending")).toHaveText("2");
  await expect(tile(ada, "Overdue")).toHaveText("1");
  await expect(tile(ada, "Due today")).toHaveText("1");
  for (const name of ["Ben", "Nobody"])
    await expect(card(ada, "Pending by person").locator("li", { hasText: name })).toContainText("1");
  for (const name of ["Urgent", "No priority"])
    await expect(card(ada, "Pending by priority").locator("li", { hasText: name })).toContainText("1");
  await expect(card(ada, "Pending by project").getByRole("link", { name: "Harvest" })).toBeVisible();
  await ben.client.call("task.complete", { id: task.id, completed: true });
  await expect(tile(ada, "Completed")).toHaveText("1");
  await expect(ada.page.getByText("In 30 days, 2 tasks were created and 1 task was completed.")).toBeVisible();
});

test("the chart is a table too, of as many days as one chooses, by keyboard", async ({ someone }) => {
  const ada = await someone("Ada");
  await ada.client.call("task.create", { title: "One" });
  await ada.page.goto(`w/${ada.home}/dashboard`);
  await expect(ada.page.locator("svg.bars rect.created")).toHaveCount(1);
  await ada.page.getByText("Show as a table").focus();
  await ada.page.keyboard.press("Enter");
  const rows = card(ada, "Created and completed per day").locator("tbody tr");
  await expect(rows).toHaveCount(30);
  await expect(rows.first().locator("td").first()).toHaveText("1");
  await ada.page.getByRole("button", { name: "7 days" }).focus();
  await ada.page.keyboard.press("Space");
  await expect(rows).toHaveCount(7);
  await ada.page.getByRole("button", { name: "90 days" }).click();
  await expect(rows).toHaveCount(90);
  await ada.page.reload();
  await expect(ada.page.getByRole("button", { name: "90 days" })).toHaveAttribute("aria-pressed", "true");
  await expect(ada.page.getByText(/In 90 days, 1 task was created/)).toBeVisible();
});

test("a project has numbers of its own", async ({ someone }) => {
  const [ada, ben] = [await someone("Ada"), await someone("Ben")];
  const team = await ada.team("Orchard", ben);
  const { data: project } = await ada.client.call("project.create", { workspace_id: team.id, name: "Harvest" });
  const inside = { workspace_id: team.id, project_id: project.id };
  await ada.client.call("task.create", { title: "Elsewhere", workspace_id: team.id });
  const { data: task } = await ada.client.call("task.create", { title: "Pick", ...inside, ...due(-1) });
  await ada.page.goto(`w/${team.id}/p/${project.id}/dashboard`);
  await expect(tile(ada, "Pending")).toHaveText("1");
  await ben.client.call("task.create", { title: "Sell", ...inside });
  await expect(tile(ada, "Pending")).toHaveText("2");
  await expect(tile(ada, "Overdue")).toHaveText("1");
  await ben.client.call("task.complete", { id: task.id, completed: true });
  await expect(tile(ada, "Overdue")).toHaveText("0");
  await expect(ada.page.getByText("In 30 days, 2 tasks were created and 1 task was completed.")).toBeVisible();
});

test("without the server it says so, and goes on when it is back", async ({ someone, server }) => {
  const ada = await someone("Ada");
  await ada.page.goto(`w/${ada.home}/dashboard`);
  await expect(tile(ada, "Pending")).toHaveText("0");
  await server.stop();
  await expect(ada.page.getByText(/You are offline\. These are the numbers of/)).toBeVisible();
  await expect(tile(ada, "Pending")).toHaveText("0");
  await server.start();
  await expect(ada.page.getByText(/You are offline/)).toHaveCount(0);
  await ada.client.call("task.create", { title: "One" });
  await expect(tile(ada, "Pending")).toHaveText("1");
});

test("who is no longer a member is told so", async ({ someone }) => {
  const [ada, ben] = [await someone("Ada"), await someone("Ben")];
  const team = await ben.team("Orchard", ada);
  await ada.page.goto(`w/${team.id}/dashboard`);
  await expect(tile(ada, "Pending")).toHaveText("0");
  const me = (await ada.client.call("user.sync", {})).data.user.id;
  await ben.client.call("member.remove", { workspace_id: team.id, user_id: me });
  await expect(ada.page.getByRole("heading", { name: "There is nothing here" })).toBeVisible();
});

for (const [size, options] of [["desk", {}], ["phone", PHONE]] as const)
  test(`is accessible at a ${size}`, async ({ someone }) => {
    const ada = await someone("Ada", options);
    const { data: project } = await ada.client.call("project.create", { workspace_id: ada.home, name: "Harvest", color: "#c2410c" });
    for (const priority of ["urgent", "high", "medium", "low", "none"] as const)
      await ada.client.call("task.create", { title: priority, priority, project_id: priority === "low" ? null : project.id, ...due(-1) });
    await ada.page.goto(`w/${ada.home}/dashboard`);
    await expect(tile(ada, "Overdue")).toHaveText("5");
    await expectAccessible(ada.page);
    await ada.page.getByText("Show as a table").click();
    await expectAccessible(ada.page);
  });
