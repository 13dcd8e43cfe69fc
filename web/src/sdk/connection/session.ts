// What happens on an open wire: events in their order, calls and their answers, the sign of life, new tokens. It lasts over
// wires, with the positions and the calls. Does not know how a wire is made, nor what comes after its end.

import type { ErrorFrame, EventFrame, OkFrame, PongFrame, ServerFrame, SignalFrame, Welcome } from "../contract.js";
import type { Resume } from "../link.js";
import { calls } from "./calls.js";
import type { Clock } from "./clock.js";
import type { Ending } from "./endings.js";
import type { Environment } from "./environment.js";
import type { Tell } from "./listeners.js";
import { positions, type Wanted } from "./positions.js";
import { pulse } from "./pulse.js";
import { renewal } from "./renewal.js";
import type { Wire } from "./wire.js";

/** What a session is made of. */
export interface SessionParts {
  streams: Wanted;
  resume?: Resume | undefined;
  /** The most calls that wait to be sent. */
  queue: number;
  clock: Clock;
  environment: Environment;
}

/** What it needs of the connection around it. */
export interface Around {
  tell: Tell;
  end(ending: Ending): void;
  /** Asks for a token in the place of the one in use; rejects when there is no other. */
  ask(): Promise<string>;
  /** A new token was accepted, or is to be used on the next wire. */
  use(token: string): void;
}

/** These take a token of their own, which may be refused. */
const TAKES_TOKEN = /^(auth|invite)\./;

export const session = ({ clock, environment, ...parts }: SessionParts, { tell, end, ask, use }: Around) => {
  const place = positions(parts.streams, parts.resume);
  /** There is one from `welcome` on. */
  let wire: Wire | undefined;
  let renewing: [id: number, done: (frame: ServerFrame) => void] | undefined;
  /**
   * Some WebSockets tell several frames in a row without letting promises go on. The caller of `workspace.sync` has its answer
   * before the events after it, so these then wait.
   */
  let settling = false;
  let early: EventFrame[] = [];

  const queue = calls(clock, parts.queue, (request) => {
    // After the end of the token nothing goes before the new one.
    const isOver = renewed.isOver();
    if (isOver) renewed.renew();
    if (!wire || isOver) return false;
    wire.send(request);
    if (!queue.underWay()) heart.asks();
    return true;
  });

  /** Sends a request of its own, ahead of the calls. */
  const send = (name: string, params: Record<string, unknown>): number => {
    const id = queue.nextId();
    wire!.send({ id, name, params, text: JSON.stringify({ type: name, id, data: params }) });
    return id;
  };

  const expired = () => end({ reason: "the token has ended", stale: true, wait: 0 });
  const heart = pulse(
    clock,
    () => (renewed.isOver() ? expired() : send("ping", {})),
    () => queue.underWay() > 0,
    () => environment.hidden(),
    () => end({ reason: "the server is silent" }),
  );

  const bring = (token: string) => {
    if (wire!.twoWay)
      return new Promise<ServerFrame>((resolve) => (renewing = [send("auth.renew", { token }), resolve])).then((frame) => {
        if (frame.type === "ok") use(token);
        return frame;
      });
    use(token);
    end({ reason: "a new token", wait: 0 });
    return undefined;
  };
  const renewed = renewal(clock, ask, bring, queue.pump, expired);

  const event = (frame: EventFrame) => {
    const verdict = place.take(frame);
    if (verdict === "next") tell("event", frame);
    else if (verdict === "gap") end({ reason: "an event is missing" });
  };
  const late = () => {
    // Nothing is left of them after the end of the wire, which a listener may bring.
    for (let frame = early.shift(); frame; frame = early.shift()) event(frame);
  };

  const signal = (frame: SignalFrame) => {
    if (frame.signal === "session.expiring") renewed.renew();
    tell("signal", frame);
  };

  const answer = (frame: OkFrame | ErrorFrame | PongFrame) => {
    if (frame.id === renewing?.[0]) return renewing![1](frame);
    const request = queue.find(frame.id as number);
    if (!request) return;
    const { name, params } = request;
    // Another way than a socket has moved the position already.
    if (frame.type === "ok" && (wire!.twoWay || name !== "stream.subscribe")) place.answered(name, params, frame.data);
    // The token ended under way: the call is sent again after the next one.
    if (frame.type === "error" && /^TOKEN_/.test(frame.error.code) && !TAKES_TOKEN.test(name)) return expired();
    queue.answer(frame);
    settling = true;
    queueMicrotask(() => (settling = false));
  };

  return {
    place,
    queue,
    heart,
    renewed,
    /** Takes a frame of an open wire. */
    read(frame: ServerFrame) {
      if (frame.type === "signal") signal(frame);
      else if (frame.type === "ok" || frame.type === "error" || frame.type === "pong") answer(frame);
      else if (frame.type === "event") {
        if (!settling && !early.length) event(frame);
        else if (early.push(frame) === 1) clock.after(0, late);
      }
    },
    /** Goes on with this wire. */
    begin(on: Wire, welcome: Welcome, leave: string[]) {
      wire = on;
      renewed.begin(welcome);
      for (const stream of leave) send("stream.unsubscribe", { stream });
      heart.begin(welcome.heartbeat_ms, on.twoWay);
      queue.begin(welcome.limits);
    },
    /** The wire is gone. */
    stop() {
      wire = renewing = undefined;
      early = [];
      heart.stop();
      renewed.stop();
      queue.interrupt();
    },
  };
};
