// The style sheets of the board are one in the page: a class belongs to one of them, so that no view changes another one's.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const FOLDER = "src/app/style/";
/** What a rule is about when nothing stands around it. */
const ALONE = /^\s*\.([\w-]+)\s*$/;
/** A group of rules in parts.css, the frame's place for the panel. */
const SHARED = new Set(["suggestions", "panel"]);

test("each class has its rules in one style sheet", () => {
  const homes = new Map<string, Set<string>>();
  for (const file of readdirSync(FOLDER)) {
    const text = readFileSync(FOLDER + file, "utf8").replace(/\/\*[^]*?\*\//g, "");
    for (const [, selectors] of text.matchAll(/([^{}]+)\{/g))
      for (const selector of selectors!.split(",")) {
        const name = ALONE.exec(selector)?.[1];
        if (name && !SHARED.has(name)) homes.set(name, (homes.get(name) ?? new Set()).add(file));
      }
  }
  const torn = [...homes].filter(([, files]) => files.size > 1).map(([name, files]) => `${name}: ${[...files].join(", ")}`);
  assert.deepEqual(torn, []);
});
