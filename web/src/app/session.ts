// Who is signed in, and with what the board works for them: a store, a connection, requests with their token. The access token
// is in memory only, the refresh token in a cookie that scripts cannot read. Knows no view.

import { signal } from "@preact/signals";
import {
  connect,
  deleteIndexedDb,
  download,
  indexedDb,
  memory,
  openShared,
  signIn,
  SignedOut,
  undoable,
  type Client,
  type Shared,
} from "../sdk/index.js";
import type { Tokens, User } from "../sdk/contract.js";
import { read } from "./http.js";
import { forgetDrafts } from "./parts/draft.js";
import { BASE } from "./places.js";
import { followReplacing, replace, replaced } from "./replacing.js";

/** The connection, which may be another tab's. */
export type Line = Pick<Client, "call" | "listen" | "link" | "state" | "reconnectNow">;

/** What the board has of a person who is signed in. */
export interface Session {
  readonly user: string;
  /** The tabs of a browser have it in common. */
  readonly store: Shared;
  readonly client: Line;
  readonly undoing: ReturnType<typeof undoable>;
}

export type SignedIn =
  | { is: "opening" }
  /** The person has to sign in: `reason` says why it ended. */
  | { is: "out"; reason?: string | undefined }
  | ({ is: "in" } & Session);

/** Whether somebody is signed in. */
export const session = signal<SignedIn>({ is: "opening" });

/** The server's address. */
const URL_OF_SERVER = BASE.href.replace(/\/$/, "");
const LAST_USER = "taskwire.user";

const gate = signIn({ url: URL_OF_SERVER, delivery: "cookie" });

/** The account that was here last: its board is shown before the server answers. It is no secret. */
const lastUser = {
  get: (): string | undefined => {
    try {
      return localStorage.getItem(LAST_USER) ?? undefined;
    } catch {
      return undefined;
    }
  },
  set(user: string | undefined): void {
    try {
      if (user) localStorage.setItem(LAST_USER, user);
      else localStorage.removeItem(LAST_USER);
    } catch {
      // A browser that keeps nothing: the board then waits for the server.
    }
  },
};

const databaseOf = (user: string): string => `taskwire ${BASE.pathname} ${user}`;

/** A request to the server with the person's token. `path` begins with `/v1/`. */
export const request = async (path: string, init: RequestInit = {}): Promise<Response> => {
  const send = async (token: string) =>
    fetch(URL_OF_SERVER + path, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });
  const token = await gate.token();
  const answer = await send(token);
  return answer.status === 401 ? send(await gate.token(token)) : answer;
};

/** The access token, for what `fetch` cannot do. `stale` is one that the server did not take. */
export const accessToken = (stale?: string): Promise<string> => gate.token(stale);

const lineOf = ({ link, reconnectNow }: Shared): Line => ({
  get state() {
    return link.state;
  },
  listen: link.listen,
  link,
  call: (name, ...[params, options]) => link.call(name, (params ?? {}) as never, options),
  reconnectNow,
});

const open = async (user: string): Promise<Session> => {
  const store = await openShared({
    name: databaseOf(user),
    storage: () => indexedDb(databaseOf(user)).catch(() => memory),
    snapshot: download((path) => request(path)),
    ended: () => (session.value = { is: "out" }),
    connect: (options) => connect({ url: URL_OF_SERVER, token: gate.token, client: { name: "board" }, ...options }),
  });
  return { user, store, client: lineOf(store), undoing: undoable(store) };
};

/** Stops to listen to the connection: when the board itself closes it, that is not the end of the session. */
let unlisten = () => {};

/** Ends what is open, and keeps what is stored. `isEnd`: in all tabs. */
const shut = async (isEnd = false): Promise<void> => {
  const held = session.peek();
  if (held.is !== "in") return;
  unlisten();
  await (isEnd ? held.store.signOut() : held.store.close());
};

const enter = async (user: string): Promise<void> => {
  const held = session.peek();
  if (held.is === "in" && held.user === user) return held.client.reconnectNow();
  await shut();
  const opened = await open(user);
  lastUser.set(user);
  session.value = { is: "in", ...opened };
  const check = (state: Line["state"]) => {
    if (state.kind !== "closed") return;
    void replaced().then(async () => {
      const held = session.peek();
      if (held.is !== "in" || held.client !== opened.client || held.client.state.kind !== "closed") return;
      await shut();
      session.value = { is: "out", reason: state.reason };
    });
  };
  unlisten = opened.client.listen({ state: check });
  check(opened.client.state);
};

/** Opens the board of the account that was here last, or of the cookie's; else the person has to sign in. */
export const begin = async (): Promise<void> => {
  followReplacing(goOnAnew);
  const last = lastUser.get();
  if (last) return enter(last);
  try {
    const answer = await request("/v1/auth/me");
    if (!answer.ok) throw new SignedOut("nobody is signed in");
    await enter(((await answer.json()) as User).id);
  } catch (error) {
    session.value = { is: "out", ...(error instanceof SignedOut ? {} : { reason: (error as Error).message }) };
  }
};

/** Goes on with the tokens of an account that has just signed in. */
export const goOn = async (tokens: Tokens): Promise<void> => {
  gate.use(tokens);
  await enter(tokens.user.id);
};

/** Signs in. */
export const logIn = async (email: string, password: string): Promise<void> =>
  goOn(await gate.logIn({ email, password, device_name: deviceName() }));

/** Makes an account. Resolves with false where its address must be verified first. */
export const signUp = async (name: string, email: string, password: string): Promise<boolean> => {
  const tokens = await gate.signUp({ name, email, password, device_name: deviceName() });
  if (!tokens.access_token) return false;
  await goOn(tokens);
  return true;
};

/** So long the end of a session that was replaced may take, and the new one. */
const REPLACED_WITHIN = 3_000;

/** Waits until a connection is closed, or is not. Another tab's is heard of a moment later. */
const until = (client: Line, isClosed: boolean): Promise<void> =>
  new Promise((resolve) => {
    const isSo = () => (client.state.kind === "closed") === isClosed;
    if (isSo()) return resolve();
    const done = () => {
      clearTimeout(timer);
      stop();
      resolve();
    };
    const timer = setTimeout(done, REPLACED_WITHIN);
    const stop = client.listen({ state: () => isSo() && done() });
  });

/** Goes on in the session that replaced the one that has ended. */
const goOnAnew = async (): Promise<void> => {
  const held = session.peek();
  if (held.is !== "in") return;
  await until(held.client, true);
  held.client.reconnectNow();
  await until(held.client, false);
};

/** Changes the password: all other sessions end, and this one is replaced. */
export const changePassword = (current_password: string, new_password: string): Promise<void> =>
  replace(async () => {
    const headers = { "content-type": "application/json", authorization: `Bearer ${await gate.token()}` };
    const body = JSON.stringify({ current_password, new_password, token_delivery: "cookie" });
    // Not by `request`: a wrong password is told with the status of a wrong token, and would be tried twice.
    const answer = await fetch(`${URL_OF_SERVER}/v1/auth/change-password`, { method: "POST", headers, body });
    gate.use(await read<Tokens>(answer));
  }, goOnAnew);

/** Forgets what this browser keeps of an account that is no more, or signed out everywhere. */
export const leave = async (reason?: string): Promise<void> => {
  const held = session.peek();
  if (held.is !== "in") return;
  await shut(true);
  lastUser.set(undefined);
  forgetDrafts();
  await deleteIndexedDb(databaseOf(held.user)).catch(() => {});
  session.value = { is: "out", reason };
};

/** Signs out, and forgets what this browser keeps of the account. */
export const logOut = async (): Promise<void> => {
  const held = session.peek();
  if (held.is !== "in") return;
  await gate.logOut().catch(() => {});
  await leave();
};

/** A name for this browser in the list of sessions. */
export const deviceName = (): string => {
  const agent = navigator.userAgent;
  const browser = /Firefox|Edg|OPR|Chrome|Safari/.exec(agent)?.[0] ?? "Browser";
  const system = /Android|iPhone|iPad|Windows|Mac OS X|Linux/.exec(agent)?.[0] ?? "";
  const names: Record<string, string> = { Edg: "Edge", OPR: "Opera", "Mac OS X": "macOS" };
  return [names[browser] ?? browser, names[system] ?? system].filter(Boolean).join(", ");
};
