// Whether a page is accessible as far as a program can tell, in light and in dark, and fits the width that it has.

import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect } from "./board.js";

const RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"];

export const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };

export const expectAccessible = async (page: Page): Promise<void> => {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
    expect(violations.map(({ id, nodes }) => ({ id, at: nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`) }))).toEqual([]);
  }
  const excess = await page.locator("main").evaluate((main) => main.scrollWidth - main.clientWidth);
  expect(excess, "nothing is wider than the page").toBeLessThanOrEqual(0);
};
