// The filter that board and list of a workspace or project share. It lasts as long as the tab.

import type { ComponentChildren } from "preact";
import { useId, useMemo, useState } from "preact/hooks";
import type { Priority } from "../../sdk/contract.js";
import { isFiltering, NO_FILTER, NOBODY } from "../arrange.js";
import { useSession, useView } from "../hooks.js";
import type { InWorkspace } from "../shell/scenes.js";
import { PRIORITIES } from "../tasks.js";
import { T } from "../texts.js";
import { useDraft } from "./draft.js";
import { Icon } from "./icons.js";

/** How a view of a workspace or project is set in this tab, and how that is changed. */
export const useSetting = <S extends object>(name: string, { workspace, project }: InWorkspace, initial: S) => {
  const [held, set, clear] = useDraft(`${name} ${workspace} ${project ?? ""}`, initial);
  // The same object as long as it says the same.
  const value = useMemo(() => ({ ...initial, ...held }), [JSON.stringify(held)]);
  return { value, change: (change: Partial<S>) => set({ ...value, ...change }), clear };
};

export const useFilter = (at: InWorkspace) => useSetting("filter", at, NO_FILTER);

export interface Option {
  value: string;
  label: string;
}

/** A choice without a visible label: its options say what it is about. */
export const Choose = (props: { label: string; value: string; options: readonly Option[]; set: (value: string) => void }) => (
  <select
    class={props.value && props.value !== props.options[0]?.value ? "choose set" : "choose"}
    aria-label={props.label}
    value={props.value}
    onChange={(event) => props.set(event.currentTarget.value)}
  >
    {props.options.map(({ value, label }) => (
      <option key={value} value={value}>
        {label}
      </option>
    ))}
  </select>
);

const byName = (a: { name: string }, b: { name: string }): number => a.name.localeCompare(b.name);

const Choices = (at: InWorkspace) => {
  const { value, change } = useFilter(at);
  const people = useView((view) => [...(view.workspaces.get(at.workspace)?.members ?? [])].map(({ user }) => user).sort(byName));
  const tags = useView((view) => [...(view.workspaces.get(at.workspace)?.tags ?? [])].sort(byName));
  const { assignee, priority, tag } = value;
  const named = (value: string) => ({ value, label: value });
  const lost = tag && !tags.some(({ name }) => name === tag) ? [named(tag)] : [];
  return (
    <>
      <Choose
        label={T.project.assignee}
        value={assignee}
        set={(assignee) => change({ assignee })}
        options={[
          { value: "", label: T.project.anyone },
          { value: NOBODY, label: T.nobody },
          ...people.map(({ id, name }) => ({ value: id, label: name })),
        ]}
      />
      <Choose
        label={T.project.priority}
        value={priority}
        set={(priority) => change({ priority: priority as Priority | "" })}
        options={[
          { value: "", label: T.project.anyPriority },
          ...PRIORITIES.map((value) => ({ value, label: T.priorities[value]! })),
        ]}
      />
      <Choose
        label={T.project.tag}
        value={tag}
        set={(tag) => change({ tag })}
        options={[{ value: "", label: T.project.anyTag }, ...tags.map(({ name }) => named(name)), ...lost]}
      />
    </>
  );
};

/** `children` are what else can be set in a view. */
export const FilterBar = ({ children, ...at }: InWorkspace & { children?: ComponentChildren }) => {
  const { user } = useSession();
  const [isOpen, setOpen] = useState(false);
  const more = useId();
  const { value, change, clear } = useFilter(at);
  const { text, assignee } = value;
  const isMine = assignee === user;
  return (
    <div class="filter-bar" role="search">
      <span class="filter-text">
        <Icon name="search" size={16} />
        <input
          type="search"
          aria-label={T.project.filter}
          placeholder={T.project.filter}
          value={text}
          onInput={(event) => change({ text: event.currentTarget.value })}
        />
      </span>
      <button type="button" class="toggle" aria-pressed={isMine} onClick={() => change({ assignee: isMine ? "" : user })}>
        {T.project.mine}
      </button>
      <button
        type="button"
        class="quiet icon-button filter-more"
        aria-label={T.project.more}
        aria-expanded={isOpen}
        aria-controls={more}
        onClick={() => setOpen(!isOpen)}
      >
        <Icon name="options" />
      </button>
      <span class={isOpen ? "filter-choices shown" : "filter-choices"} id={more}>
        <Choices {...at} />
        {children}
      </span>
      {isFiltering(value) && (
        <button type="button" class="quiet" onClick={clear}>
          {T.project.clear}
        </button>
      )}
    </div>
  );
};
