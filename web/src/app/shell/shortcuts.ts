// The keyboard: which key does what, as one table that the help sheet and the command palette show too. Keys do nothing while the
// person types. Those of single characters can be turned off (WCAG 2.1.4).

import { useEffect } from "preact/hooks";
import { signal } from "@preact/signals";
import { useActing } from "../acting.js";
import { closeTask, go, place, type Layout } from "../places.js";
import { T } from "../texts.js";

/** What lies over the page, if anything. */
export const overlay = signal<"palette" | "help" | "quick-add" | "changes" | undefined>(undefined);

type Texts = typeof T.commands;

export interface Shortcut {
  /** As `KeyboardEvent.key` says it; two in a row with a space between them. */
  keys: string;
  /** The key of its text in `T.commands`. */
  does: { [K in keyof Texts]: Texts[K] extends string ? K : never }[keyof Texts];
  group: "everywhere" | "going";
  run: () => void;
}

const scene = (at: "today" | "upcoming" | "inbox" | "mine") => () => go({ scene: { at } });

/** Shows the workspace that is shown, or its project, in another way. */
const layout = (layout: Layout) => () => {
  const { scene } = place.value;
  if (scene.at === "workspace") go({ scene: { ...scene, layout } });
};

/** All shortcuts. */
export const shortcuts = (undo: () => void): readonly Shortcut[] => [
  { keys: "Mod+k", does: "palette", group: "everywhere", run: () => (overlay.value = overlay.value === "palette" ? undefined : "palette") },
  { keys: "q", does: "quickAdd", group: "everywhere", run: () => (overlay.value = "quick-add") },
  { keys: "/", does: "search", group: "everywhere", run: () => go({ scene: { at: "search", text: "" } }) },
  { keys: "Mod+z", does: "undo", group: "everywhere", run: undo },
  { keys: "?", does: "help", group: "everywhere", run: () => (overlay.value = "help") },
  { keys: "Escape", does: "close", group: "everywhere", run: () => place.value.task && closeTask() },
  { keys: "g t", does: "today", group: "going", run: scene("today") },
  { keys: "g u", does: "upcoming", group: "going", run: scene("upcoming") },
  { keys: "g i", does: "inbox", group: "going", run: scene("inbox") },
  { keys: "g m", does: "mine", group: "going", run: scene("mine") },
  { keys: "g s", does: "settings", group: "going", run: () => go({ scene: { at: "settings", part: "profile" } }) },
  { keys: "v b", does: "board", group: "going", run: layout("board") },
  { keys: "v l", does: "list", group: "going", run: layout("list") },
  { keys: "v c", does: "calendar", group: "going", run: layout("calendar") },
  { keys: "v d", does: "dashboard", group: "going", run: layout("dashboard") },
];

const SINGLE_KEYS = "taskwire.single-keys";

const readSingleKeys = (): boolean => {
  try {
    return localStorage.getItem(SINGLE_KEYS) !== "off";
  } catch {
    return true;
  }
};

/** Whether keys without Ctrl are shortcuts, in this browser. */
export const singleKeys = signal(readSingleKeys());

export const setSingleKeys = (on: boolean): void => {
  singleKeys.value = on;
  try {
    if (on) localStorage.removeItem(SINGLE_KEYS);
    else localStorage.setItem(SINGLE_KEYS, "off");
  } catch {
    // A browser that keeps nothing: it holds until the page ends.
  }
};

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** The key of an event, as the table writes it. */
const nameOf = (event: KeyboardEvent): string => (event.ctrlKey || event.metaKey ? `Mod+${event.key.toLowerCase()}` : event.key);

const isOn = (name: string): boolean => singleKeys.value || name.startsWith("Mod+") || name === "Escape";

const SEQUENCE_WITHIN = 1_000;

/** Carries out shortcuts. */
export const useShortcuts = (): void => {
  const { undo } = useActing();
  useEffect(() => {
    let before = { key: "", at: 0 };
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.altKey || event.isComposing) return;
      const name = nameOf(event);
      if (!isOn(name)) return;
      if (isTyping(event.target) && name !== "Mod+k") return;
      if (document.querySelector("dialog[open]") && name !== "Mod+k") return;
      const both = Date.now() - before.at < SEQUENCE_WITHIN ? `${before.key} ${name}` : "";
      const found = shortcuts(() => undo()).find(({ keys }) => keys === both || keys === name);
      before = { key: name, at: Date.now() };
      if (!found) return;
      event.preventDefault();
      found.run();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [undo]);
};
