// Search: finds tasks as one types. The address has the words, so a search can be linked and gone back to.

import { useEffect, useRef, useState } from "preact/hooks";
import { LIMITS } from "../../../sdk/contract.js";
import type { Status } from "../../../sdk/contract.js";
import { useView } from "../../hooks.js";
import { Icon } from "../../parts/icons.js";
import { go, place } from "../../places.js";
import { workspacesOf } from "../../tasks.js";
import { T } from "../../texts.js";
import { Result } from "./result.js";
import { useSearching, type Found } from "./searching.js";

const PAUSE = 200;

/** The text of the field, and what of it is searched: the address follows it after a pause. */
const useText = (address: string) => {
  const [typed, setTyped] = useState(address);
  const told = useRef(address);
  useEffect(() => {
    // Another address, not by typing.
    if (address !== told.current) setTyped((told.current = address));
  }, [address]);
  useEffect(() => {
    if (typed === told.current) return;
    const timer = setTimeout(() => {
      told.current = typed;
      go({ scene: { at: "search", text: typed }, task: place.peek().task }, true);
    }, PAUSE);
    return () => clearTimeout(timer);
  }, [typed]);
  return [typed, setTyped] as const;
};

type Filter = { workspace: string; status: string };

const Filters = ({ filter, set }: { filter: Filter; set: (filter: Filter) => void }) => {
  const workspaces = useView(workspacesOf);
  return (
    <div class="search-filters">
      <select
        aria-label={T.lists.workspace}
        value={filter.workspace}
        onChange={(event) => set({ ...filter, workspace: event.currentTarget.value })}
      >
        <option value="">{T.lists.everyWorkspace}</option>
        {workspaces.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
      <select aria-label={T.lists.status} value={filter.status} onChange={(event) => set({ ...filter, status: event.currentTarget.value })}>
        <option value="">{T.lists.anyStatus}</option>
        <option value="pending">{T.lists.pending}</option>
        <option value="completed">{T.lists.completed}</option>
        <option value="deleted">{T.lists.deleted}</option>
      </select>
    </div>
  );
};

const Nothing = ({ found }: { found: Found | undefined }) => (
  <div class="empty friendly">
    <Icon name="search" size={48} />
    <h2>{found ? T.lists.foundNothing(found.text) : T.lists.searchHint}</h2>
    <p>{found ? T.lists.foundNothingHint : T.lists.searchEmpty}</p>
  </div>
);

/** Arrows go from the field into what was found, and through it. */
const walk = (event: KeyboardEvent, field: HTMLInputElement | null, list: HTMLElement | null): void => {
  const links = [...(list?.querySelectorAll<HTMLElement>(".found-title") ?? [])];
  const row = (event.target as Element).closest("[data-task]");
  const at = row ? links.findIndex((link) => row.contains(link)) : -1;
  const inField = event.target === field;
  if (!row && !inField) return;
  const steps: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, ...(row && { Home: 0, End: links.length - 1 }) };
  const next = steps[event.key];
  if (next === undefined || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey || (inField && next < 0)) return;
  event.preventDefault();
  if (next < 0) field?.focus();
  else links[next]?.focus();
};

export default function Search({ text }: { text: string }) {
  const [typed, setTyped] = useText(text);
  const [filter, setFilter] = useState<Filter>({ workspace: "", status: "" });
  const { found, failed, isBusy, retry, more } = useSearching({
    text: text.trim(),
    workspace: filter.workspace || undefined,
    status: (filter.status || undefined) as Status | undefined,
  });
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    if (!place.peek().task) field.current?.focus();
  }, []);
  const count = found ? T.lists.found(found.items.length, !!found.next) : "";
  return (
    <div class="view search" onKeyDown={(event) => walk(event, field.current, list.current)}>
      <header class="view-head">
        <h1>{T.places.search}</h1>
      </header>
      <div class="search-bar" role="search">
        <span class="search-field">
          <Icon name="search" />
          <input
            ref={field}
            type="search"
            aria-label={T.lists.searchFor}
            placeholder={T.lists.searchHint}
            value={typed}
            maxLength={LIMITS.search}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </span>
        <Filters filter={filter} set={setFilter} />
      </div>
      <p class="search-count" role="status">
        {isBusy && !found ? T.lists.searching : found?.items.length ? count : ""}
      </p>
      {found?.offline && <p class="note">{T.lists.searchOffline}</p>}
      {failed && (
        <div class="note bad" role="alert">
          <span>{T.lists.searchFailed(failed)}</span>
          <button type="button" onClick={retry}>
            {T.retry}
          </button>
        </div>
      )}
      {!failed && !isBusy && !found?.items.length && <Nothing found={found} />}
      <ul class="found-list" ref={list} aria-label={count || T.places.search} aria-busy={isBusy}>
        {found?.items.map((one) => (
          <Result key={one.task.id} found={one} />
        ))}
      </ul>
      {found?.next && (
        <div class="more">
          <button type="button" onClick={more} aria-busy={isBusy}>
            {T.lists.more}
          </button>
        </div>
      )}
    </div>
  );
}
