// Changes of a workspace's stages: what `workspace.update` takes, and where tasks go.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Stage, StageKind } from "../../src/sdk/contract.js";
import { added, changed, heir, keyFor, mayBe, mayRemove, moved } from "../../src/app/views/options/stages.js";

const stage = (key: string, kind: StageKind): Stage => ({ key, name: key, kind, color: null });
const STAGES = [stage("todo", "open"), stage("doing", "active"), stage("done", "done")];
const keys = (stages: readonly { key: string }[]) => stages.map(({ key }) => key);

test("a key is made of a name's letters, and is like no other", () => {
  assert.equal(keyFor("In Review!", STAGES), "in-review");
  assert.equal(keyFor("Prüfung", STAGES), "prufung");
  assert.equal(keyFor("Doing", STAGES), "doing-2");
  assert.equal(keyFor("検討", STAGES), "stage");
  assert.match(keyFor("x".repeat(50), STAGES), /^x{28}$/);
});

test("a new stage comes before what is done", () => {
  assert.deepEqual(keys(added(STAGES, "Review", "active")), ["todo", "doing", "review", "done"]);
  assert.deepEqual(keys(added(STAGES, "Dropped", "done")), ["todo", "doing", "done", "dropped"]);
});

test("stages move by one place, and not beyond the ends", () => {
  assert.deepEqual(keys(moved(STAGES, "doing", -1)), ["doing", "todo", "done"]);
  assert.deepEqual(keys(moved(STAGES, "todo", -1)), ["todo", "doing", "done"]);
  assert.deepEqual(keys(moved(STAGES, "done", 1)), ["todo", "doing", "done"]);
});

test("a workspace keeps a stage to begin with, and one that is done", () => {
  assert.equal(mayRemove(STAGES, "doing"), true);
  assert.equal(mayRemove(STAGES, "todo"), false);
  assert.equal(mayRemove(STAGES, "done"), false);
  assert.equal(mayBe(STAGES, "todo", "active"), false);
  assert.equal(mayBe(STAGES, "doing", "done"), true);
});

test("tasks of a stage that goes away get the first of its kind, else the first that is open", () => {
  assert.equal(heir(STAGES, "doing")?.key, "todo");
  assert.equal(heir([...STAGES, stage("shipped", "done")], "done")?.key, "shipped");
  assert.equal(heir([stage("later", "open"), ...STAGES], "later")?.key, "todo");
});

test("a change of one stage leaves the others", () => {
  assert.deepEqual(changed(STAGES, "doing", { name: "In work" })[1], { ...STAGES[1], name: "In work" });
  assert.equal(changed(STAGES, "doing", { name: "In work" })[0], STAGES[0]);
});
