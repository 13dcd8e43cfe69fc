// Makes the PNG icons of the manifest from icon.svg, in the browser of the tests. Run it when the icon changes, and commit what
// it writes.

import { chromium } from "@playwright/test";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const STATIC = fileURLToPath(new URL("../src/app/static/", import.meta.url));
const SVG = readFileSync(`${STATIC}icon.svg`, "utf8");
const BACKGROUND = /<rect[^>]*fill="([^"]+)"/.exec(SVG)[1];

/** Of a maskable icon a platform may cut away all but a circle of four fifths (and paints no corners of its own). */
const SAFE = 0.8;
const ICONS = [
  { name: "icon-192.png", size: 192, masked: false },
  { name: "icon-512.png", size: 512, masked: false },
  { name: "icon-maskable-512.png", size: 512, masked: true },
  { name: "apple-touch-icon.png", size: 180, masked: true },
];

const browser = await chromium.launch({
  executablePath: process.env.TASKWIRE_TEST_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
for (const { name, size, masked } of ICONS) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  const inner = masked ? Math.round(size * SAFE) : size;
  const style = `margin:0;display:grid;place-items:center;height:100vh;${masked ? `background:${BACKGROUND}` : ""}`;
  const svg = SVG.replace("<svg ", `<svg width="${inner}" height="${inner}" `);
  await page.setContent(`<body style="${style}">${svg}</body>`);
  await page.screenshot({ path: STATIC + name, omitBackground: true });
  await page.close();
}
await browser.close();
