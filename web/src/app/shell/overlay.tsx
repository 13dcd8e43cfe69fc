// What lies over the page: the command palette, the help, quick add, the list of changes.

import { Lazy } from "../parts/lazy.js";
import { overlay } from "./shortcuts.js";

const PARTS = {
  palette: () => import("../views/commands/palette.js"),
  help: () => import("../views/commands/help.js"),
  "quick-add": () => import("../views/quick-add/quick-add.js"),
  changes: () => import("../views/changes/changes.js"),
};

export const Overlay = () => {
  const which = overlay.value;
  if (!which) return null;
  return <Lazy key={which} load={PARTS[which]} close={() => (overlay.value = undefined)} />;
};
