// How one state differs from another, as plain data that another tab can be sent. Pure.

import { EMPTY, idOf, type State, type UserState, type WorkspaceState } from "../replica/state.js";
import { Table } from "../replica/table.js";

type Part = UserState | WorkspaceState;
/** An entity by its id, or `undefined` where it is gone. */
type Row = [id: string, entity: unknown];

interface PartDelta {
  fields: Record<string, unknown>;
  tables: Record<string, Row[]>;
}

/** What makes one state of another. */
export interface Delta {
  epoch: string;
  /** `null` where there is no user any more. */
  user?: PartDelta | null;
  workspaces: [id: string, part: PartDelta | undefined][];
}

const rows = (from: Table<unknown> | undefined, to: Table<unknown>): Row[] => {
  const changed: Row[] = [];
  const count = Math.max(from?.buckets.length ?? 0, to.buckets.length);
  for (let i = 0; i < count; i++) {
    const [before, after] = [from?.buckets[i], to.buckets[i]];
    if (before === after) continue;
    for (const row of after ?? []) if (before?.get(row[0]) !== row[1]) changed.push(row);
    for (const id of before?.keys() ?? []) if (!after?.has(id)) changed.push([id, undefined]);
  }
  return changed;
};

const partDelta = (from: Part | undefined, to: Part): PartDelta => {
  const delta: PartDelta = { fields: {}, tables: {} };
  const before = (from ?? {}) as unknown as Record<string, unknown>;
  for (const [name, value] of Object.entries(to) as [string, unknown][])
    if (value === before[name]) continue;
    else if (value instanceof Table) delta.tables[name] = rows(before[name] as Table<unknown> | undefined, value);
    else delta.fields[name] = value;
  return delta;
};

/** How one state differs from another; `undefined` when it does not. */
export const difference = (from: State, to: State): Delta | undefined => {
  if (from === to) return undefined;
  const delta: Delta = { epoch: to.epoch, workspaces: [] };
  if (from.user !== to.user) delta.user = to.user ? partDelta(from.user, to.user) : null;
  for (const [id, part] of rows(from.workspaces, to.workspaces) as [string, WorkspaceState | undefined][])
    delta.workspaces.push([id, part && partDelta(from.workspaces.get(id), part)]);
  return delta;
};

const patched = <P extends Part>(part: P | undefined, { fields, tables }: PartDelta): P => {
  const next: Record<string, unknown> = { ...part, ...fields };
  for (const [name, changed] of Object.entries(tables)) {
    const held = next[name] as Table<unknown> | undefined;
    next[name] = held?.size
      ? changed.reduce((table, [id, entity]) => table.with(id, entity), held)
      : Table.of(changed.map(([, entity]) => entity) as { id: string }[], idOf);
  }
  return next as unknown as P;
};

/** The state that differs so from this one. */
export const patch = (state: State, { epoch, user, workspaces }: Delta): State => ({
  epoch,
  user: user ? patched(state.user, user) : user === null ? undefined : state.user,
  workspaces: workspaces.reduce(
    (all, [id, part]) => all.with(id, part && patched(all.get(id), part)),
    state.workspaces,
  ),
});

/** Whether a state has all that another one has, and is as new. */
export const isAhead = (state: State, other: State): boolean => {
  if (other === EMPTY) return true;
  if (state.epoch !== other.epoch || (state.user?.seq ?? -1) < (other.user?.seq ?? -1)) return false;
  return [...other.workspaces].every(({ workspace, seq }) => {
    const held = state.workspaces.get(workspace.id);
    return !!held?.complete && held.seq >= seq;
  });
};
