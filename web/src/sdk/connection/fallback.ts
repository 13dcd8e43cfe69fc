// The other way to the server, where WebSockets are blocked: server-sent events beside HTTP requests. To the connection it
// looks like a socket, so it also does what only a socket can: it catches streams up that the server did not resume, holds a
// stream back while it is synced, and follows another one by opening again.

import type { ErrorFrame, EventFrame, Failure, HttpError, OkFrame, ServerFrame, StreamState, Welcome } from "../contract.js";
import type { Request } from "./calls.js";
import { eventStream } from "./event-stream.js";
import type { Clock } from "./clock.js";
import type { Dial } from "./wire.js";

type Answered = OkFrame | ErrorFrame;

/** Events of a page of `stream.history`. */
const PAGE = 500;
/** The wire's own end: it wants to be opened again. */
const AGAIN = -1;
/** The server answers within 30 s. */
const DEADLINE = 40_000;

/** Server-sent events and requests below this base address. */
export const fallback = (
  address: (path: string) => string,
  request: typeof fetch,
  clock: Clock,
  /** Moves the position in a stream that a call subscribes to. It holds when the stream of events is opened again. */
  follow: (stream: string, since: number) => void,
): Dial => {
  /** Calls that have moved a position. */
  const followed = new Set<number>();
  /** The position of the last event, over all streams, while no stream is held back. */
  let cursor: string | undefined;

  return (auth, id, told) => {
    const stop = new AbortController();
    const headers = { authorization: `Bearer ${auth.token}` };
    const end = (code: number | undefined, reason: string) => {
      if (stop.signal.aborted) return;
      stop.abort();
      told.closed(code, reason);
    };
    const pass = (frame: ServerFrame) => stop.signal.aborted || told.frame(frame);

    /** Sends frames, and returns their answers in the same order. */
    const post = async (frames: string[]): Promise<Answered[]> => {
      const inTime = clock.after(DEADLINE, () => end(undefined, "no answer in time"));
      const answering = request(address("rpc"), {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: `[${frames.join()}]`,
        signal: stop.signal,
      }).then((answer) => answer.json() as Promise<Answered[] | ErrorFrame | HttpError>);
      const body = await answering.finally(inTime);
      if (Array.isArray(body)) return body;
      const error = body.error as Failure;
      // The frames were not read: each has this answer.
      return frames.map((frame) => ({ type: "error", id: (JSON.parse(frame) as { id: number }).id, error }));
    };

    // Requests, one body at a time, so that they keep their order.
    let waiting: Request[] = [];
    let posting = false;
    let most = 1;
    const flush = async () => {
      if (posting) return;
      posting = true;
      while (waiting.length && !stop.signal.aborted) {
        const now = waiting.splice(0, most);
        const answers = await post(now.map(({ text }) => text));
        answers.forEach((answer, index) => {
          pass(answer);
          release(now[index]!);
        });
      }
      posting = false;
    };

    // Streams that are held back while they are synced: over HTTP their events go on meanwhile.
    const held = new Map<string, EventFrame[]>();
    let streams: StreamState[] = [];
    let user = "";
    const synced = ({ name, params }: Request): string | undefined => {
      if (name === "user.sync") return user;
      return name === "workspace.sync" && params["cursor"] == null ? `workspace:${params["workspace_id"]}` : undefined;
    };
    const release = (of: Request) => {
      const stream = synced(of);
      if (!stream) return;
      const isFollowed = auth.streams === "all" || streams.some((state) => state.stream === stream);
      // After the caller has its answer, as on a socket.
      clock.after(0, () => {
        const events = held.get(stream) ?? [];
        held.delete(stream);
        events.forEach(pass);
        if (!isFollowed) end(AGAIN, "another stream");
      });
    };

    /** Answers what only a socket can do, if it is that. */
    const local = ({ id, name, params }: Request): Answered | undefined => {
      const stream = params["stream"] as string;
      if (name === "stream.unsubscribe") return { type: "ok", id, data: {} };
      const state = streams.find((one) => one.stream === stream);
      if (name !== "stream.subscribe" || !state || (params["since"] != null && !followed.delete(id))) return undefined;
      return { type: "ok", id, data: { seq: state.seq, resumed: state.resumed, ...(state.reason && { reason: state.reason }) } };
    };

    const send = (call: Request) => {
      const answer = local(call);
      if (answer) return void clock.after(0, () => pass(answer));
      const since = call.params["since"];
      if (call.name === "stream.subscribe" && typeof since === "number") {
        const stream = call.params["stream"] as string;
        follow(stream, since);
        // What comes of it before that is read from its log then.
        held.set(stream, []);
        cursor = undefined;
        followed.add(call.id);
        return void clock.after(0, () => end(AGAIN, "another stream"));
      }
      const stream = synced(call);
      if (stream && !held.has(stream)) held.set(stream, []);
      waiting.push(call);
      flush().catch((error: unknown) => end(undefined, String(error)));
    };

    const event = (frame: EventFrame) => {
      const waits = held.get(frame.stream);
      if (waits) waits.push(frame);
      else pass(frame);
    };

    /** The events of a stream after the position that it had, from its log; nothing when that does not reach back. */
    const missed = async (state: StreamState, after: number): Promise<EventFrame[] | undefined> => {
      const events: EventFrame[] = [];
      for (let at = after; at < state.seq; ) {
        const data = { stream: state.stream, after: at, limit: PAGE };
        const [answer] = await post([JSON.stringify({ type: "stream.history", id: 0, data })]);
        const page = answer?.type === "ok" ? (answer.data as { events: EventFrame[] }).events : [];
        if (page[0]?.seq !== at + 1) return undefined;
        events.push(...page);
        at = page.at(-1)!.seq;
      }
      return events;
    };

    /** Resumes what the server did not, and then tells. */
    const welcome = async (data: Welcome) => {
      const before = (auth.resume?.epoch === data.epoch && auth.resume?.positions) || {};
      streams = data.streams;
      most = data.limits.batch;
      user = `user:${data.user.id}`;
      const events: EventFrame[] = [];
      for (const state of streams) {
        const at = before[state.stream];
        if (state.resumed || at === undefined || at > state.seq || /^(no|li)/.test(state.reason ?? "")) continue;
        const found = await missed(state, at);
        if (!found) continue;
        state.resumed = true;
        delete state.reason;
        events.push(...found);
      }
      pass({ type: "welcome", id, data });
      events.forEach(event);
    };

    let ready: Promise<unknown> | undefined;
    const arrived = (name: string, data: unknown) => {
      if (name === "event") event(data as EventFrame);
      else if (name === "signal") pass(data as ServerFrame);
      else if (name === "close") end((data as { code: number }).code, (data as { reason: string }).reason);
    };
    const got = (name: string, text: string, position: string | undefined) => {
      const data: unknown = JSON.parse(text);
      // What comes while the welcome is made ready comes after it.
      if (name === "welcome") ready = welcome(data as Welcome);
      else ready = (ready ?? Promise.resolve()).then(() => arrived(name, data));
      ready.then(
        () => {
          if (position && !held.size && !stop.signal.aborted) cursor = position;
        },
        (error: unknown) => end(undefined, String(error)),
      );
    };

    const open = async () => {
      const query = new URLSearchParams();
      if (Array.isArray(auth.streams)) query.set("streams", auth.streams.join());
      if (cursor && auth.resume) query.set("position", cursor);
      const answer = await request(`${address("events")}?${query}`, {
        headers: { ...headers, accept: "text/event-stream" },
        cache: "no-store",
        signal: stop.signal,
      });
      if (/event-stream/.test(answer.headers.get("content-type") ?? "") && answer.body) {
        await eventStream(answer.body, told.heard, got);
        await ready;
        return end(undefined, "cut");
      }
      const { error } = (await answer.json()) as HttpError;
      if (!/^[A-Z_]+$/.test(error.code) || answer.status === 404) return end(undefined, "no events here");
      told.heard();
      pass({ type: "error", id, error: error as Failure });
    };
    open().catch((error: unknown) => end(undefined, String(error)));

    const close = () => {
      // The connection found an event to be missing, perhaps: its positions say where to go on, and the cursor does not.
      if (!stop.signal.aborted) cursor = undefined;
      stop.abort();
    };
    return { twoWay: false, send, close };
  };
};
