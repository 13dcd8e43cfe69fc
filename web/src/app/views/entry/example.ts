// The example of a team as operations: the same for everybody but for ids and dates, which count from today. Pure.

import type { BatchOp, CreateTask } from "../../../sdk/contract.js";
import { newId } from "../../../sdk/index.js";
import { EXAMPLE, type ExampleTask } from "./example-texts.js";

export { EXAMPLE };

interface Where {
  workspace: string;
  /** The ids of the projects, in the order of the example. */
  projects: readonly string[];
  me: string;
  /** `YYYY-MM-DD`. */
  today: string;
}

const DAY = 86_400_000;

const dueOf = ({ due, at }: ExampleTask, today: string): Pick<CreateTask, "due_at" | "all_day"> => {
  if (due === undefined) return {};
  const date = new Date(Date.parse(`${today}T00:00:00Z`) + due * DAY).toISOString().slice(0, 10);
  return { due_at: `${date}T${at ?? "00:00"}:00.000Z`, all_day: !at };
};

/** The operations that make the tasks, each after those that it needs. */
export const exampleTasks = ({ workspace, projects, me, today }: Where, id: () => string = newId): BatchOp[] => {
  const ids = new Map<string, string>();
  const make = (data: CreateTask): BatchOp => {
    const made = { ...data, id: id(), workspace_id: workspace };
    ids.set(data.title, made.id);
    return { type: "task.create", data: made };
  };
  return EXAMPLE.tasks.flatMap((task) => {
    const { title, project, stage, priority, tags, description, repeats, mine, parts = [], after } = task;
    const project_id = projects[project] ?? null;
    const whole = make({
      title,
      project_id,
      ...dueOf(task, today),
      ...(stage && { stage }),
      ...(priority && { priority }),
      ...(tags && { tags }),
      ...(description && { description }),
      ...(repeats && { recurrence: repeats }),
      ...(mine && { assignee_ids: [me] }),
      ...(after && { blocked_by: [ids.get(after)!] }),
    });
    return [whole, ...parts.map((part) => make({ title: part, project_id, parent_id: ids.get(title)! }))];
  });
};
