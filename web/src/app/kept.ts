// Small texts that outlast a reload of this tab: drafts, and how a view was set. Nothing where the browser keeps nothing.

const PREFIX = "taskwire.";

/** What was kept under this key. */
export const recall = (key: string): string | undefined => {
  try {
    return sessionStorage.getItem(PREFIX + key) ?? undefined;
  } catch {
    return undefined;
  }
};

/** Keeps a text; an empty one is forgotten. */
export const keep = (key: string, text: string): void => {
  try {
    if (text) sessionStorage.setItem(PREFIX + key, text);
    else sessionStorage.removeItem(PREFIX + key);
  } catch {
    // It is then only on the page.
  }
};
