// A TCP proxy before a server: it cuts connections, and swallows what one side says.

import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import type { TestContext } from "node:test";

export interface Proxy {
  readonly url: string;
  /** How many connections there were. */
  readonly count: number;
  /** Cuts every connection. */
  cut(): void;
  /** Swallows what the server says, until the next cut. */
  deafen(): void;
  /** Is called with each chunk that a client sends, before it goes on. */
  onRequest: (text: string) => void;
}

/** A proxy before this port, which ends with the test. */
export const proxy = async (test: TestContext, port: number): Promise<Proxy> => {
  const sockets = new Set<Socket>();
  const state = { deaf: false, count: 0, onRequest: (_: string) => {} };
  const listener = createServer((near) => {
    state.count++;
    const far = connect(port, "127.0.0.1");
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on("error", () => {});
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    near.on("data", (chunk) => {
      state.onRequest(unmasked(chunk));
      far.write(chunk);
    });
    far.on("data", (chunk) => state.deaf || near.write(chunk));
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const cut = () => {
    state.deaf = false;
    for (const socket of sockets) socket.destroy();
  };
  test.after(() => {
    listener.close();
    cut();
  });
  return {
    url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    get count() {
      return state.count;
    },
    cut,
    deafen: () => void (state.deaf = true),
    get onRequest() {
      return state.onRequest;
    },
    set onRequest(run) {
      state.onRequest = run;
    },
  };
};

/** The text of a client's frame: RFC 6455 masks it (section 5.3). A chunk that is no single frame stays as it is. */
const unmasked = (chunk: Buffer): string => {
  const length = chunk[1]! & 0x7f;
  const at = length === 126 ? 4 : length === 127 ? 10 : 2;
  if (chunk[0] !== 0x81 || !(chunk[1]! & 0x80)) return chunk.toString("latin1");
  const mask = chunk.subarray(at, at + 4);
  return Buffer.from(chunk.subarray(at + 4).map((byte, index) => byte ^ mask[index % 4]!)).toString();
};
