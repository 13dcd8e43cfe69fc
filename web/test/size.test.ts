// The package stays small.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { PROGRAMS, size } from "./support/size.js";

const KIB = 1024;

/** The rows of the README about the programs, in their order. */
const ROWS = ["| `connect` |", "| `connect` and `openStore`", "| `connect` and `openShared`", "| `taskwire/react`", "| `signIn`"];

test("a connection has at most 5.75 KiB gzip", async () => {
  const connection = await size(PROGRAMS["a connection"]);
  assert.ok(connection.first <= 5.75 * KIB, `${connection.first} bytes`);
  assert.deepEqual(Object.keys(connection.later), ["fallback"]);
});

test("core, replica and queue have at most 12 KiB gzip; what predicts is loaded while the storage is read", async () => {
  const store = await size(PROGRAMS["a connection and a store"]);
  assert.ok(store.first <= 12 * KIB, `${store.first} bytes`);
  assert.deepEqual(Object.keys(store.later).sort(), ["fallback", "foresight"]);
  assert.ok(store.later["foresight"]! <= 4 * KIB, `${store.later["foresight"]} bytes`);
});

test("a store of several tabs has at most 4.75 KiB gzip more", async () => {
  const one = await size(PROGRAMS["a connection and a store"]);
  const several = await size(PROGRAMS["a connection and a store of several tabs"]);
  assert.ok(several.first <= one.first + 4.75 * KIB, `${several.first} and ${one.first} bytes`);
});

test("hooks for React have at most 0.75 KiB gzip, without React and the store", async () => {
  const hooks = await size(PROGRAMS["hooks for React"]);
  assert.ok(hooks.first <= 0.75 * KIB, `${hooks.first} bytes`);
});

test("the README says what programs weigh", async () => {
  const readme = await readFile(fileURLToPath(new URL("../../README.md", import.meta.url)), "utf8");
  const rows = [...readme.split("## Size")[1]!.matchAll(/^\| `.*? \| ([\d.]+) \|(?: ([\d.]+) )?/gm)];
  const { "all of it": _, ...programs } = PROGRAMS;
  assert.equal(rows.length, Object.keys(programs).length);
  for (const [i, program] of Object.values(programs).entries()) {
    const { first, later } = await size(program);
    const [row, said, saidLater] = rows.find(([row]) => row.startsWith(ROWS[i]!))!;
    const about = (kb: string | undefined, bytes: number) => kb && Math.abs(Number(kb) - bytes / 1000) < 0.15;
    assert.ok(about(said, first), `${row}: ${first} bytes`);
    if (saidLater) assert.ok(about(saidLater, later[i ? "foresight" : "fallback"]!), `${row}: ${JSON.stringify(later)}`);
  }
});

test("the tables of the contract are left out where nobody uses them", async () => {
  const { first } = await size('import { newId } from "./index.js"; console.log(newId());');
  assert.ok(first < 800, `${first} bytes`);
});
