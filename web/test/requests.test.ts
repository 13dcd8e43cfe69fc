// The pure parts: which operations may be repeated, ids, addresses.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LIMITS, OPERATIONS } from "../src/sdk/contract.js";
import { address } from "../src/sdk/connection/address.js";
import { isMutation, isRepeatable } from "../src/sdk/connection/requests.js";
import { browser, connect, newId, reactNative } from "../src/sdk/index.js";

test("each mutation of the contract has an op_id, and nothing else", () => {
  for (const [name, { kind }] of Object.entries(OPERATIONS)) assert.equal(isMutation(name), kind === "mutation", name);
});

test("what a repetition could do twice is sent once", () => {
  const once = Object.keys(OPERATIONS).filter((name) => !isRepeatable(name));
  assert.deepEqual(once, [
    "auth",
    "auth.signup",
    "auth.login",
    "auth.renew",
    "auth.logout",
    "auth.logout_all",
    "auth.change_password",
    "auth.revoke_session",
    "api_token.create",
    "calendar.create",
    "profile.change_email",
    "profile.delete",
    "admin.kick",
  ]);
});

test("the depth that the server reads is that of the contract", () => assert.equal(LIMITS.depth, 32));

test("an id is a UUIDv7 of its time", () => {
  const ids = Array.from({ length: 1000 }, () => newId(0x0123456789ab));
  for (const id of ids) assert.match(id, /^01234567-89ab-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(Math.abs(parseInt(newId().replaceAll("-", "").slice(0, 12), 16) - Date.now()) < 1000);
});

test("an address is that of the server, by http or ws, also behind a path", () => {
  const cases = {
    "http://127.0.0.1:8080": ["ws://127.0.0.1:8080/v1/socket", "http://127.0.0.1:8080/v1/rpc"],
    "wss://tasks.example/team/": ["wss://tasks.example/team/v1/socket", "https://tasks.example/team/v1/rpc"],
    " HTTPS://[::1] ": ["wss://[::1]/v1/socket", "https://[::1]/v1/rpc"],
    "ws://a/x/@y//": ["ws://a/x/@y/v1/socket", "http://a/x/@y/v1/rpc"],
  };
  for (const [url, [socket, rpc]] of Object.entries(cases))
    assert.deepEqual([address(url)("ws", "socket"), address(url)("http", "rpc")], [socket, rpc], url);
  for (const url of ["", "localhost:8080", "ftp://a", "http://", "http://a:b@c", "http://a/?b=c", "http://a/#b", "http:///a"])
    assert.throws(() => address(url), TypeError, url);
});

test("a place without WebSocket says so", (t) => {
  const had = globalThis.WebSocket;
  Object.defineProperty(globalThis, "WebSocket", { value: undefined, configurable: true, writable: true });
  t.after(() => Object.defineProperty(globalThis, "WebSocket", { value: had, configurable: true, writable: true }));
  assert.throws(() => connect({ url: "http://a", token: "" as never }), /WebSocket/);
});

test("React Native wakes when the app becomes active", () => {
  let listener: (state: string) => void = () => {};
  let removed = 0;
  const app = {
    currentState: "background",
    addEventListener(_: "change", run: (state: string) => void) {
      listener = run;
      return { remove: () => removed++ };
    },
  };
  const environment = reactNative(app);
  let woken = 0;
  const stop = environment.watch(() => woken++);
  assert.equal(environment.hidden(), true);
  listener("background");
  listener("active");
  stop();
  assert.deepEqual([woken, removed], [1, 1]);
});

test("a browser wakes when it is online, and when the page is shown", (t) => {
  const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
  const host = new EventTarget();
  const stored = new Map<string, string>();
  const storage = {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
    removeItem: (key: string) => stored.delete(key),
  };
  const globals = {
    document: page,
    sessionStorage: storage,
    addEventListener: host.addEventListener.bind(host),
    removeEventListener: host.removeEventListener.bind(host),
  };
  for (const [name, value] of Object.entries(globals)) {
    const had = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { value, configurable: true });
    t.after(() => (had ? Object.defineProperty(globalThis, name, had) : Reflect.deleteProperty(globalThis, name)));
  }
  const environment = browser();
  let woken = 0;
  const stop = environment.watch(() => woken++);
  host.dispatchEvent(new Event("online"));
  host.dispatchEvent(new Event("offline"));
  host.dispatchEvent(new Event("pageshow"));
  page.visibilityState = "hidden";
  page.dispatchEvent(new Event("visibilitychange"));
  assert.deepEqual([woken, environment.hidden()], [3, true]);
  page.visibilityState = "visible";
  page.dispatchEvent(new Event("visibilitychange"));
  stop();
  host.dispatchEvent(new Event("online"));
  assert.equal(woken, 4);
  environment.block(true);
  assert.equal(browser().blocked(), true, "it is remembered in the session");
  environment.block(false);
  assert.equal(browser().blocked(), false);
});
