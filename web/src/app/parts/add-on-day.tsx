// A line that adds a task on a day, and stays for the next one. Keeps what is typed until it is added.

import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { LIMITS } from "../../sdk/contract.js";
import { newId } from "../../sdk/index.js";
import { useActing } from "../acting.js";
import { dateText } from "../dates.js";
import { T } from "../texts.js";

interface Props {
  day: string;
  /** Where the task is made: the personal workspace when left out. */
  workspace?: string;
  project?: string | undefined;
  /** Closes the line, where it can be closed. */
  close?: () => void;
}

export const AddOnDay = ({ day, workspace, project, close }: Props) => {
  const { act } = useActing();
  const [title, setTitle] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const name = useId();
  useLayoutEffect(() => {
    if (close) input.current?.focus();
  }, [!close]);
  const add = (event: Event) => {
    event.preventDefault();
    const text = title.trim();
    if (!text) return;
    const where = { ...(workspace && { workspace_id: workspace }), ...(project && { project_id: project }) };
    act("task.create", { id: newId(), title: text, due_at: `${day}T00:00:00.000Z`, all_day: true, ...where }, T.task.added(text));
    setTitle("");
    input.current?.focus();
  };
  return (
    <form class="add-on-day" onSubmit={add}>
      <label class="sr-only" for={name}>
        {T.lists.addOn(dateText(day, "day"))}
      </label>
      <input
        id={name}
        ref={input}
        value={title}
        maxLength={LIMITS.title}
        placeholder={T.lists.addPlace}
        autocomplete="off"
        onInput={(event) => setTitle(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Escape" && close && (event.stopPropagation(), close())}
      />
      <button type="submit" class="primary" disabled={!title.trim()}>
        {T.lists.add}
      </button>
      {close && (
        <button type="button" class="quiet" onClick={close}>
          {T.cancel}
        </button>
      )}
    </form>
  );
};
