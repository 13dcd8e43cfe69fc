// Dragging a row of the list by pointer. Owns which one is on its way, and the line where it would come.

import type { RefObject } from "preact";
import { useRef, useState } from "preact/hooks";
import type { Stage } from "../../../sdk/contract.js";
import { useActing } from "../../acting.js";
import { useSession } from "../../hooks.js";
import { watchDrag } from "../../parts/drag.js";
import { isLive } from "../../tasks.js";
import { T } from "../../texts.js";
import { dropAt, heightOf, moveOf, withoutRow, type Drop, type Row, type TaskRow } from "./outline.js";

export interface Dragged {
  key: string;
  drop: Drop;
  /** The number of rows above the line. */
  line: number;
}

export interface Outlined {
  rows: readonly Row[];
  stages: readonly Stage[];
}

const scrollerOf = (root: HTMLElement): Element => root.closest("main") ?? document.documentElement;

export const useDragging = (root: RefObject<HTMLElement | null>, outlined: Outlined, rowHeight: number, canMove: boolean) => {
  const { act } = useActing();
  const { store } = useSession();
  const [dragged, setDragged] = useState<Dragged>();
  const now = useRef({ outlined, dragged });
  now.current.outlined = outlined;
  const set = (next: Dragged | undefined) => {
    now.current.dragged = next;
    setDragged(next);
  };
  const find = (key: string) =>
    now.current.outlined.rows.find((row): row is TaskRow => row.key === key && row.kind === "task");

  const over = (key: string, height: number, y: number): boolean => {
    const row = find(key);
    if (!row || !root.current) return false;
    const { rows } = now.current.outlined;
    const rest = withoutRow(rows, key);
    const from = rows.indexOf(row);
    const hidden = rows.length - rest.length;
    const line = Math.round((y - root.current.getBoundingClientRect().top) / rowHeight);
    const drop = dropAt(rest, line <= from ? line : Math.max(from, line - hidden), height);
    const shown = drop.at <= from ? drop.at : drop.at + hidden;
    const held = now.current.dragged;
    if (held?.line !== shown || held.drop.before !== drop.before || held.drop.depth !== drop.depth)
      set({ key, drop, line: shown });
    return true;
  };

  const drop = (key: string) => {
    const held = now.current.dragged;
    const row = find(key);
    set(undefined);
    if (!held || !row) return;
    const { rows, stages } = now.current.outlined;
    const data = moveOf(rows, row, held.drop, stages);
    if (data) act("task.move", data, data.stage ? T.task.moved(row.task.title, held.drop.group!.label) : undefined);
  };

  const onPointerDown = (event: PointerEvent) => {
    const target = event.target as Element;
    const item = target.closest<HTMLElement>("[data-key]");
    const row = item && find(item.dataset["key"] ?? "");
    const button = target.closest("button, input");
    if (!canMove || !row || !root.current || (button && !button.matches(".row-handle"))) return;
    watchDrag(event, item, root.current, () => {
      // Also of tasks that are not shown.
      const all = store.state.workspaces.get(row.task.workspace_id)?.tasks.filter(isLive) ?? [];
      const height = heightOf(all, row.task.id);
      return {
        over: (_, y) => over(row.key, height, y),
        drop: () => drop(row.key),
        cancel: () => set(undefined),
        scrollers: () => [scrollerOf(root.current!)],
      };
    });
  };

  return { dragged, onPointerDown };
};
