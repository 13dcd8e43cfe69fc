// A task that was found, with the words marked where they are. Shows the task as it is now.

import type { FoundTask, FoundText } from "../../../sdk/contract.js";
import { useView } from "../../hooks.js";
import { CheckBox, Due } from "../../parts/task-row.js";
import { href, place } from "../../places.js";
import { findTask } from "../../tasks.js";
import { T } from "../../texts.js";
import { pieces } from "./marks.js";

const Marked = ({ text, marks }: { text: string; marks: readonly (readonly number[])[] }) => (
  <>{pieces(text, marks).map(({ text, isMarked }, i) => (isMarked ? <mark key={i}>{text}</mark> : <span key={i}>{text}</span>))}</>
);

const LABELS: Partial<Record<FoundText["in"], string>> = { comment: T.lists.inComment, tag: T.lists.inTag };

const Snippet = ({ match }: { match: FoundText }) => (
  <p class="found-text">
    {LABELS[match.in] && <span class="found-in">{LABELS[match.in]}</span>}
    <Marked text={match.snippet} marks={match.marks} />
  </p>
);

export const Result = ({ found }: { found: FoundTask }) => {
  const task = useView((view) => findTask(view, found.task.id)) ?? found.task;
  const where = useView((view) => {
    const space = view.workspaces.get(task.workspace_id);
    const project = task.project_id ? space?.projects.get(task.project_id)?.name : undefined;
    return [space?.workspace.name, project].filter(Boolean).join(" · ");
  });
  const { scene, task: open } = place.value;
  const title = found.matches.find((match) => match.in === "title" && task.title === found.task.title);
  const others = found.matches.filter((match) => match.in !== "title");
  return (
    <li class={`found${task.completed ? " completed" : ""}${open === task.id ? " open" : ""}`} data-task={task.id}>
      {task.is_deleted ? <span class="found-deleted">{T.lists.deleted}</span> : <CheckBox task={task} />}
      <div class="found-body">
        <a class="found-title" href={href({ scene, task: task.id })}>
          {title ? <Marked text={title.snippet} marks={title.marks} /> : task.title}
        </a>
        {others.map((match, i) => (
          <Snippet key={i} match={match} />
        ))}
        <p class="found-where">
          <span>{where}</span>
          <Due task={task} />
        </p>
      </div>
    </li>
  );
};
