// Whether an undo may still be carried out: nobody changed what it takes back. Pure.

import { refusal } from "../connection/requests.js";
import type { Failure } from "../contract.js";
import { Refused } from "../link.js";
import type { State } from "../replica/state.js";
import type { Entry, Fields } from "./operation.js";
import { subject } from "./subject.js";

/** The field in which an entity is no longer what an undo expects. */
const otherField = (expect: Fields, current: Fields) =>
  Object.keys(expect).find((key) => JSON.stringify(expect[key]) !== JSON.stringify(current[key]));

/**
 * What stands against sending an undo: a refusal, or parameters that do not yet name the version that it is for. Only
 * `task.update` takes an `if_version`; in a batch it guards what follows it.
 */
export const objection = (state: State, { op, sent, expect }: Entry): Refused | Fields | undefined => {
  const [first, ...others] = (op.data["ops"] as { type: string; data: Fields }[] | undefined) ?? [];
  const { type, data } = first ?? { type: op.name, data: op.data };
  const isGuarded = type === "task.update";
  const current = subject(state, type, data);
  // What may have been sent is sent again as it was.
  if (!expect || !current || (sent && (!isGuarded || data["if_version"] !== undefined))) return undefined;
  const field = otherField(expect, current);
  if (field) {
    const { failure } = refusal("VERSION_CONFLICT", "it was changed since");
    return new Refused({ ...failure, field, context: { current } });
  }
  const if_version = current["version"];
  if (!isGuarded || data["if_version"] === if_version) return undefined;
  const guarded = { ...data, if_version };
  return first ? { ...op.data, ops: [{ type, data: guarded }, ...others] } : guarded;
};

/** Why an undo is refused; `undefined` when only another field was changed meanwhile, and it may be sent for that version. */
export const conflict = ({ expect }: Entry, failure: Failure): Refused | undefined => {
  const { current } = (failure.context ?? {}) as { current?: Fields };
  const field = current && expect && otherField(expect, current);
  return current && expect && !field ? undefined : new Refused(field ? { ...failure, field } : failure);
};
