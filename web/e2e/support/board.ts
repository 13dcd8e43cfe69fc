// What a test of the board has: a real server, people with accounts, their browsers and their clients. A page that logs an error
// or breaks the content security policy fails its test.

import { expect, test as base, type BrowserContext, type BrowserContextOptions, type Page } from "@playwright/test";
import { WebSocket } from "ws";
import { connect, signIn, type Client } from "../../src/sdk/index.js";
import type { Workspace } from "../../src/sdk/contract.js";
import { PASSWORD } from "../../test/support/person.js";
import { server, type Server } from "../../test/support/server.js";

export { expect, PASSWORD };

/** Somebody with an account, at a browser of their own. */
export interface Someone {
  email: string;
  name: string;
  page: Page;
  /** Their personal workspace. */
  home: string;
  /** What they do elsewhere: calls to the server without the board. */
  client: Client;
  /** Makes a workspace in which these people are. */
  team(name: string, ...others: Someone[]): Promise<Workspace>;
}

interface Fixtures {
  /** Settings of the server, beside those of all tests. */
  settings: Record<string, string>;
  /** What is done at the end, the last first. */
  ends: (() => unknown)[];
  server: Server;
  /** Makes an account, and opens the board with it. */
  someone(name: string, options?: BrowserContextOptions): Promise<Someone>;
  /** A browser that nobody is signed in at. */
  stranger(options?: BrowserContextOptions): Promise<Page>;
}

/** What a browser says of itself when a server is gone or refuses: it is the board's to handle. */
const HARMLESS = /Failed to load resource|WebSocket connection to|net::ERR_/;

export const test = base.extend<Fixtures>({
  settings: [{}, { option: true }],

  ends: async ({}, use) => {
    const ends: (() => unknown)[] = [];
    await use(ends);
    for (const end of ends) await end();
  },

  server: async ({ settings, ends }, use) => {
    const set = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    await use(await server({ after: (end) => ends.unshift(end) }, ...set));
  },

  stranger: async ({ browser, server }, use) => {
    const errors: string[] = [];
    const contexts: BrowserContext[] = [];
    await use(async (options) => {
      const context = await browser.newContext({ baseURL: server.url, ...options });
      contexts.push(context);
      const page = await context.newPage();
      page.on("pageerror", (error) => errors.push(String(error)));
      page.on("console", (message) => {
        if (message.type() === "error" && !HARMLESS.test(message.text())) errors.push(message.text());
      });
      return page;
    });
    for (const context of contexts) await context.close();
    expect(errors).toEqual([]);
  },

  someone: async ({ server, stranger }, use) => {
    const clients: Client[] = [];
    await use(async (name, options) => {
      const page = await stranger(options);
      const email = `${name.toLowerCase()}-${Math.random().toString(36).slice(2, 8)}@example.org`;
      // The cookie of this sign-up is the page's.
      const answer = await page.request.post(`${server.url}/v1/auth/signup`, { data: { name, email, password: PASSWORD } });
      expect(answer.status()).toBe(201);
      const session = signIn({ url: server.url, delivery: "body" });
      await session.logIn({ email, password: PASSWORD });
      const client = connect({ url: server.url, token: session.token, WebSocket });
      clients.push(client);
      const { data } = await client.call("workspace.list", {});
      await page.goto("today");
      // On a phone the navigation is behind a button.
      await expect(page.getByRole("navigation").or(page.getByRole("button", { name: "Menu" })).first()).toBeVisible();
      return {
        email,
        name,
        page,
        home: data.items[0]!.id,
        client,
        async team(called, ...others) {
          const { data: made } = await client.call("workspace.create", { name: called });
          for (const other of others)
            await client.call("member.add", { workspace_id: made.id, email: other.email, role: "member" });
          return made;
        },
      };
    });
    for (const client of clients) client.close();
  },
});
