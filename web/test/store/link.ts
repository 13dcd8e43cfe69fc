// A connection to the server in memory: what it sends and what arrives are steps of the test.

import { positions } from "../../src/sdk/connection/positions.js";
import type { EventFrame } from "../../src/sdk/contract.js";
import { Lost, Refused, type Link, type Listener, type Resume, type State } from "../../src/sdk/link.js";
import { Denied, ME, type Data, type Model } from "./model.js";

interface Call {
  name: string;
  params: Data;
  op_id: string | undefined;
  resolve(answer: unknown): void;
  reject(why: Error): void;
}

export type SimulatedLink = ReturnType<typeof simulatedLink>;

export const simulatedLink = (model: Model, resume: Resume | undefined) => {
  let state: State = { kind: "offline", retry_at: 0, reason: "not yet" };
  const listeners = new Set<Listener>();
  const known = positions("all", resume);
  let waiting: Call[] = [];
  let sent: Call[] = [];
  let answered: Call[] = [];
  let inbound: (() => void)[] = [];
  /** What the server has sent of each stream that this connection follows. */
  let told = new Map<string, number>();
  let head = 0;

  const turn = (to: State) => {
    state = to;
    for (const listener of listeners) listener.state?.(to);
  };

  /** The server sends what is new in the logs. */
  const tell = () => {
    for (let more = true; more;) {
      more = false;
      for (const [stream, at] of told) {
        const frame = model.world.logs.get(stream)?.[at];
        if (!frame) continue;
        more = true;
        told.set(stream, at + 1);
        // The memberships up to the head were in the `welcome`.
        if (stream === `user:${ME}` && frame.seq > head) {
          if (frame.event === "access.granted" && "workspace" in frame.data)
            told.set(`workspace:${frame.data.workspace.id}`, frame.data.seq);
          if (frame.event === "access.lost" && "workspace_id" in frame.data)
            told.delete(`workspace:${frame.data.workspace_id}`);
        }
        const copy = structuredClone(frame) as EventFrame;
        inbound.push(() => {
          const verdict = known.take(copy);
          if (verdict === "gap") throw new Error(`a gap before ${JSON.stringify(copy)}`);
          if (verdict === "next") for (const listener of listeners) listener.event?.(copy);
        });
      }
    }
  };

  const answer = (call: Call): (() => void) => {
    const over = (then: () => void) => () => {
      answered = answered.filter((other) => other !== call);
      then();
    };
    try {
      if (call.op_id) {
        const reply = structuredClone(model.mutate(call.name, structuredClone(call.params), call.op_id));
        return over(() => call.resolve({ replayed: false, ...reply }));
      }
      const data = model.query(call.name, call.params) as { seq: number };
      const stream = call.name === "user.sync" ? `user:${ME}` : `workspace:${String(call.params["workspace_id"])}`;
      if (!call.params["cursor"]) told.set(stream, data.seq);
      return over(() => {
        known.answered(call.name, call.params, data);
        call.resolve({ data, at: {}, replayed: false });
      });
    } catch (error) {
      if (!(error instanceof Denied)) throw error;
      return over(() => call.reject(new Refused(error.failure)));
    }
  };

  const link: Link = {
    get state() {
      return state;
    },
    call: (name, params, options) =>
      new Promise((resolve, reject) => {
        const op_id = options?.op_id ?? (name === "batch" ? "batch" : undefined);
        const call: Call = { name, params: structuredClone(params) as Data, op_id, resolve: resolve as never, reject };
        (state.kind === "online" ? sent : waiting).push(call);
      }),
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };

  return {
    link,
    tell,
    isOnline: () => state.kind === "online",
    isIdle: () => !sent.length && !inbound.length && !waiting.length,

    connect() {
      if (state.kind === "online") return;
      const claimed = known.resume();
      const welcome = structuredClone(model.welcome(claimed));
      told = new Map(
        welcome.streams.map(({ stream, seq, resumed }) => [stream, resumed ? claimed!.positions[stream]! : seq]),
      );
      head = model.head(`user:${ME}`);
      state = { kind: "online" };
      inbound.push(() => {
        known.welcome(welcome);
        for (const listener of listeners) listener.welcome?.(welcome);
        turn(state);
      });
      tell();
      sent = waiting;
      waiting = [];
    },

    /** The server carries out requests; each answer comes before or after its events. */
    serve(n: number, first: boolean) {
      for (; n > 0 && sent.length; n--) {
        const call = sent.shift()!;
        answered.push(call);
        const arrives = answer(call);
        if (first || !call.op_id) inbound.push(arrives);
        tell();
        if (!first && call.op_id) inbound.push(arrives);
      }
    },

    deliver(n: number) {
      for (; n > 0 && inbound.length; n--) inbound.shift()!();
    },

    cut() {
      if (state.kind !== "online") return;
      inbound = [];
      told = new Map();
      const lost = [...answered, ...sent];
      answered = [];
      sent = [];
      turn({ kind: "offline", retry_at: 0, reason: "cut" });
      for (const { reject } of lost) reject(new Lost("cut"));
    },
  };
};
