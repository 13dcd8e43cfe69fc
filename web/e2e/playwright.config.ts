// The tests of the board in the system's Chromium, against real servers: each test has its own. No retries.

import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: ".",
  fullyParallel: true,
  workers: 2,
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [["list"]],
  outputDir: "../.test/e2e",
  use: {
    browserName: "chromium",
    locale: "en-GB",
    timezoneId: "Europe/Zurich",
    screenshot: "only-on-failure",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env["TASKWIRE_TEST_CHROMIUM"] ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-dev-shm-usage"],
    },
  },
});
