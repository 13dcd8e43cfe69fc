// What an event did to a task, in words: by the task before and after. Pure; the names of things are the caller's.

import type { EventFrame, Task } from "../../../sdk/contract.js";
import { T } from "../../texts.js";
import { dueText, fullTime } from "../../time.js";
import { inWords } from "./repeat.js";

/** Names of what a task refers to. */
export interface Names {
  stage(key: string): string;
  project(id: string): string;
  person(id: string): string;
  task(id: string): string;
}

const H = T.panel.history;

const isTask = (data: object): data is Task => "workspace_id" in data && "version" in data && "title" in data;

/** The task that an event shows. */
export const taskIn = ({ data }: EventFrame): Task | undefined => (isTask(data) ? data : undefined);

/** What came to a list, and what left it. */
const differences = (before: readonly string[], after: readonly string[]): [added: string[], removed: string[]] => [
  after.filter((one) => !before.includes(one)),
  before.filter((one) => !after.includes(one)),
];

const lists = (before: Task, after: Task, names: Names): string[] => {
  const kinds = [
    ["assignee_ids", names.person, H.assigned, H.unassigned],
    ["tags", (name: string) => name, H.tagged, H.untagged],
    ["blocked_by", names.task, H.waits, H.waitsNot],
  ] as const;
  return kinds.flatMap(([field, nameOf, came, left]) => {
    const [added, removed] = differences(before[field], after[field]);
    return [...added.map((one) => came(nameOf(one))), ...removed.map((one) => left(nameOf(one)))];
  });
};

const where = (before: Task, after: Task, names: Names): string[] => {
  const said: string[] = [];
  if (before.completed !== after.completed) said.push(after.completed ? H.completed : H.reopened);
  else if (before.stage !== after.stage) said.push(H.moved(names.stage(after.stage)));
  if (before.project_id !== after.project_id)
    said.push(after.project_id ? H.intoProject(names.project(after.project_id)) : H.outOfProject);
  if (before.parent_id !== after.parent_id)
    said.push(after.parent_id ? H.below(names.task(after.parent_id)) : H.onItsOwn);
  return said;
};

const when = (before: Task, after: Task, now: number): string[] => {
  const said: string[] = [];
  if (before.due_at !== after.due_at || (after.due_at && before.all_day !== after.all_day))
    said.push(after.due_at ? H.due(dueText(after, now)) : H.notDue);
  if (before.remind_at !== after.remind_at)
    said.push(after.remind_at ? H.reminder(fullTime(Date.parse(after.remind_at))) : H.noReminder);
  if (before.recurrence !== after.recurrence)
    said.push(after.recurrence ? H.repeats(inWords(after.recurrence)) : H.repeatsNot);
  return said;
};

const changes = (before: Task, after: Task, names: Names, now: number): string[] => {
  const said: string[] = [];
  if (before.title !== after.title) said.push(H.renamed(after.title));
  said.push(...where(before, after, names), ...when(before, after, now));
  if (before.priority !== after.priority) said.push(H.priority(T.priorities[after.priority] ?? after.priority));
  said.push(...lists(before, after, names));
  if (before.description !== after.description) said.push(after.description ? H.described : H.describedNot);
  if (!said.length && before.position !== after.position) said.push(H.placed);
  return said;
};

const PLAIN: Partial<Record<EventFrame["event"], string>> = {
  "task.created": H.created,
  "task.deleted": H.deleted,
  "task.restored": H.restored,
  "comment.created": H.commented,
  "comment.updated": H.commentEdited,
  "comment.deleted": H.commentDeleted,
};

/** For an event whose task before it is not known. */
const ALONE: Partial<Record<EventFrame["event"], string>> = { "task.completed": H.completed, "task.reopened": H.reopened };

/** What an event did: `moved it to Doing`. `before` is the task as the event before it showed it. */
export const deeds = (frame: EventFrame, before: Task | undefined, names: Names, now: number): string[] => {
  const { event, data } = frame;
  const plain = PLAIN[event];
  if (plain) return [plain];
  if (event === "attachment.created" && "name" in data) return [H.fileAdded(String(data.name))];
  if (event === "attachment.deleted" && "name" in data) return [H.fileRemoved(String(data.name))];
  const after = taskIn(frame);
  const found = before && after ? changes(before, after, names, now) : [];
  return found.length ? found : [ALONE[event] ?? H.changed];
};
