// What lies over the page: the command palette, the help, quick add, the list of changes. They are loaded ahead, once the page has
// nothing else to do: without a server they are needed most.

import { useEffect } from "preact/hooks";
import { Lazy } from "../parts/lazy.js";
import { overlay } from "./shortcuts.js";

const PARTS = {
  palette: () => import("../views/commands/palette.js"),
  help: () => import("../views/commands/help.js"),
  "quick-add": () => import("../views/quick-add/quick-add.js"),
  changes: () => import("../views/changes/changes.js"),
};

/** Milliseconds after which the page has most likely shown what it was opened for. */
const AHEAD_AFTER = 1_500;

const loadAhead = (): void => void Promise.allSettled(Object.values(PARTS).map((load) => load()));

export const Overlay = () => {
  useEffect(() => {
    const timer = setTimeout(loadAhead, AHEAD_AFTER);
    return () => clearTimeout(timer);
  }, []);
  const which = overlay.value;
  if (!which) return null;
  return <Lazy key={which} load={PARTS[which]} close={() => (overlay.value = undefined)} />;
};
