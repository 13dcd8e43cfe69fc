// WebSockets without a network, for tests with a clock of their own: each one that a client opens can be looked at and
// answered.

import type { Welcome } from "../../src/sdk/contract.js";

export interface Frame {
  type: string;
  id: number;
  op_id?: string;
  data: Record<string, unknown>;
}

/** One socket, from the server's side. */
export class TestSocket {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly sent: Frame[] = [];
  closed = false;
  /** Whether it answers `ping` by itself. */
  alive = false;

  constructor(
    readonly url: string,
    readonly protocol: string,
  ) {}

  send(text: string) {
    const frame = JSON.parse(text) as Frame;
    this.sent.push(frame);
    if (this.alive && frame.type === "ping") this.say({ type: "pong", id: frame.id });
  }
  close() {
    this.closed = true;
  }

  open() {
    this.onopen?.({} as never);
  }
  say(frame: object) {
    this.onmessage?.({ data: JSON.stringify(frame) } as never);
  }
  end(code: number, reason = "") {
    this.onclose?.({ code, reason } as never);
  }

  /** Opens, and answers `auth`. */
  welcome(more: Partial<Welcome> = {}) {
    this.open();
    this.say({ type: "welcome", id: this.sent[0]!.id, data: welcome(more) });
  }
  ok(frame: Frame | undefined, data: object = {}) {
    this.say({ type: "ok", id: frame!.id, data });
  }
  fail(frame: Frame | undefined, code: string, more: object = {}) {
    const error = { code, message: code, retryable: false, retry_after_ms: null, request_id: "", ...more };
    this.say({ type: "error", id: frame!.id, error });
  }
  of(type: string): Frame[] {
    return this.sent.filter((frame) => frame.type === type);
  }
}

/** A constructor for `connect`, and the sockets that it made. */
export const sockets = () => {
  const made: TestSocket[] = [];
  const WebSocket = class extends TestSocket {
    constructor(url: string, protocol: string) {
      super(url, protocol);
      made.push(this);
    }
  };
  return { WebSocket, made, last: () => made.at(-1)! };
};

export const USER = "01990000-0000-7000-8000-000000000001";

/** A `welcome` as a server sends it, with what a test changes. */
export const welcome = (more: object = {}) => ({
  protocol: 1,
  revision: 2,
  server: { name: "taskwire", version: "1", instance: "a", time: new Date(1_800_000_000_000).toISOString() },
  epoch: "one",
  user: { id: USER },
  session: { id: "s", expires_at: "9999-12-31T23:59:59.999Z" },
  heartbeat_ms: 25_000,
  limits: { frame_bytes: 65_536, in_flight: 64, batch: 100, streams: 256, ops_per_second: 50, burst: 200 },
  streams: [],
  ...more,
});
