// What a person is writing and has not sent: kept by this tab over reloads, in memory where the browser keeps nothing. Knows no field:
// each has a name of its own, such as `comment ${task.id}`.

import { signal, type Signal } from "@preact/signals";
import { useCallback } from "preact/hooks";

const PREFIX = "taskwire.draft ";
/** Drafts of one name are one, in however many components. */
const drafts = new Map<string, Signal<string | undefined>>();

const read = (name: string): string | undefined => {
  try {
    return sessionStorage.getItem(PREFIX + name) ?? undefined;
  } catch {
    return undefined;
  }
};

const write = (name: string, text: string | undefined): void => {
  try {
    if (text === undefined) sessionStorage.removeItem(PREFIX + name);
    else sessionStorage.setItem(PREFIX + name, text);
  } catch {
    // No place, or no storage: the signal has it as long as the page is there.
  }
};

const draftOf = (name: string): Signal<string | undefined> => {
  let held = drafts.get(name);
  if (!held) drafts.set(name, (held = signal(read(name))));
  return held;
};

/** A draft: what it is now, how it is changed, and how it is cleared once it is sent or discarded. */
export type Draft<T> = readonly [value: T, set: (value: T) => void, clear: () => void, isDraft: boolean];

/**
 * What a person writes in a field, over reloads: `const [text, setText, clear] = useDraft("comment …", "")`. Until they change
 * it, and after `clear()`, it is `initial`, also when that changes. Any value that JSON can say.
 */
export const useDraft = <T>(name: string, initial: T): Draft<T> => {
  const draft = draftOf(name);
  const start = JSON.stringify(initial);
  const put = useCallback(
    (text: string | undefined) => {
      draft.value = text;
      write(name, text);
    },
    [draft, name],
  );
  const set = useCallback(
    (value: T) => {
      const text = JSON.stringify(value);
      put(text === start ? undefined : text);
    },
    [put, start],
  );
  const clear = useCallback(() => put(undefined), [put]);
  const text = draft.value;
  return [text === undefined ? initial : (JSON.parse(text) as T), set, clear, text !== undefined];
};

/** Forgets all drafts: for somebody who signs out. */
export const forgetDrafts = (): void => {
  for (const [name, draft] of drafts) {
    draft.value = undefined;
    write(name, undefined);
  }
  try {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
  } catch {
    // A browser that keeps nothing.
  }
};
