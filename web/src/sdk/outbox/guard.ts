// Whether an undo may still be carried out: nobody changed what it takes back. Pure.

import { refusal } from "../connection/requests.js";
import type { Failure } from "../contract.js";
import { Refused } from "../link.js";
import type { State } from "../replica/state.js";
import type { Entry, Fields, Operation } from "./operation.js";
import { subject } from "./subject.js";

/** The field in which an entity is no longer what an undo expects. */
const otherField = (expect: Fields, current: Fields) =>
  Object.keys(expect).find((key) => JSON.stringify(expect[key]) !== JSON.stringify(current[key]));

type Part = { type: string; data: Fields };

/** What an undo does first. In a batch it is an update that guards what follows it. */
const firstOf = ({ name, data }: Operation): Part => (data["ops"] as Part[] | undefined)?.[0] ?? { type: name, data };

/** The parameters of an undo for this version of the entity. */
const forVersion = (op: Operation, if_version: unknown): Fields => {
  const { type, data } = firstOf(op);
  const guarded = { ...data, if_version };
  const ops = op.data["ops"] as Part[] | undefined;
  return ops ? { ...op.data, ops: [{ type, data: guarded }, ...ops.slice(1)] } : guarded;
};

/**
 * What stands against sending an undo: a refusal, or parameters that do not yet name the version that it is for. Only
 * `task.update` takes an `if_version`.
 */
export const objection = (state: State, { op, expect }: Entry): Refused | Fields | undefined => {
  const { type, data } = firstOf(op);
  const isGuarded = type === "task.update";
  const current = subject(state, type, data);
  // What may have been sent is sent again as it was.
  if (!expect || !current || (op.sent && (!isGuarded || data["if_version"] !== undefined))) return undefined;
  const field = otherField(expect, current);
  if (field) {
    const { failure } = refusal("VERSION_CONFLICT", "it was changed since");
    return new Refused({ ...failure, field, context: { current } });
  }
  const { version } = current;
  return !isGuarded || data["if_version"] === version ? undefined : forVersion(op, version);
};

/** Why an operation is refused for its version, or its parameters for another one, when only another field was changed. */
export const conflict = ({ op, expect }: Entry, failure: Failure): Refused | Fields => {
  const { current } = (failure.context ?? {}) as { current?: Fields };
  if (!current || !expect) return new Refused(failure);
  const field = otherField(expect, current);
  return field ? new Refused({ ...failure, field }) : forVersion(op, current["version"]);
};
