// A storage of records: any store of texts by key can be one. A stream has its small tables in a record each, and
// tasks in a record for each bucket, so that a change writes little.

import type { Task } from "../contract.js";
import { EMPTY, idOf, type Details, type State, type UserState, type WorkspaceState } from "../replica/state.js";
import { Table } from "../replica/table.js";
import type { Changes, Storage } from "./storage.js";

/** A place for texts: a database, a file, the storage of a phone. */
export interface Records {
  readonly durable: boolean;
  /** All of them. */
  load(): Promise<ReadonlyMap<string, string>>;
  /** Writes all of the changes or none. */
  write(changes: Changes): Promise<void>;
  close?(): void;
}

/** What is stored. Another layout is not read: the server has it all. */
const LAYOUT = "1";

type Part = UserState | WorkspaceState;
type Entity = Task | Details;

/** The records of a part of a state by their keys, each with what it is made of. */
const recordsOf = (at: string, part: Part, into: Map<string, unknown>) => {
  const fields: Record<string, unknown> = {};
  const tables: string[] = [];
  for (const [name, value] of Object.entries(part) as [string, unknown][]) {
    if (!(value instanceof Table)) {
      fields[name] = value;
      continue;
    }
    tables.push(name);
    if (name === "tasks") value.buckets.forEach((bucket, i) => bucket && into.set(`${at}/${name}/${i}`, bucket));
    else into.set(`${at}/${name}`, value);
  }
  into.set(at, [fields, tables]);
};

const partsOf = ({ epoch, user, workspaces }: State, but?: State): Map<string, unknown> => {
  const records = new Map<string, unknown>([["s", `${LAYOUT} ${epoch}`]]);
  if (user && user !== but?.user) recordsOf("s/user", user, records);
  for (const held of workspaces) {
    const { id } = held.workspace;
    // A part of a snapshot is not worth keeping: it would be written again with each page.
    if (held.complete && held !== but?.workspaces.get(id)) recordsOf(`s/${id}`, held, records);
  }
  return records;
};

const text = (made: unknown): string =>
  made instanceof Map ? JSON.stringify([...made.values()]) : JSON.stringify(made instanceof Table ? [...made] : made);

/** Adds the records by which one state differs from another. */
export const addChanges = (from: State, to: State, changes: Map<string, string | undefined>): void => {
  if (from === to) return;
  const before = partsOf(from, to);
  const after = partsOf(to, from);
  for (const key of before.keys()) if (!after.has(key)) changes.set(key, undefined);
  for (const [key, made] of after) if (before.get(key) !== made) changes.set(key, text(made));
};

/** The state of records; the empty one if they are of another layout. */
export const stateOf = (records: ReadonlyMap<string, string>): State => {
  const [layout, epoch = ""] = (records.get("s") ? (JSON.parse(records.get("s")!) as string) : "").split(" ");
  if (layout !== LAYOUT) return EMPTY;
  const parts: Record<string, Record<string, unknown>> = {};
  const rows: Record<string, Entity[]> = {};
  const heads: [string, Record<string, unknown>, string[]][] = [];
  for (const [key, record] of records) {
    const [kind, id, table] = key.split("/");
    if (kind !== "s" || !id) continue;
    const value = JSON.parse(record) as unknown;
    if (!table) heads.push([id, ...(value as [Record<string, unknown>, string[]])]);
    else for (const row of value as Entity[]) (rows[`${id}/${table}`] ??= []).push(row);
  }
  for (const [id, part, tables] of heads) {
    parts[id] = part;
    for (const table of tables) part[table] = Table.of(rows[`${id}/${table}`] ?? [], idOf);
  }
  const { user, ...workspaces } = parts;
  return {
    epoch,
    user: user as unknown as UserState | undefined,
    workspaces: Table.of(Object.values(workspaces) as unknown as WorkspaceState[], ({ workspace }) => workspace.id),
  };
};

/** A storage of records. */
export const onRecords = (records: Records): Storage => {
  /** Of another layout. */
  let stale: string[] = [];
  return {
    durable: records.durable,
    async load() {
      const all = await records.load();
      const state = stateOf(all);
      const keys = [...all.keys()];
      stale = state === EMPTY ? keys.filter((key) => key[0] === "s") : [];
      return { state, queue: new Map([...all].filter(([key]) => key[0] === "q")) };
    },
    async save(from, to, queue) {
      const changes = new Map([...stale.map((key) => [key, undefined] as const), ...queue]);
      addChanges(from, to, changes);
      if (changes.size) await records.write(changes);
      stale = [];
    },
    close: () => records.close?.(),
  };
};
