// The keyboard in the list: from row to row, closing and opening, completing, moving. Owns which row it goes to.

import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";
import { useActing } from "../../acting.js";
import { placeAt } from "../../arrange.js";
import { entry, focusEntry } from "../../parts/kept-focus.js";
import { T } from "../../texts.js";
import { siblings, type Row, type TaskRow } from "./outline.js";

interface Keys {
  root: RefObject<HTMLElement | null>;
  rows: readonly Row[];
  may: boolean;
  canMove: boolean;
  toggle: (key: string) => void;
}

/** How a row is moved among its siblings; nothing where there is no further. */
export const stepOf = (rows: readonly Row[], key: string, to: (at: number, last: number) => number) => {
  const beside = siblings(rows, key);
  const at = beside.findIndex((row) => row.key === key);
  const place = to(at, beside.length - 1);
  const others = beside.filter((row) => row.key !== key).map(({ task }) => task);
  if (at < 0 || place === at || place < 0 || place > others.length) return undefined;
  return { data: { id: beside[at]!.task.id, ...placeAt(others, place) }, place, of: beside.length };
};

export const useKeys = ({ root, rows, may, canMove, toggle }: Keys) => {
  const { act } = useActing();
  const [aim, setAim] = useState<{ key: string; focus: boolean }>();
  const [said, say] = useState("");

  useLayoutEffect(() => {
    const at = aim && entry(root.current, aim.key);
    if (!at) return;
    if (aim.focus) focusEntry(at);
    at.scrollIntoView({ block: "nearest" });
  }, [aim]);

  const goTo = (row: Row | undefined): boolean => {
    if (row) setAim({ key: row.key, focus: true });
    return !!row;
  };
  const move = (key: string, by: 1 | -1): boolean => {
    const step = canMove ? stepOf(rows, key, (at) => at + by) : undefined;
    if (!step) return canMove;
    act("task.move", step.data);
    say(T.project.place(step.place + 1, step.of));
    setAim({ key, focus: true });
    return true;
  };
  const complete = ({ task }: TaskRow): boolean => {
    if (!may) return false;
    const completed = !task.completed;
    act("task.complete", { id: task.id, completed }, (completed ? T.task.completed : T.task.reopened)(task.title));
    return true;
  };
  const aside = (row: Row, at: number, open: boolean): boolean => {
    const canToggle = row.kind === "group" || row.children > 0;
    if (canToggle && row.isOpen !== open) toggle(row.kind === "group" ? row.key : row.task.id);
    else if (!open && row.kind === "task")
      return goTo(rows.slice(0, at).findLast((other) => other.kind === "group" || other.depth < row.depth));
    return true;
  };

  const use = (event: KeyboardEvent, at: number): boolean => {
    const row = rows[at]!;
    if (event.altKey) {
      const by = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : undefined;
      return !!by && row.kind === "task" && move(row.key, by);
    }
    switch (event.key) {
      case "ArrowUp":
        return goTo(rows[at - 1]) || true;
      case "ArrowDown":
        return goTo(rows[at + 1]) || true;
      case "Home":
        return goTo(rows[0]);
      case "End":
        return goTo(rows.at(-1));
      case "ArrowLeft":
      case "ArrowRight":
        return aside(row, at, event.key === "ArrowRight");
      case " ":
        return row.kind === "task" && complete(row);
    }
    return false;
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const target = event.target as Element;
    const key = target.closest<HTMLElement>("[data-key]")?.dataset["key"];
    if (!key || !target.matches("a, [data-focus]") || event.ctrlKey || event.metaKey || event.isComposing) return;
    const at = rows.findIndex((row) => row.key === key);
    if (at < 0 || !use(event, at)) return;
    event.preventDefault();
    event.stopPropagation();
  };

  return { aim: aim?.key, said, onKeyDown, reveal: (key: string) => setAim({ key, focus: false }) };
};
