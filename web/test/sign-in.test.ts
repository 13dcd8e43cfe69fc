// Signing in over HTTP against a real server, and tokens that are refreshed once for many.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Refused, signIn, SignedOut } from "../src/sdk/index.js";
import { client, forged, PASSWORD, person } from "./support/person.js";
import { server } from "./support/server.js";
import { state } from "./support/until.js";

/** `fetch` with the cookies of one browser, and what was asked for. */
const browserFetch = () => {
  const asked: string[] = [];
  let cookie = "";
  const fetching: typeof fetch = async (url, init) => {
    asked.push(String(url).split("/v1/")[1]!);
    const headers = { ...(init?.headers as Record<string, string>), ...(init?.credentials === "include" && { cookie }) };
    const answer = await fetch(url, { ...init, headers });
    for (const set of answer.headers.getSetCookie()) cookie = set.split(";")[0]!;
    return answer;
  };
  return { asked, fetch: fetching };
};

test("a program keeps its refresh token, and many callers refresh once", async (t) => {
  const node = await server(t);
  const kept: (string | undefined)[] = [];
  const { asked, fetch } = browserFetch();
  const ada = await person(node.url);
  const first = signIn({ url: node.url, delivery: "body", keep: (token) => kept.push(token), fetch });
  const { access_token } = await first.logIn({ email: ada.email, password: PASSWORD });
  assert.equal(await first.token(), access_token);
  const fresh = await Promise.all([first.token(access_token), first.token(access_token), first.token(access_token)]);
  assert.equal(new Set(fresh).size, 1);
  assert.deepEqual(asked, ["auth/login", "auth/refresh"]);
  const later = signIn({ url: node.url, refresh_token: kept.at(-1)!, keep: (token) => kept.push(token), fetch });
  const it = client(t, node.url, { token: later.token });
  await it.call("profile.get");
  await later.logOut();
  await assert.rejects(later.token(), SignedOut);
  assert.equal(kept.at(-1), undefined);
  assert.equal((await state(it, "closed")).code, 4403);
});

test("a browser's refresh token is a cookie", async (t) => {
  const node = await server(t);
  const { asked, fetch } = browserFetch();
  const session = signIn({ url: node.url, delivery: "cookie", fetch });
  const tokens = await session.signUp({ email: "ada@example.org", password: PASSWORD, name: "Ada" });
  assert.equal(tokens.refresh_token, undefined);
  // A page that opens has no token in memory.
  const reloaded = signIn({ url: node.url, delivery: "cookie", fetch });
  const it = client(t, node.url, { token: reloaded.token });
  assert.equal((await it.call("profile.get")).data.email, "ada@example.org");
  assert.deepEqual(asked, ["auth/signup", "auth/refresh"]);
});

test("a refused refresh signs out; a failed one does not", async (t) => {
  const node = await server(t);
  const lost = signIn({ url: node.url, refresh_token: "no such token" });
  await assert.rejects(lost.token(), SignedOut);
  let fails = 2;
  const ada = await person(node.url);
  const session = signIn({
    url: node.url,
    refresh_token: ada.tokens.refresh_token!,
    fetch: (url, init) => (fails-- > 0 ? Promise.reject(new Error("no network")) : fetch(url, init)),
  });
  await assert.rejects(session.token(), { message: "no network" });
  assert.ok(await session.token());
});

test("an answer that is lost is asked for again at once", async (t) => {
  const node = await server(t);
  const ada = await person(node.url);
  let count = 0;
  const session = signIn({
    url: node.url,
    refresh_token: ada.tokens.refresh_token!,
    async fetch(url, init) {
      const answer = await fetch(url, init);
      if (count++ === 0) throw new Error("cut");
      return answer;
    },
  });
  assert.ok(await session.token());
  assert.equal(count, 2);
});

test("what is wrong is told with its field", async (t) => {
  const node = await server(t);
  const session = signIn({ url: node.url, delivery: "body" });
  const wrong = session.signUp({ email: "no address", password: PASSWORD, name: "Ada" });
  await assert.rejects(wrong, ({ failure }: Refused) => failure.field === "email" && failure.request_id !== "");
  const unknown = session.logIn({ email: "a@b.example", password: "wrong password" });
  await assert.rejects(unknown, ({ failure }: Refused) => failure.code === "INVALID_CREDENTIALS");
});

test("a connection goes on with the tokens of a changed password", async (t) => {
  const node = await server(t);
  const ada = await person(node.url);
  const it = client(t, node.url, { token: ada.session.token });
  const { data } = await it.call("auth.change_password", { current_password: PASSWORD, new_password: "another goose at noon" });
  ada.session.use(data);
  it.reconnectNow();
  await it.call("ping");
  assert.equal(it.state.kind, "online");
  const { access_token } = data;
  assert.notEqual(await ada.session.token(access_token), access_token);
});

test("a token near its end is refreshed before it is used", async (t) => {
  const node = await server(t);
  const ada = await person(node.url);
  const old = forged(ada.tokens.access_token, { exp: Math.floor(Date.now() / 1000) + 20 });
  ada.session.use({ ...ada.tokens, access_token: old, expires_in: 20 });
  assert.notEqual(await ada.session.token(), old);
});
