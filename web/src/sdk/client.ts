// The client as a program sees it: options with their defaults, and calls typed both ways. Knows no frame.

import { address } from "./connection/address.js";
import { realClock, type Clock } from "./connection/clock.js";
import { connection, type Connection } from "./connection/connection.js";
import { here, type Environment } from "./connection/environment.js";
import type { TokenSource } from "./connection/tokens.js";
import { webSocket, type Dial, type WebSocketLike } from "./connection/wire.js";
import type { Answer, Link, Name, Options, Params, Resume } from "./link.js";

/** What a client needs, and what it may be told. */
export interface ConnectOptions {
  /** The server: `http(s)` or `ws(s)`, a host, perhaps a path. */
  url: string;
  /**
   * Gives an access token. It is asked for each connection and before a token ends; `stale` is one that is not accepted any
   * more. After 20 s without an answer, or an error, it is asked again later; {@link SignedOut} ends the connection.
   */
  token: TokenSource;
  /** The streams to follow: `"all"` that the user may read (the default), or these. */
  streams?: "all" | readonly string[];
  /** Where an earlier client was: what its `resume()` returned. */
  resume?: Resume | undefined;
  /** The program's name and version, for the list of sessions. */
  client?: { name: string; version?: string };
  /** `"websocket"` or `"events"`; the first that works when left out. */
  transport?: "websocket" | "events";
  /** The most calls that wait to be sent: 10,000. */
  queue?: number;
  /** A WebSocket where there is none, such as the package `ws` in Node 20. */
  WebSocket?: WebSocketLike;
  fetch?: typeof fetch;
  /** What says that the network or the page came back; found out when left out. React Native: `reactNative(AppState)`. */
  environment?: Environment;
  /** Time and chance, for tests. */
  clock?: Clock;
}

/** The operations of a program: the connection itself authenticates. */
export type Callable = Exclude<Name, "auth" | "auth.renew">;

/** The arguments behind an operation's name. Parameters may be left out when none is required. */
export type Args<K extends Name> =
  Record<never, never> extends Params<K> ? [params?: Params<K>, options?: Options] : [params: Params<K>, options?: Options];

/** A connection with typed calls. */
export interface Client extends Omit<Connection, "call"> {
  /** Sends a request, and resolves with its answer. Rejects with `Refused` or `Lost`. */
  call<K extends Callable>(name: K, ...args: Args<K>): Promise<Answer<K>>;
  /** The same connection, for the parts that work on any. */
  readonly link: Link;
}

/** Connects to a server. It returns at once, and goes on until it is closed. */
export const connect = (options: ConnectOptions): Client => {
  const {
    url,
    token,
    streams = "all",
    resume,
    client = { name: "taskwire-js" },
    transport,
    queue = 10_000,
    WebSocket: Socket = globalThis.WebSocket,
    fetch: request = globalThis.fetch?.bind(globalThis),
    environment = here(),
    clock = realClock,
  } = options;
  if (!Socket && transport !== "events") throw new TypeError("give `WebSocket`: there is none here");
  const at = address(url);
  const link = connection({
    token,
    streams,
    resume,
    client,
    queue,
    environment,
    clock,
    ways(follow) {
      const socket = () => webSocket(at("ws", "socket"), Socket);
      let dial: Dial | undefined;
      // Most programs never need it.
      const events = async () =>
        (dial ??= (await import("./connection/fallback.js")).fallback((path) => at("http", path), request, clock, follow));
      if (transport === "events") return [events];
      return transport || !request ? [socket] : [socket, events];
    },
  });
  return Object.assign(link, { link }) as unknown as Client;
};
