// The package stays small.

import assert from "node:assert/strict";
import { test } from "node:test";
import { PROGRAMS, size } from "./support/size.js";

const KIB = 1024;

test("a connection has at most 5.75 KiB gzip, all of the package 12 KiB", async () => {
  const connection = await size(PROGRAMS["a connection"]);
  assert.ok(connection.first <= 5.75 * KIB, `a connection: ${connection.first} bytes`);
  assert.deepEqual(Object.keys(connection.later), ["fallback"]);
  const all = await size(PROGRAMS["all of it"]);
  assert.ok(all.first <= 12 * KIB, `all: ${all.first} bytes`);
});

test("the tables of the contract are left out where nobody uses them", async () => {
  const { first } = await size('import { newId } from "./index.js"; console.log(newId());');
  assert.ok(first < 500, `${first} bytes`);
});
