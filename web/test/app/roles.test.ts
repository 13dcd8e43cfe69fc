// What each role may do to members.

import assert from "node:assert/strict";
import { test } from "node:test";
import { givable, mayChange } from "../../src/app/views/members/roles.js";

test("who manages gives at most their own role", () => {
  assert.deepEqual(givable("owner"), ["viewer", "member", "admin", "owner"]);
  assert.deepEqual(givable("admin"), ["viewer", "member", "admin"]);
  for (const role of ["member", "viewer", undefined] as const) assert.deepEqual(givable(role), []);
});

test("nobody changes somebody above them", () => {
  assert.equal(mayChange("admin", "owner"), false);
  assert.equal(mayChange("admin", "admin"), true);
  assert.equal(mayChange("owner", "owner"), true);
  assert.equal(mayChange("member", "viewer"), false);
});
