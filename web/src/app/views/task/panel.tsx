// The panel of a task: finds it, and lays out the parts that edit it. Each part saves itself; this knows none of their insides.

import { useMemo } from "preact/hooks";
import type { Task } from "../../../sdk/contract.js";
import { useActing } from "../../acting.js";
import { useView } from "../../hooks.js";
import { CheckBox } from "../../parts/task-row.js";
import { closeTask, href, place } from "../../places.js";
import { findTask, mayWrite } from "../../tasks.js";
import { T } from "../../texts.js";
import { ago, fullTime } from "../../time.js";
import { Blockers } from "./blockers.js";
import { PriorityChoice, Project, Stage } from "./choices.js";
import { Comments } from "./comments.js";
import { OpenTask, useChangedBy, useOpen } from "./context.js";
import { Description } from "./description.js";
import { useDetails } from "./details.js";
import { Due } from "./due.js";
import { Files, useDropping } from "./files.js";
import { useFocus } from "./focus.js";
import { Close, Head } from "./head.js";
import { History } from "./history.js";
import { Assignees } from "./people.js";
import { Recurrence } from "./recurrence.js";
import { Reminder } from "./reminder.js";
import { Saving } from "./saving.js";
import { Subtasks } from "./subtasks.js";
import { Tags } from "./tags.js";
import { Title } from "./title.js";

const Tabs = () => {
  const { task } = useOpen();
  const { scene, history } = place.value;
  const at = (history: boolean) => href({ scene, task: task.id, history });
  return (
    <nav class="tabs" aria-label={T.panel.parts}>
      <a href={at(false)} aria-current={history ? undefined : "page"}>
        {T.panel.details}
      </a>
      <a href={at(true)} aria-current={history ? "page" : undefined}>
        {T.panel.history.label}
      </a>
    </nav>
  );
};

const Gone = () => {
  const { task } = useOpen();
  const { act } = useActing();
  if (!task.is_deleted) return null;
  return (
    <div class="panel-gone" role="status">
      <span>{T.panel.isDeleted(task.deleted_at ? fullTime(Date.parse(task.deleted_at)) : "")}</span>
      <button type="button" onClick={() => act("task.restore", { id: task.id }, T.panel.restoredTask(task.title))}>
        {T.panel.restore}
      </button>
      <Saving fields={["id"]} />
    </div>
  );
};

const Made = () => {
  const { task } = useOpen();
  const by = useView((view) => view.workspaces.get(task.workspace_id)?.members.get(task.created_by)?.user.name);
  const at = Date.parse(task.created_at);
  return (
    <p class="quiet-text small panel-made" title={fullTime(at)}>
      {T.panel.made(by ?? T.panel.formerMember, ago(at, Date.now()))}
    </p>
  );
};

const Parts = () => {
  const loading = useDetails();
  return (
    <>
      <Description />
      <div class="panel-rows">
        <Stage />
        <Project />
        <PriorityChoice />
        <Due />
        <Reminder />
        <Recurrence />
        <Assignees />
        <Tags />
        <Blockers />
      </div>
      <Subtasks />
      <Files loading={loading} />
      <Comments loading={loading} />
      <Made />
    </>
  );
};

/** Escape leaves the field, and then the panel. */
const leave = (event: KeyboardEvent) => {
  if (event.key !== "Escape" || event.defaultPrevented || event.isComposing) return;
  event.preventDefault();
  const { target } = event;
  const isField = target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
  if (isField) (target.closest(".panel") as HTMLElement).focus();
  else closeTask();
};

const Opened = ({ task }: { task: Task }) => {
  const may = useView((view) => mayWrite(view, task.workspace_id)) && !task.is_deleted;
  const changedBy = useChangedBy(task.id);
  const open = useMemo(() => ({ task, may, changedBy }), [task, may, changedBy]);
  const { over, handlers } = useDropping(task.id, may);
  useFocus(task.id, true);
  return (
    <OpenTask.Provider value={open}>
      <aside class="panel" aria-label={T.panel.label(task.title)} tabIndex={-1} onKeyDown={leave} {...handlers}>
        <Head />
        <div class="panel-body">
          <Gone />
          <div class={task.completed ? "panel-top completed" : "panel-top"}>
            <CheckBox task={task} />
            <Title />
          </div>
          <Tabs />
          {place.value.history ? <History /> : <Parts />}
        </div>
        {over && <div class="drop-files">{T.panel.drop}</div>}
      </aside>
    </OpenTask.Provider>
  );
};

/** A task that is not there: not yet, not any more, or not for this person. */
const Missing = ({ task }: { task: string }) => {
  const synced = useView((view) => view.synced);
  const connection = useView((view) => view.connection?.kind);
  useFocus(task, false);
  const online = connection === "online";
  const waits = !connection || connection === "connecting" || (online && !synced);
  return (
    <aside class="panel" aria-label={T.panel.label("")} tabIndex={-1} onKeyDown={leave}>
      <header class="panel-head">
        <span class="panel-where" />
        <Close />
      </header>
      {waits ? (
        <p class="quiet-text loading">{T.loading}</p>
      ) : (
        <div class="empty" role="status">
          <h2>{online ? T.panel.gone : T.panel.needsConnection}</h2>
          {online && <p>{T.panel.goneHint}</p>}
        </div>
      )}
    </aside>
  );
};

export default function Panel({ task: id }: { task: string }) {
  const task = useView((view) => findTask(view, id));
  return task ? <Opened task={task} /> : <Missing task={id} />;
}
