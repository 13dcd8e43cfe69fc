// A client whose clock, chance, network and page are a test's.

import type { TestContext } from "node:test";
import { connect, type ConnectOptions, type State } from "../../src/sdk/index.js";
import { settle, testClock } from "./clock.js";
import { sockets } from "./sockets.js";

export const still = async (t: TestContext, options: Partial<ConnectOptions> = {}) => {
  const clock = testClock();
  const { WebSocket, made, last } = sockets();
  let hidden = false;
  const wakes = new Set<() => void>();
  const environment = {
    hidden: () => hidden,
    blocked: () => false,
    block: () => {},
    watch(wake: () => void) {
      wakes.add(wake);
      return () => void wakes.delete(wake);
    },
  };
  const states: State[] = [];
  const client = connect({
    url: "http://test.example",
    token: () => "token",
    transport: "websocket",
    WebSocket,
    clock,
    environment,
    ...options,
  });
  client.listen({ state: (state) => states.push(state) });
  t.after(() => client.close());
  await settle();
  return {
    client,
    clock,
    made,
    last,
    states,
    wakes,
    hide: (now: boolean) => void (hidden = now),
    wake: () => wakes.forEach((run) => run()),
    /** The last socket is welcomed. */
    async online(more = {}) {
      last().welcome(more);
      await settle();
      return last();
    },
  };
};

/** How long an offline state lasts yet. */
export const wait = (state: State, now: number): number => (state.kind === "offline" ? state.retry_at - now : NaN);
