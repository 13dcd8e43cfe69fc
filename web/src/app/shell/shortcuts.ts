// The keyboard: which key does what, as one table that the help sheet shows too. Keys do nothing while the person types.

import { useEffect } from "preact/hooks";
import { signal } from "@preact/signals";
import { useActing } from "../acting.js";
import { closeTask, go, place } from "../places.js";

/** What lies over the page, if anything. */
export const overlay = signal<"palette" | "help" | "quick-add" | "changes" | undefined>(undefined);

export interface Shortcut {
  /** As `KeyboardEvent.key` says it; two in a row with a space between them. */
  keys: string;
  /** The key of its text in `T.commands`. */
  does: string;
  run: () => void;
}

const scene = (at: "today" | "upcoming" | "inbox" | "mine") => () => go({ scene: { at } });

/** All shortcuts. */
export const shortcuts = (undo: () => void): readonly Shortcut[] => [
  { keys: "Mod+k", does: "palette", run: () => (overlay.value = "palette") },
  { keys: "?", does: "help", run: () => (overlay.value = "help") },
  { keys: "q", does: "quickAdd", run: () => (overlay.value = "quick-add") },
  { keys: "/", does: "search", run: () => go({ scene: { at: "search", text: "" } }) },
  { keys: "Mod+z", does: "undo", run: undo },
  { keys: "g t", does: "today", run: scene("today") },
  { keys: "g u", does: "upcoming", run: scene("upcoming") },
  { keys: "g i", does: "inbox", run: scene("inbox") },
  { keys: "g m", does: "mine", run: scene("mine") },
  { keys: "Escape", does: "close", run: () => place.value.task && closeTask() },
];

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** The key of an event, as the table writes it. */
const nameOf = (event: KeyboardEvent): string => (event.ctrlKey || event.metaKey ? `Mod+${event.key.toLowerCase()}` : event.key);

const SEQUENCE_WITHIN = 1_000;

/** Carries out shortcuts. */
export const useShortcuts = (): void => {
  const { undo } = useActing();
  useEffect(() => {
    let before = { key: "", at: 0 };
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.altKey || event.isComposing) return;
      const name = nameOf(event);
      const typing = isTyping(event.target);
      if (typing && name !== "Mod+k") return;
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
