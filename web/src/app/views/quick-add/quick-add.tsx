// Quick add: a task in one line of text, from anywhere. What is typed lasts over reloads until it is added.

import { useMemo, useRef, useState } from "preact/hooks";
import { LIMITS } from "../../../sdk/contract.js";
import type { View } from "../../../sdk/index.js";
import { useActing } from "../../acting.js";
import { useNow, useView } from "../../hooks.js";
import { Dialog } from "../../parts/dialog.js";
import { useDraft } from "../../parts/draft.js";
import { place } from "../../places.js";
import type { Part } from "../../quick-add/line.js";
import { moved } from "../../quick-add/plain.js";
import type { Range } from "../../quick-add/words.js";
import { mayWrite, workspacesOf } from "../../tasks.js";
import { T } from "../../texts.js";
import { Chip, Chips } from "./chips.js";
import { Field } from "./field.js";
import { useReading } from "./reading.js";

interface Writing {
  text: string;
  /** What was taken back: it is text. */
  plain: readonly Range[];
  /** The workspace, where the person chose another one than the one that they are in. */
  workspace?: string;
  /** Whether the task goes to the project that is shown, where the line names none. */
  here: boolean;
}

const NOTHING: Writing = { text: "", plain: [], here: true };

/** The workspaces to which tasks can be added, and the one that is shown, or the personal one. */
const useWorkspaces = () => {
  const { scene } = place.value;
  const workspaces = useView((view: View) => workspacesOf(view).filter(({ id }) => mayWrite(view, id)));
  const shown = scene.at === "workspace" ? workspaces.find(({ id }) => id === scene.workspace) : undefined;
  return { workspaces, current: shown ?? workspaces[0] };
};

/** The project that is shown, if it is in this workspace. */
const useProjectHere = (workspace: string) => {
  const { scene } = place.value;
  const id = scene.at === "workspace" && scene.workspace === workspace ? scene.project : undefined;
  return useView((view) => (id ? view.workspaces.get(workspace)?.projects.get(id) : undefined));
};

const Help = () => (
  <details class="quick-help">
    <summary>{T.quickAdd.help}</summary>
    <dl>
      {T.quickAdd.examples.map(([example, meaning]) => (
        <div key={example}>
          <dt>
            <code>{example}</code>
          </dt>
          <dd>{meaning}</dd>
        </div>
      ))}
    </dl>
  </details>
);

export default function QuickAdd({ close }: { close: () => void }) {
  const { act } = useActing();
  const [writing, write, clear] = useDraft<Writing>("quick-add", NOTHING);
  const [error, setError] = useState<string>();
  const form = useRef<HTMLFormElement>(null);
  const { workspaces, current } = useWorkspaces();
  const workspace = (workspaces.find(({ id }) => id === writing.workspace) ?? current)?.id ?? "";
  const reading = useReading(workspace);
  const now = useNow();
  const { text, plain } = writing;
  const line = useMemo(() => reading.read(text, plain, now), [reading, text, plain, now]);
  const projectHere = useProjectHere(workspace);
  const project = writing.here && line.project === undefined ? projectHere : undefined;

  const backToLine = () => form.current?.querySelector("textarea")?.focus();
  const change = (after: string) => {
    setError(undefined);
    write({ ...writing, text: after, plain: moved(plain, text, after) });
  };
  const takeBack = (part: Part) => {
    write({ ...writing, plain: [...plain, ...part.ranges] });
    backToLine();
  };
  const send = (next: boolean) => {
    const line = reading.read(text, plain, Date.now());
    const problem = !line.title ? T.quickAdd.empty : [...line.title].length > LIMITS.title ? T.quickAdd.tooLong(LIMITS.title) : undefined;
    setError(problem);
    if (problem) return backToLine();
    act("task.create", { ...(project && { project_id: project.id }), ...reading.task(line) }, T.task.added(line.title));
    if (!next) {
      clear();
      return close();
    }
    write({ ...writing, text: "", plain: [] });
    backToLine();
  };

  return (
    <Dialog title={T.quickAdd.title} close={close}>
      <form ref={form} class="quick-add" onSubmit={(event) => (event.preventDefault(), send(false))}>
        <Field text={text} parts={line.parts} signs={reading.signs} error={error} change={change} takeBack={takeBack} send={send} />
        <ul class="quick-chips" aria-label={T.quickAdd.understood}>
          <Chips text={text} line={line} workspace={workspace} takeBack={takeBack} />
          {project && (
            <Chip
              kind="project"
              icon="list"
              label={T.quickAdd.project(project.name)}
              says={T.quickAdd.notHere(project.name)}
              remove={() => (write({ ...writing, here: false }), backToLine())}
            />
          )}
        </ul>
        <div class="quick-foot">
          <label class="quick-where">
            <span class="sr-only">{T.quickAdd.workspace}</span>
            <select value={workspace} onChange={(event) => write({ ...writing, workspace: event.currentTarget.value })}>
              {workspaces.map(({ id, name }) => (
                <option key={id} value={id} selected={id === workspace}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <button type="button" onClick={() => send(true)}>
            {T.quickAdd.addNext}
          </button>
          <button type="submit" class="primary">
            {T.quickAdd.add}
          </button>
        </div>
        <Help />
      </form>
    </Dialog>
  );
}
