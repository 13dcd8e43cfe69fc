// Whether a new edit may go into one that waits. Pure.

import { isPending, isUnsent, type Entry, type Fields, type Operation } from "./operation.js";

/** Whether one must wait for the other. */
const clash = (a: Entry, b: Entry): boolean => {
  if (a.alone || b.alone) return true;
  for (const id of a.ids) if (b.ids.has(id)) return true;
  return false;
};

/** Both edits in one, if the later one may take the place of the earlier one. */
const merged = (a: Operation, b: Operation): Fields | undefined => {
  const both = { ...a.data, ...b.data };
  const isEdit = a.name === b.name && a.name.endsWith(".update") && !a.undoes && !b.undoes;
  const isSame = a.data["id"] === b.data["id"] && a.data["workspace_id"] === b.data["workspace_id"];
  const isOrdered = "if_version" in both || "before" in both || "after" in both || "preferences" in both;
  return isEdit && isSame && !isOrdered && !("stage" in both && "completed" in both) ? both : undefined;
};

/** The unsent edit that takes this one in, and what both say; if nothing between them is about the same. */
export const coalesced = (entries: readonly Entry[], entry: Entry): [held: Entry, data: Fields] | undefined => {
  for (let i = entry.op.name.endsWith(".update") ? entries.length - 1 : -1; i >= 0; i--) {
    const held = entries[i]!;
    const data = isUnsent(held) ? merged(held.op, entry.op) : undefined;
    if (data) return [held, data];
    if (isPending(held) && clash(held, entry)) return undefined;
  }
  return undefined;
};
