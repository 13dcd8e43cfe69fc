// Changes of a workspace's stages, as whole lists: what `workspace.update` takes. Pure.

import type { DefineStage, Stage, StageKind } from "../../../sdk/contract.js";

export const KINDS: readonly StageKind[] = ["open", "active", "done"];
export const MOST = 20;

/** A key for a new stage: its name in the letters that keys have, and unlike all others. */
export const keyFor = (name: string, stages: readonly Stage[]): string => {
  const plain = name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "");
  const base = plain.slice(0, 28) || "stage";
  const taken = new Set(stages.map(({ key }) => key));
  for (let n = 1; ; n++) {
    const key = n === 1 ? base : `${base}-${n}`;
    if (!taken.has(key)) return key;
  }
};

export const changed = (stages: readonly Stage[], key: string, change: Partial<DefineStage>): DefineStage[] =>
  stages.map((stage) => (stage.key === key ? { ...stage, ...change } : stage));

/** The list with a stage one place further up (-1) or down (1). */
export const moved = (stages: readonly Stage[], key: string, by: -1 | 1): DefineStage[] => {
  const at = stages.findIndex((stage) => stage.key === key);
  const to = at + by;
  if (at < 0 || to < 0 || to >= stages.length) return [...stages];
  const next = [...stages];
  [next[at], next[to]] = [next[to]!, next[at]!];
  return next;
};

/** Before the first stage that is done, where people look for it; else at the end. */
export const added = (stages: readonly Stage[], name: string, kind: StageKind): DefineStage[] => {
  const done = kind === "done" ? -1 : stages.findIndex((stage) => stage.kind === "done");
  const at = done < 0 ? stages.length : done;
  return [...stages.slice(0, at), { key: keyFor(name, stages), name, kind }, ...stages.slice(at)];
};

/** Whether others are left that a workspace needs: one that is open and one that is done. */
const suffices = (stages: readonly { kind: StageKind }[]): boolean =>
  stages.some(({ kind }) => kind === "open") && stages.some(({ kind }) => kind === "done");

export const mayRemove = (stages: readonly Stage[], key: string): boolean => suffices(stages.filter((stage) => stage.key !== key));

export const mayBe = (stages: readonly Stage[], key: string, kind: StageKind): boolean => suffices(changed(stages, key, { kind }));

/** Where the tasks of a stage go that is taken away: to the first of its kind, else to the first that is open. */
export const heir = (stages: readonly Stage[], key: string): Stage | undefined => {
  const gone = stages.find((stage) => stage.key === key);
  const left = stages.filter((stage) => stage.key !== key);
  return left.find(({ kind }) => kind === gone?.kind) ?? left.find(({ kind }) => kind === "open");
};
