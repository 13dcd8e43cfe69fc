// What a browser says to tabs, by the names of its events.

import assert from "node:assert/strict";
import { test } from "node:test";
import { browserPlace } from "../../src/sdk/tabs/place.js";

/** Puts it in the place of what is global, until the test ends. */
const globals = (t: { after(run: () => void): void }, values: Record<string, unknown>) => {
  for (const [name, value] of Object.entries(values)) {
    const before = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    t.after(() => (before ? Object.defineProperty(globalThis, name, before) : Reflect.deleteProperty(globalThis, name)));
  }
};

test("a place without locks has one tab", (t) => {
  globals(t, { navigator: {} });
  assert.equal(browserPlace(), undefined);
});

test("a page that is put away, frozen, or goes on says so, until nobody listens", (t) => {
  const [page, document] = [new EventTarget(), new EventTarget()];
  const locks = {};
  const addEventListener = page.addEventListener.bind(page);
  globals(t, { navigator: { locks }, document, addEventListener });
  const place = browserPlace()!;
  assert.equal(place.locks, locks);
  const heard: string[] = [];
  const stop = place.watch(
    () => heard.push("leave"),
    () => heard.push("back"),
  );
  const all = () => {
    page.dispatchEvent(new Event("pagehide"));
    document.dispatchEvent(new Event("freeze"));
    document.dispatchEvent(new Event("resume"));
  };
  all();
  assert.deepEqual(heard, ["leave", "leave", "back"]);
  stop();
  all();
  assert.equal(heard.length, 3);
});
