// Signs in over HTTP, and gives access tokens that are refreshed once for however many callers. Keeps tokens in memory only:
// in a browser the refresh token is a cookie that scripts cannot read, elsewhere a program may keep it.

import type { Failure, HttpError, HttpLogIn, HttpSignUp, Tokens } from "./contract.js";
import { address } from "./connection/address.js";
import { Refused, SignedOut } from "./link.js";

export interface SignInOptions {
  url: string;
  /** Where the refresh token is: a cookie (the default where there is a `document`), or the answer's body. */
  delivery?: "cookie" | "body";
  /** A refresh token that was kept; `delivery` is then `"body"`. */
  refresh_token?: string;
  /** Is called with each new refresh token, and with nothing after the end of the session. */
  keep?: (refresh_token: string | undefined) => void;
  fetch?: typeof fetch;
}

/** A session with a server. */
export interface SignIn {
  signUp(body: Omit<HttpSignUp, "token_delivery">): Promise<Tokens>;
  logIn(body: Omit<HttpLogIn, "token_delivery" | "refresh_token">): Promise<Tokens>;
  /** Ends the session. */
  logOut(): Promise<void>;
  /** Goes on with other tokens, such as those that `auth.change_password` answers. */
  use(tokens: Tokens): void;
  /** For `connect({ token })`. */
  token(stale?: string): Promise<string>;
}

const TIMEOUT = 15_000;
/** A token that ends sooner is refreshed before it is used. */
const NEAR = 30_000;

/** A refresh that is refused like this never works again. */
const FINAL = /TOKEN|AUTH|FORBIDDEN|INACTIVE|VERIFIED|VALIDATION/;

/** Signs in at this server. */
export const signIn = (options: SignInOptions): SignIn => {
  const at = address(options.url);
  const request = options.fetch ?? globalThis.fetch.bind(globalThis);
  const inBody = options.refresh_token
    ? true
    : options.delivery
      ? options.delivery === "body"
      : typeof document === "undefined";
  let refreshToken = options.refresh_token;
  let access: string | undefined;
  let ends = 0;
  let refreshing: Promise<Tokens> | undefined;

  const forget = () => {
    refreshToken = access = undefined;
    options.keep?.(undefined);
  };

  const use = (tokens: Tokens) => {
    access = tokens.access_token;
    ends = Date.now() + tokens.expires_in * 1000;
    if (!inBody || !tokens.refresh_token) return;
    refreshToken = tokens.refresh_token;
    options.keep?.(refreshToken);
  };

  const post = async (path: string, body: object): Promise<Tokens> => {
    const stop = new AbortController();
    const late = setTimeout(() => stop.abort(), TIMEOUT);
    try {
      const answer = await request(at("http", `auth/${path}`), {
        method: "POST",
        // A cookie of another origin's server is sent only when asked for.
        credentials: inBody ? "omit" : "include",
        headers: { "content-type": "application/json", ...(access && { authorization: `Bearer ${access}` }) },
        body: JSON.stringify(body),
        signal: stop.signal,
      });
      const json = (await answer.json()) as Tokens | HttpError;
      if (answer.ok) return json as Tokens;
      const { error, request_id } = json as HttpError;
      throw new Refused({ retry_after_ms: null, ...error, request_id } as Failure);
    } finally {
      clearTimeout(late);
    }
  };

  const delivery = () => ({ token_delivery: inBody ? ("body" as const) : ("cookie" as const) });
  const enter = async (path: string, body: object) => {
    access = undefined;
    const tokens = await post(path, { ...body, ...delivery() });
    // Where addresses are verified first, a sign-up gives no tokens yet.
    if (tokens.access_token) use(tokens);
    return tokens;
  };

  const exchange = () => post("refresh", { ...delivery(), ...(inBody && { refresh_token: refreshToken }) });
  const refresh = async (): Promise<Tokens> => {
    if (inBody && !refreshToken) throw new SignedOut("nobody is signed in");
    access = undefined;
    try {
      // A lost answer is asked for once more at once: within 30 s the server gives the same tokens again.
      const tokens = await exchange().catch((error: unknown) => {
        if (error instanceof Refused) throw error;
        return exchange();
      });
      use(tokens);
      return tokens;
    } catch (error) {
      // Only a clear refusal is final; anything else is worth another try.
      if (!(error instanceof Refused) || !FINAL.test(error.failure.code)) throw error;
      forget();
      throw new SignedOut(error.message);
    }
  };

  return {
    signUp: (body) => enter("signup", body),
    logIn: (body) => enter("login", { ...body, ...(inBody && refreshToken && { refresh_token: refreshToken }) }),
    async logOut() {
      await post("logout", {});
      forget();
    },
    use,
    async token(stale) {
      if (access && access !== stale && Date.now() < ends - NEAR) return access;
      refreshing ??= refresh().finally(() => (refreshing = undefined));
      return (await refreshing).access_token;
    },
  };
};
