// The leader's storage: what it remembers of operations that have left the queue, and from whom it takes nothing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY } from "../../src/sdk/replica/state.js";
import { onRecords } from "../../src/sdk/storage/records.js";
import type { Changes } from "../../src/sdk/storage/storage.js";
import { kept } from "../../src/sdk/tabs/kept.js";
import { inMemory } from "../store/records.js";

const entry = (op_id: string) => JSON.stringify({ op: { op_id } });
const always = () => true;

/** A storage whose queue is written, and the records below it. */
const open = (leads = always) => {
  const records = inMemory();
  const { storage, isOver } = kept(onRecords(records), leads);
  const write = (...changes: [string, string | undefined][]) => storage.save(EMPTY, EMPTY, new Map(changes));
  return { records, storage, isOver, write };
};

test("an operation that left the queue is remembered, by the next tab too, and is no entry of its queue", async () => {
  const { records, isOver, write } = open();
  await write(["q/1", entry("a")], ["q/2", entry("b")]);
  assert.equal(isOver("a"), false);
  await write(["q/1", undefined]);
  assert.deepEqual([isOver("a"), isOver("b")], [true, false]);
  const next = kept(onRecords(records), always);
  assert.deepEqual([...(await next.storage.load()).queue.keys()], ["q/2"]);
  assert.deepEqual([next.isOver("a"), next.isOver("b")], [true, false]);
  await next.storage.save(EMPTY, EMPTY, new Map([["q/2", undefined]]));
  assert.equal(next.isOver("b"), true);
});

test("an operation that is tried again has not left the queue", async () => {
  const { isOver, write } = open();
  await write(["q/1", entry("a")]);
  await write(["q/1", undefined], ["q/2", entry("a")]);
  assert.equal(isOver("a"), false);
});

test("what could not be written is remembered with the next write", async () => {
  const records = inMemory();
  let isFull = false;
  const write = async (changes: Changes) => {
    if (isFull) throw new Error("full");
    await records.write(changes);
  };
  const { storage } = kept(onRecords({ ...records, write }), always);
  await storage.save(EMPTY, EMPTY, new Map([["q/1", entry("a")]]));
  isFull = true;
  await assert.rejects(storage.save(EMPTY, EMPTY, new Map([["q/1", undefined]])), /full/);
  isFull = false;
  await storage.save(EMPTY, EMPTY, new Map([["q/1", undefined]]));
  const next = kept(onRecords(records), always);
  await next.storage.load();
  assert.equal(next.isOver("a"), true);
});

test("the oldest are forgotten", async () => {
  const { records, isOver, write } = open();
  const ids = Array.from({ length: 1005 }, (_, i) => `id ${String(i).padStart(4, "0")}`);
  await write(...ids.map((id, i): [string, string] => [`q/${i}`, entry(id)]));
  await write(...ids.map((_, i): [string, undefined] => [`q/${i}`, undefined]));
  assert.deepEqual([isOver(ids[4]!), isOver(ids[5]!), isOver(ids[1004]!)], [false, true, true]);
  assert.equal((await records.load()).size, 1000);
});

test("a tab that does not lead any more writes nothing", async () => {
  let leads = true;
  const { records, write } = open(() => leads);
  await write(["q/1", entry("a")]);
  leads = false;
  await assert.rejects(write(["q/1", undefined]), /another tab leads/);
  assert.deepEqual([...(await records.load()).keys()], ["q/1"]);
});
