// The panel is safe with what others write, accessible, and works on a phone.

import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, test, type Someone } from "./support/board.js";
import { openTask, part, together } from "./support/panel.js";

/** What tries to run, or to lead somewhere, in a page that is careless with texts. */
const CORPUS = [
  "<script>window.hit=1</script>",
  "<img src=x onerror=window.hit=1>",
  "<svg/onload=window.hit=1>",
  '"><iframe srcdoc="<script>parent.hit=1</script>">',
  "<a href=javascript:window.hit=1>x</a>",
  "[x](javascript:window.hit=1)",
  "[x](JaVaScRiPt&colon;window.hit=1)",
  "[x](java\u0001script:window.hit=1)",
  "[x](data:text/html;base64,PHNjcmlwdD53aW5kb3cuaGl0PTE8L3NjcmlwdD4=)",
  "[x](vbscript:window.hit=1)",
  '![x](x"onerror="window.hit=1)',
  "![x](https://evil.invalid/spy.png)",
  "<https://evil.invalid/\"onmouseover=window.hit=1>",
  "<math><mi xlink:href=javascript:window.hit=1>x</mi></math>",
  "`<img src=x onerror=window.hit=1>`",
  "&lt;img src=x onerror=window.hit=1&gt;",
  "<style>*{background:url(https://evil.invalid)}</style>",
  "<form action=https://evil.invalid><button>x</button></form>",
  "{{constructor.constructor('window.hit=1')()}}",
  ">".repeat(400),
];

/** Elements and addresses that none of the texts may make. */
const findings = (page: Page) =>
  page.locator(".panel").evaluate((panel) => ({
    hit: (window as { hit?: number }).hit ?? 0,
    made: [...panel.querySelectorAll("script, iframe, object, embed, form[action], style, math, img:not(.avatar), [onerror], [onload]")].map(
      (element) => element.outerHTML,
    ),
    links: [...panel.querySelectorAll("a")]
      .filter(({ protocol }) => !/^(https?|mailto):$/.test(protocol))
      .map((element) => element.outerHTML),
  }));

test("texts that try to run do nothing but show", async ({ someone }) => {
  test.slow();
  const [ada, ben] = [await someone("Ada"), await someone("Ben")];
  const space = await ada.team("Orchard", ben);
  const asked: string[] = [];
  ben.page.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(ben.page.url()).origin && /^https?:/.test(request.url())) asked.push(request.url());
  });
  const all = CORPUS.join("\n\n");
  const { data: task } = await ada.client.call("task.create", {
    title: CORPUS[1]!,
    workspace_id: space.id,
    description: all.slice(0, 1000),
    tags: CORPUS.slice(0, 5).map((text) => text.slice(0, 50)),
  });
  for (const text of CORPUS) await ada.client.call("comment.create", { task_id: task.id, body: text });
  await ada.client.call("task.create", { title: CORPUS[2]!, workspace_id: space.id, parent_id: task.id });
  const mine = await openTask(ada.page, task);
  const names = ["<img src=x onerror=hit=1>.txt", "a\u202etxt.exe", '"><svg onload=hit=1>.svg'];
  await part(mine, "Files")
    .locator("input[type=file]")
    .setInputFiles(names.map((name) => ({ name, mimeType: "image/svg+xml", buffer: Buffer.from("<svg onload=alert(1)>") })));
  await expect(mine.getByRole("button", { name: /^Download / })).toHaveCount(3);
  const theirs = await openTask(ben.page, task);
  await expect(part(theirs, "Comments").getByRole("listitem")).not.toHaveCount(0);
  await expect(part(theirs, "Comments").getByText("<svg/onload=window.hit=1>")).toBeVisible();
  await expect(part(theirs, "Files").getByRole("button", { name: /^Download / })).toHaveCount(3);
  await expect(theirs.locator(".rich p").first()).not.toHaveClass("plain");
  expect(await findings(ben.page)).toEqual({ hit: 0, made: [], links: [] });
  await theirs.getByRole("link", { name: "History" }).click();
  await expect(part(theirs, "History").getByRole("listitem")).not.toHaveCount(0);
  expect(await findings(ben.page)).toEqual({ hit: 0, made: [], links: [] });
  expect(asked).toEqual([]);
});

/** A task with something in each part. */
const full = async (ada: Someone, ben: Someone) => {
  const made = await together(ada, ben, {
    priority: "high",
    due_at: new Date(Date.now() - 86_400_000).toISOString(),
    recurrence: "FREQ=WEEKLY;BYDAY=MO",
    tags: ["orchard"],
    description: "# All\n\n- **of** it, see [there](https://example.org)\n\n```\ncode\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |",
  });
  const { task, space } = made;
  const { data: other } = await ada.client.call("task.create", { title: "Repair the press", workspace_id: space.id });
  await ada.client.call("task.update", { id: task.id, blocked_by: [other.id] });
  await ada.client.call("task.create", { title: "Bring ladders", workspace_id: space.id, parent_id: task.id });
  await ada.client.call("comment.create", { task_id: task.id, body: "Well" });
  await ada.client.call("task.assign", { id: task.id, add: [(await ben.client.call("profile.get")).data.id] });
  await part(made.mine, "Files").locator("input[type=file]").setInputFiles({ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("a") });
  await expect(made.mine.getByRole("button", { name: "Download a.txt" })).toBeVisible();
  await expect(made.mine.getByRole("button", { name: "Unassign Ben" })).toBeVisible();
  await expect(part(made.mine, "Comments").getByText("Well")).toBeVisible();
  return made;
};

const check = async (page: Page) => {
  const found = await new AxeBuilder({ page }).include(".panel").withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]).analyze();
  expect(found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
};

for (const colorScheme of ["light", "dark"] as const)
  test(`axe finds nothing, ${colorScheme}`, async ({ someone }) => {
    test.slow();
    const [ada, ben] = [await someone("Ada", { colorScheme }), await someone("Ben")];
    const { task, mine } = await full(ada, ben);
    await check(ada.page);
    await mine.getByRole("button", { name: "Every week on Monday" }).click();
    await mine.getByRole("combobox", { name: "Add a tag" }).fill("something new");
    await check(ada.page);
    await part(mine, "Description").getByRole("button", { name: "Edit" }).click();
    await mine.getByRole("textbox", { name: "Description" }).fill("Mine");
    await ben.client.call("task.update", { id: task.id, description: "Theirs" });
    await expect(mine.getByRole("button", { name: "Keep mine" })).toBeVisible();
    await mine.getByRole("button", { name: "Actions for the comment of Ada" }).click();
    await check(ada.page);
    await ada.page.keyboard.press("Escape");
    await mine.getByRole("textbox", { name: "Write a comment" }).fill("@b");
    await expect(mine.getByRole("option", { name: /^Ben/ })).toBeVisible();
    await check(ada.page);
    await mine.getByRole("link", { name: "History" }).click();
    await expect(part(mine, "History").getByRole("listitem")).not.toHaveCount(0);
    await check(ada.page);
  });

test("on a phone the panel covers the page, fits it, and has targets that fingers hit", async ({ someone }) => {
  const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
  const [ada, ben] = [await someone("Ada", phone), await someone("Ben")];
  const { mine } = await full(ada, ben);
  await mine.getByRole("button", { name: "Every week on Monday" }).tap();
  expect(await mine.boundingBox()).toEqual({ x: 0, y: 0, width: 360, height: 740 });
  expect(await mine.evaluate((panel) => panel.scrollWidth - panel.clientWidth)).toBeLessThanOrEqual(0);
  const small = await mine.getByRole("button").evaluateAll((buttons) =>
    buttons
      .map((button) => [button.getBoundingClientRect(), button.outerHTML] as const)
      .filter(([{ width, height }]) => width > 0 && (width < 24 || height < 24))
      .map(([, html]) => html),
  );
  // The round box of a task is smaller than its target, which is as large as it should be.
  expect(small.filter((html) => !html.includes('class="check'))).toEqual([]);
  await check(ada.page);
  await mine.getByRole("button", { name: "Close the task" }).tap();
  await expect(mine).toBeHidden();
});
