// A proxy before a real server, through which no WebSocket goes. It sees the requests, and may hold an answer back or cut
// every connection. Does not look at what a stream of events says.

import { once } from "node:events";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { TestContext } from "node:test";
import type { Frame } from "./sockets.js";

export interface Front {
  readonly url: string;
  /** How often a WebSocket was tried. */
  upgrades: number;
  /** The queries of the requests for events. */
  readonly opened: URLSearchParams[];
  /** The bodies of calls. */
  readonly bodies: Frame[][];
  /** What happens around a call: before it is passed on, and before its answer is. */
  around: (frames: Frame[], pass: () => Promise<void>) => Promise<void>;
  /** Cuts every connection. */
  cut(): void;
}

/** A proxy before this address, which ends with the test. */
export const front = async (t: TestContext, server: string): Promise<Front> => {
  const sockets = new Set<Socket>();

  /** Sends the request on, and its answer back, as it comes. */
  const pass = (asked: IncomingMessage, body: Buffer, to: ServerResponse): Promise<void> =>
    new Promise((resolve) => {
      const headers = { ...asked.headers, host: new URL(server).host };
      const on = request(new URL(asked.url!, server), { method: asked.method!, headers }, (answer) => {
        to.writeHead(answer.statusCode!, answer.headers);
        answer.on("error", () => to.destroy());
        answer.pipe(to);
        resolve();
      });
      on.on("error", () => to.destroy());
      to.on("close", () => {
        on.destroy();
        resolve();
      });
      on.end(body);
    });

  const listener = createServer(async (asked, to) => {
    const url = new URL(asked.url!, server);
    const pieces: Buffer[] = [];
    for await (const piece of asked) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces);
    if (url.pathname === "/v1/events") it.opened.push(url.searchParams);
    if (url.pathname !== "/v1/rpc") return pass(asked, body, to);
    const frames = JSON.parse(body.toString()) as Frame[];
    it.bodies.push(frames);
    await it.around(frames, () => pass(asked, body, to));
  });
  listener.on("upgrade", (_, socket) => {
    it.upgrades++;
    socket.destroy();
  });
  listener.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const cut = () => sockets.forEach((socket) => socket.destroy());
  t.after(() => {
    listener.close();
    cut();
  });
  const it: Front = {
    url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    upgrades: 0,
    opened: [],
    bodies: [],
    around: (_, pass) => pass(),
    cut,
  };
  return it;
};
