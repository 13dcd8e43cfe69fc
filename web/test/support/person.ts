// Somebody with an account at a real server, and clients of theirs.

import { createHmac, randomUUID } from "node:crypto";
import { WebSocket } from "ws";
import { connect, signIn, type Client, type ConnectOptions, type SignIn } from "../../src/sdk/index.js";
import type { Tokens } from "../../src/sdk/contract.js";
import { SECRET, type Ends } from "./server.js";

export const PASSWORD = "a goose eats plums at noon";

export interface Person {
  session: SignIn;
  tokens: Tokens;
  email: string;
}

/** Signs somebody up. */
export const person = async (url: string, name = "Ada"): Promise<Person> => {
  const session = signIn({ url, delivery: "body" });
  const email = `${randomUUID()}@example.org`;
  const tokens = await session.signUp({ email, password: PASSWORD, name });
  return { session, tokens, email };
};

/** A client that ends with the test. */
export const client = (test: Ends, url: string, options: Omit<ConnectOptions, "url">): Client => {
  const made = connect({ url, WebSocket, ...options });
  test.after(() => made.close());
  return made;
};

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** The same token with other claims, signed with the secret of the test's server. */
export const forged = (token: string, claims: Record<string, unknown>): string => {
  const [head, body] = token.split(".").map((text) => Buffer.from(text, "base64url").toString());
  const text = `${part(JSON.parse(head!))}.${part({ ...(JSON.parse(body!) as object), ...claims })}`;
  return `${text}.${createHmac("sha256", SECRET).update(text).digest("base64url")}`;
};
