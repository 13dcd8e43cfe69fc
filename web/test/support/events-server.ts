// A server of `GET /v1/events` and `POST /v1/rpc` as the contract describes them (protocol.md, section 1), with logs that a
// test fills. It refuses WebSockets, as a proxy on the way may.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import type { TestContext } from "node:test";
import { USER, welcome, type Frame } from "./sockets.js";

interface Entry {
  type: "event";
  stream: string;
  seq: number;
  event: string;
  data: object;
}

export interface EventsServer {
  readonly url: string;
  /** The queries of the requests for events, and the tokens that came with them. */
  readonly opened: URLSearchParams[];
  readonly tokens: string[];
  /** The bodies of requests. */
  readonly bodies: Frame[][];
  /** How often a WebSocket was tried. */
  upgrades: number;
  /** Answers a frame in another way than `ok`. */
  answer: (frame: Frame) => object | undefined;
  /** Answers a request for events in another way. */
  refuse: ((response: ServerResponse) => boolean) | undefined;
  /** Loses what it should send. */
  swallow: boolean;
  /** Begins a stream's log at this entry: what was before is gone. */
  forget(stream: string, first: number): void;
  log(stream: string): void;
  signal(signal: string, data: object): void;
  /** Ends the streams of events as the contract says. */
  close(code: number, reason: string): void;
  cut(): void;
}

const WORKSPACE = "workspace:a";

export const eventsServer = async (t: TestContext): Promise<EventsServer> => {
  const logs = new Map<string, Entry[]>([
    [`user:${USER}`, []],
    [WORKSPACE, []],
    ["workspace:b", []],
  ]);
  const first = new Map<string, number>();
  const followers = new Map<ServerResponse, Set<string>>();
  const sockets = new Set<Socket>();
  const head = (stream: string) => logs.get(stream)!.length;
  const position = () => Buffer.from(JSON.stringify([...logs].map(([stream]) => [stream, head(stream)]))).toString("base64url");
  const say = (to: ServerResponse, name: string, data: object, id = "") =>
    to.write(`${id && `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  const reaches = (stream: string, seq: number) => seq >= (first.get(stream) ?? 1) - 1 && seq <= head(stream);

  const events = (query: URLSearchParams, response: ServerResponse) => {
    server.opened.push(query);
    if (server.refuse?.(response)) return;
    response.writeHead(200, { "content-type": "text/event-stream" });
    const names = query.get("streams")?.split(",").filter(Boolean) ?? [`user:${USER}`, WORKSPACE];
    const from = new Map(JSON.parse(Buffer.from(query.get("position") ?? "W10", "base64url").toString()) as [string, number][]);
    const streams = names.map((stream) => {
      const at = from.get(stream);
      const resumed = at !== undefined && reaches(stream, at);
      return { stream, seq: head(stream), resumed, ...(!resumed && { reason: at === undefined ? "new" : "expired" }) };
    });
    say(response, "welcome", welcome({ streams }));
    for (const { stream, resumed } of streams)
      if (resumed) for (const entry of logs.get(stream)!.slice(from.get(stream))) say(response, "event", entry, position());
    followers.set(response, new Set(names));
    response.on("close", () => followers.delete(response));
  };

  const carryOut = (frame: Frame): object => {
    const { id, type, data } = frame;
    const other = server.answer(frame);
    if (other) return other;
    const stream = data["stream"] as string;
    if (type === "stream.history") {
      const after = data["after"] as number;
      const all = logs.get(stream)!.filter(({ seq }) => seq > after && seq >= (first.get(stream) ?? 1));
      return { type: "ok", id, data: { events: all.slice(0, data["limit"] as number), has_more: false } };
    }
    if (type === "workspace.sync") return { type: "ok", id, data: { seq: head(`workspace:${data["workspace_id"]}`) } };
    return { type: "ok", id, at: {}, data: {} };
  };

  const rpc = async (request: IncomingMessage, response: ServerResponse) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const frames = JSON.parse(body) as Frame[];
    server.bodies.push(frames);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(frames.map(carryOut)));
  };

  const listener = createServer((request, response) => {
    const url = new URL(request.url!, "http://test");
    server.tokens.push(request.headers.authorization ?? "");
    if (url.pathname === "/base/v1/events") events(url.searchParams, response);
    else if (url.pathname === "/base/v1/rpc") void rpc(request, response);
    else response.writeHead(404).end("{}");
  });
  listener.on("upgrade", (_, socket) => {
    server.upgrades++;
    socket.destroy();
  });
  listener.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const cut = () => sockets.forEach((socket) => socket.destroy());
  t.after(() => {
    listener.close();
    cut();
  });

  const server: EventsServer = {
    url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}/base`,
    opened: [],
    tokens: [],
    bodies: [],
    upgrades: 0,
    answer: () => undefined,
    refuse: undefined,
    swallow: false,
    forget: (stream, seq) => void first.set(stream, seq),
    log(stream) {
      const entry: Entry = { type: "event", stream, seq: head(stream) + 1, event: "task.updated", data: {} };
      logs.get(stream)!.push(entry);
      if (server.swallow) return;
      for (const [response, names] of followers) if (names.has(stream)) say(response, "event", entry, position());
    },
    signal(signal, data) {
      for (const response of followers.keys()) say(response, "signal", { type: "signal", signal, data });
    },
    close(code, reason) {
      for (const response of followers.keys()) {
        say(response, "close", { code, reason });
        response.end();
      }
    },
    cut,
  };
  return server;
};
