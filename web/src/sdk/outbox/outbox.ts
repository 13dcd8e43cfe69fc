// The operations of a person until the server's state has them: shown at once, kept, sent in order, taken back when they are
// refused. Does not know where they are stored, nor who looks at them.

import type { Clock } from "../connection/clock.js";
import type { EventFrame, Limits, Mutation } from "../contract.js";
import { Refused, type Answer, type Link } from "../link.js";
import { refusal } from "../connection/requests.js";
import { idIn, type State } from "../replica/state.js";
import {
  change,
  entryOf,
  isPending,
  isShown,
  isUnsent,
  makes,
  type Begun,
  type Entry,
  type Fields,
  type Operation,
  type Undo,
} from "./operation.js";
import { sender } from "./sender.js";

export interface Around extends Foresight {
  /** The server's state. */
  base(): State;
  /** What is shown. */
  shown(): State;
  /** Whether a stream is being synced. */
  isSyncing(stream: string): boolean;
  /** Operations changed: this one came, or only phases are other ones, or anything. */
  changed(what?: Operation | "phases"): void;
}

type Foresight = typeof import("./foresight.js");

export const outbox = (
  clock: Clock,
  { base, shown, isSyncing, changed, coalesced, predictor, operationOf, objection, conflict }: Around,
) => {
  let entries: Entry[] = [];
  const byId = new Map<string, Entry>();
  let last = 0;
  /** What is to be written: entries that changed, and keys of those that are gone. */
  const dirty = new Set<Entry>();
  const gone = new Set<string>();

  const keyOf = ({ n }: Entry) => `q/${n}`;

  const rewrite = (entry: Entry, fields: Partial<Operation>) => {
    change(entry, fields);
    dirty.add(entry);
  };

  const insert = (entry: Entry) => {
    entries.push(entry);
    byId.set(entry.op.op_id, entry);
    dirty.add(entry);
  };

  const remove = (entry: Entry) => {
    entries = entries.filter((other) => other !== entry);
    byId.delete(entry.op.op_id);
    dirty.delete(entry);
    gone.add(keyOf(entry));
  };

  const refuse = (entry: Entry, why: Refused) => {
    rewrite(entry, { phase: "refused", failure: why.failure });
    changed();
    for (const { reject } of entry.waiting.splice(0)) reject(why);
  };

  /** Puts the real id in place of the one that stood for it. */
  const rename = (from: string, to: string) => {
    for (const entry of entries)
      if ((entry.ids.has(from) && entry.op.op_id !== from) || entry.op.data["workspace_id"] === from)
        rewrite(entry, {
          data: JSON.parse(JSON.stringify(entry.op.data).replaceAll(from, to)) as Fields,
          phase: entry.op.phase === "waiting" ? "writing" : entry.op.phase,
        });
  };

  const sending = sender(clock, {
    entries: () => entries,
    objection: (entry) => objection(base(), entry),
    conflict,
    isHeld({ op, n }) {
      const undone = byId.get(op.undoes ?? "");
      return !!undone && isPending(undone) && undone.n < n;
    },
    rewrite,
    refuse,
    done(entry, answer) {
      const { op } = entry;
      const id = (answer.data as Fields | null)?.["id"];
      entry.at = answer.at;
      if (makes(op) && typeof id === "string" && id !== op.op_id) rename(op.op_id, id);
      advance();
      changed();
      for (const { resolve } of entry.waiting.splice(0)) resolve({ replayed: false, ...answer } as Answer<Mutation>);
    },
    changed(what) {
      advance();
      changed(what);
    },
  });

  /** Whether every stream is past an operation. */
  const isPassed = (at: Record<string, number>) => {
    const { user, workspaces } = base();
    return Object.entries(at).every(([stream, seq]) => {
      const held = stream.startsWith("user:") ? user : workspaces.get(idIn(stream));
      return held ? held.seq >= seq : !isSyncing(stream);
    });
  };

  /** Lets go of what the streams have. */
  const advance = () => {
    const passed = entries.filter(({ at }) => at && isPassed(at));
    passed.forEach(remove);
    // An undo may have waited for it.
    if (passed.length) sending.send();
  };

  const add = (name: Mutation, given: Fields, undo?: Undo, op_id?: string): Begun => {
    const op = operationOf(shown, clock.now(), name, given, undo, op_id);
    const made = entryOf(op, last + 1);
    const into = op_id ? undefined : coalesced(entries, made);
    const held = into?.[0] ?? byId.get(op_id ?? "");
    const entry = held ?? made;
    if (into) rewrite(entry, { data: into[1], phase: "writing" });
    const done = new Promise<Answer<Mutation>>((resolve, reject) => {
      if (isPending(entry)) entry.waiting.push({ resolve, reject });
      else reject(new Refused(entry.op.failure!));
    });
    // A program that does not wait for it sees it among the operations.
    done.catch(() => {});
    if (!held) {
      last++;
      entry.expect = undo?.expect;
      insert(entry);
    }
    changed(held ? undefined : op);
    return { op_id: entry.op.op_id, done };
  };

  const refused = (op_id?: string) =>
    entries.filter((entry) => !isPending(entry) && (op_id === undefined || entry.op.op_id === op_id));

  /** Forgets refused operations, all or one; or one that was never sent. Whether there was one. */
  const drop = (op_id?: string): boolean => {
    const over = [...refused(op_id), ...entries.filter((entry) => entry.op.op_id === op_id && isUnsent(entry))];
    over.forEach(remove);
    changed();
    const why = refusal("CONFLICT", "dropped before it was sent");
    for (const { waiting } of over) for (const { reject } of waiting.splice(0)) reject(why);
    return over.length > 0;
  };

  return {
    add,
    drop,
    advance,
    send: sending.send,
    attach: (link: Link) => sending.attach(link),
    stop: sending.stop,
    operations: (): readonly Operation[] => entries.map(({ op }) => op),

    /** The server's state with all that is under way. */
    replay(state: State, before: State): State {
      const predict = predictor(state, before);
      for (const entry of entries)
        if (isShown(entry.op)) state = predict(entry.op);
      return state;
    },

    /** Tries refused operations again, all or one. */
    retry(op_id?: string) {
      for (const entry of refused(op_id)) {
        remove(entry);
        entry.n = ++last;
        entry.failed = 0;
        change(entry, { phase: "writing", failure: undefined });
        insert(entry);
      }
      changed();
    },

    /** A session began. In another epoch an answer may be lost: what is not in the streams is sent again. */
    welcome(limits: Limits, other: boolean) {
      for (const entry of entries)
        if (other && entry.at) {
          entry.at = undefined;
          change(entry, { phase: "waiting" });
        }
      sending.welcome(limits);
    },

    event({ op_id }: EventFrame) {
      const entry = byId.get(op_id ?? "");
      if (entry && makes(entry.op) && !entry.op.landed) rewrite(entry, { landed: true });
    },

    /** Reads stored operations. They may have been sent. */
    load(records: ReadonlyMap<string, string>) {
      const numbered = [...records].map(([key, record]) => [Number(key.slice(2)), record] as const);
      for (const [n, record] of numbered.sort(([a], [b]) => a - b)) {
        const { op, expect } = JSON.parse(record) as Entry;
        const phase = op.phase === "refused" ? op.phase : "waiting";
        const entry: Entry = { ...entryOf({ ...op, phase, sent: true }, n), expect };
        entries.push(entry);
        byId.set(op.op_id, entry);
        last = n;
      }
    },

    /** Whether a change of operations is to be written. */
    isDirty: () => dirty.size > 0,

    /** Adds what is to be written; the returned function says that it is written. */
    addChanges(changes: Map<string, string | undefined>): () => void {
      const written = [...dirty].map((entry) => [entry, entry.op] as const);
      for (const key of gone) changes.set(key, undefined);
      for (const [entry, op] of written)
        changes.set(keyOf(entry), JSON.stringify({ op, expect: entry.expect }));
      gone.clear();
      dirty.clear();
      return () => {
        for (const [entry, op] of written)
          if (entry.op === op && op.phase === "writing") change(entry, { phase: "waiting" });
      };
    },

    /** Refuses everything: it is another person's. */
    disown() {
      for (const entry of entries.filter(isPending)) refuse(entry, refusal("FORBIDDEN", "made by another account"));
    },
  };
};
