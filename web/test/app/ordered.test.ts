// Entities in an order, kept up to date change by change.

import assert from "node:assert/strict";
import test from "node:test";
import { ordered } from "../../src/app/ordered.js";
import { Table } from "../../src/sdk/index.js";

interface Thing {
  id: string;
  rank: number;
  isIn: boolean;
}

const id = (n: number) => n.toString(16).padStart(8, "0");
const byRank = (a: Thing, b: Thing) => a.rank - b.rank || (a.id < b.id ? -1 : 1);
const isIn = (thing: Thing) => thing.isIn;

test("an order that is kept up to date equals a sort", () => {
  let seed = 7;
  const random = (n: number) => (seed = (seed * 48271) % 2147483647) % n;
  const index = ordered(isIn, byRank);
  let table = Table.of<Thing>([], (thing) => thing.id);
  for (let round = 0; round < 300; round++) {
    for (let i = random(6); i >= 0; i--) {
      const key = id(random(200));
      table = table.with(key, random(4) ? { id: key, rank: random(20), isIn: random(3) > 0 } : undefined);
    }
    assert.deepEqual(index(table), [...table].filter(isIn).sort(byRank));
  }
});

test("an order stays the same array while nothing in it changes", () => {
  const index = ordered(isIn, byRank);
  const table = Table.of<Thing>([{ id: id(1), rank: 1, isIn: true }], (thing) => thing.id);
  const first = index(table);
  const other = table.with(id(2), { id: id(2), rank: 0, isIn: false });
  assert.equal(index(other), first);
  assert.notEqual(index(other.with(id(2), { id: id(2), rank: 0, isIn: true })), first);
});
