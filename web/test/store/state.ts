// A state with as many tasks as a test wants.

import type { SnapshotOpening, Task, UserSnapshot } from "../../src/sdk/contract.js";
import { beginWorkspace, EMPTY, withUser, withWorkspace, type State } from "../../src/sdk/replica/state.js";
import { HOME, Model } from "./model.js";

/** A state with many tasks, of a model's user. */
export const stateWith = (count: number): State => {
  const model = new Model();
  const { data: made } = model.mutate(
    "task.create",
    { workspace_id: HOME, title: "a task with a title of some length" },
    undefined,
  );
  const task = made as Task;
  const tasks = Array.from({ length: count }, (_, i) => {
    const n = (i * 2654435761) % 2 ** 32;
    const id = `01990000-0000-7000-8000-${i.toString(16).padStart(6, "0")}${(n % 0xffffff).toString(16).padStart(6, "0")}`;
    return {
      ...task,
      id,
      title: `task ${i}`,
      description: "what there is to do about it, in a sentence or two",
      position: `${i.toString(36).padStart(9, "0")}1`,
    };
  });
  const opening = model.query("workspace.sync", { workspace_id: HOME }) as SnapshotOpening;
  const state = withUser({ ...EMPTY, epoch: "e" }, model.user() as unknown as UserSnapshot);
  return withWorkspace(state, HOME, beginWorkspace(opening, tasks, false, true));
};
