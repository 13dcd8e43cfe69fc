// A reverse proxy before a server, below a path of its own, which it takes away. It can keep the API back, and serve the board
// of another version.

import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import type { Ends } from "../../test/support/server.js";

/** Finds what marks the page of the other version. */
export const OTHER = 'meta[name="version"]';

export interface Front {
  /** The address of the board, with the path and without a slash at its end. */
  readonly url: string;
  /** The port of the server behind it. */
  port: number;
  /** Keeps the API out of reach, and cuts what is connected, or lets all through again. */
  keepApiBack(isBack: boolean): void;
  /** Whether the board is of another version. */
  isOther: boolean;
}

/** The same file of another version: the page has a mark, and its worker another name for the version. */
const changed = (path: string, text: string): string =>
  path === "/worker.js"
    ? text.replace(/"[0-9a-f]{12}"/, '"000000000000"')
    : text.replace("<title>", '<meta name="version" content="other"><title>');

export const front = async (test: Ends, path: string): Promise<Front> => {
  const sockets = new Set<Socket>();
  const state = { port: 0, isApiAway: false, isOther: false };
  const isAway = (url: string) => state.isApiAway && url.startsWith("/v1/");
  const inside = (url = ""): string | undefined => (url.startsWith(`${path}/`) ? url.slice(path.length) : undefined);

  const pass = (from: IncomingMessage, to: ServerResponse) => {
    const url = inside(from.url);
    if (!url) return to.writeHead(404).end();
    if (isAway(url)) return from.socket.destroy();
    const headers = { ...from.headers };
    const isPage = state.isOther && (url === "/" || url === "/worker.js");
    // what is changed comes plain, and never as what the browser has already
    if (isPage) for (const name of ["accept-encoding", "if-none-match"]) delete headers[name];
    const { port } = state;
    const onward = request({ host: "127.0.0.1", port, path: url, method: from.method, headers }, (answer) => {
      if (!isPage) return answer.pipe(to.writeHead(answer.statusCode!, answer.headers));
      const { "content-length": _, etag: __, ...rest } = answer.headers;
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      return answer.on("end", () => to.writeHead(200, rest).end(changed(url, Buffer.concat(chunks).toString())));
    });
    onward.on("error", () => from.socket.destroy());
    return from.pipe(onward);
  };

  const listener = createServer(pass);
  listener.on("upgrade", (from: IncomingMessage, near: Socket) => {
    const url = inside(from.url);
    if (!url || isAway(url)) return near.destroy();
    const far = connect(state.port, "127.0.0.1");
    const lines = Object.entries(from.headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
    far.write(`GET ${url} HTTP/1.1\r\n${lines.join("")}\r\n`);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on("error", () => {});
      one.on("close", () => (sockets.delete(one), other.destroy()));
      one.pipe(other);
    }
    return undefined;
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const cut = () => sockets.forEach((socket) => socket.destroy());
  test.after(() => {
    cut();
    listener.closeAllConnections();
    listener.close();
  });
  const { port } = listener.address() as AddressInfo;
  return Object.assign(state, {
    url: `http://127.0.0.1:${port}${path}`,
    keepApiBack: (isBack: boolean) => {
      state.isApiAway = isBack;
      if (isBack) cut();
    },
  });
};
