// A new operation, with what its parameters say only by what is shown when the person does it. Pure, but for new ids.

import { newId } from "../connection/op-id.js";
import type { Mutation } from "../contract.js";
import type { State } from "../replica/state.js";
import type { Fields, Operation, Undo } from "./operation.js";
import { subject } from "./subject.js";

/** A copy of the parameters that means the same later, over another state. */
const fixed = (shown: () => State, now: number, name: Mutation, given: Fields): Fields => {
  const data = JSON.parse(JSON.stringify(given)) as Fields;
  if (name === "task.create") return { id: newId(now), ...data };
  const task = name === "task.complete" && data["completed"] == null ? subject(shown(), name, data) : undefined;
  return task ? { ...data, completed: !task["completed"] } : data;
};

/** What a person begins now. */
export const operationOf = (
  shown: () => State,
  now: number,
  name: Mutation,
  given: Fields,
  undo?: Undo,
  op_id: string = newId(now),
): Operation => ({
  op_id,
  name,
  data: fixed(shown, now, name, given),
  created_at: new Date(now).toISOString(),
  phase: "writing",
  ...(undo && { undoes: undo.undoes }),
});
