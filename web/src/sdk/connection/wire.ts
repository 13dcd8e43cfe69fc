// What carries frames, as the connection sees it, and the first of the two that do: a WebSocket. Reads no frame.

import type { Authenticate, ServerFrame } from "../contract.js";
import type { Request } from "./calls.js";

/** One open way to the server. */
export interface Wire {
  send(request: Request): void;
  close(): void;
  /** Whether it carries `ping` and `auth.renew`. If not, the server is heard at each heartbeat, and a new token opens a new one. */
  readonly twoWay: boolean;
}

/** What a wire tells. After `closed` it tells nothing more. */
export interface Told {
  frame(frame: ServerFrame): void;
  /** Bytes came. */
  heard(): void;
  /** It ended, with the code of a close; -1 when it wants to be opened again at once. */
  closed(code: number | undefined, reason: string): void;
}

/** Opens a wire and authenticates on it. The answer, `welcome` or `error`, has this id. */
export type Dial = (auth: Authenticate, id: number, told: Told) => Wire;

/** What this uses of a WebSocket's constructor: that of browsers, of Node, or of the package `ws`. */
export interface WebSocketLike {
  new (url: string, protocol: string): {
    onopen: ((event: never) => void) | null;
    onmessage: ((event: never) => void) | null;
    onclose: ((event: never) => void) | null;
    onerror: ((event: never) => void) | null;
    send(text: string): void;
    close(code?: number): void;
  };
}

/** A WebSocket to this address. */
export const webSocket =
  (url: string, Socket: WebSocketLike): Dial =>
  (auth, id, told) => {
    const socket = new Socket(url, "taskwire.v1");
    let over = false;
    const end = (code: number | undefined, reason: string) => {
      if (over) return;
      over = true;
      told.closed(code, reason);
    };
    socket.onopen = () => socket.send(JSON.stringify({ type: "auth", id, data: auth }));
    socket.onmessage = ({ data }: { data: unknown }) => {
      if (over) return;
      told.heard();
      let frame;
      try {
        frame = JSON.parse(data as string) as ServerFrame;
      } catch {
        return end(undefined, "unreadable");
      }
      told.frame(frame);
    };
    socket.onclose = ({ code, reason }: { code?: number; reason?: string }) => end(code, reason || "cut");
    // `onclose` follows. It must be there: a package throws an error that nobody hears.
    socket.onerror = () => {};
    return {
      twoWay: true,
      send: ({ text }) => socket.send(text),
      close() {
        over = true;
        socket.close(1000);
      },
    };
  };
