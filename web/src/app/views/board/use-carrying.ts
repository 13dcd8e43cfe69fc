// Carrying a card over the board, by pointer or by keyboard. Owns which card is on its way and where it would be put down; what
// others do meanwhile goes on around it.

import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Task } from "../../../sdk/contract.js";
import { useActing } from "../../acting.js";
import { watchDrag } from "../../parts/drag.js";
import { entry, focusEntry } from "../../parts/kept-focus.js";
import { T } from "../../texts.js";
import { carryBy, columnAt, indexOf, moveTo, spotAt, spotOf, without, type Shown, type Spot } from "./carry.js";

export interface Carrying {
  id: string;
  by: "pointer" | "keys";
  height: number;
  spot: Spot;
}

const MOVES = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End"];
const isSame = (a: Spot, b: Spot): boolean => a.stage === b.stage && a.before === b.before;
const keyOf = (element: Element | null): string | undefined => element?.closest<HTMLElement>("[data-key]")?.dataset["key"];

export const useCarrying = (root: RefObject<HTMLElement | null>, columns: readonly Shown[], may: boolean) => {
  const { act } = useActing();
  const [carrying, setCarrying] = useState<Carrying>();
  const [said, say] = useState("");
  // What the listeners see: they outlast a drawing.
  const now = useRef({ columns, carrying });
  now.current.columns = columns;
  const set = (next: Carrying | undefined) => {
    now.current.carrying = next;
    setCarrying(next);
  };
  const find = (id: string): Task | undefined => {
    for (const { tasks } of now.current.columns) {
      const task = tasks.find((task) => task.id === id);
      if (task) return task;
    }
    return undefined;
  };
  const placeOf = ({ id, spot }: Carrying): string => {
    const column = now.current.columns.find(({ stage }) => stage.key === spot.stage);
    const others = without(column?.tasks ?? [], id);
    return T.project.placeIn(indexOf(others, spot) + 1, others.length + 1, column?.stage.name ?? "");
  };
  const drop = () => {
    const held = now.current.carrying;
    if (!held) return;
    const task = find(held.id);
    const data = moveTo(now.current.columns, held.id, held.spot);
    const stage = now.current.columns.find(({ stage }) => stage.key === data?.stage)?.stage.name;
    set(undefined);
    if (task) say(T.project.dropped(task.title, placeOf(held)));
    if (task && data) act("task.move", data, stage && T.task.moved(task.title, stage));
  };
  const cancel = () => {
    const held = now.current.carrying;
    set(undefined);
    const task = held && find(held.id);
    if (task) say(T.project.putBack(task.title));
  };

  // A card that goes away under the hand is let go.
  const isGone = carrying && !find(carrying.id);
  useEffect(() => {
    if (!isGone) return;
    set(undefined);
    say(T.project.gone);
  }, [isGone]);

  // A card that was carried out of sight by a key comes into sight.
  useEffect(() => {
    if (carrying?.by === "keys") entry(root.current, carrying.id)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [carrying?.spot]);

  const onPointerDown = (event: PointerEvent) => {
    const target = event.target as Element;
    const card = target.closest<HTMLElement>("[data-key]");
    const id = keyOf(card);
    if (!may || !card || !id || target.closest("button") || !root.current) return;
    const { height } = card.getBoundingClientRect();
    watchDrag(event, card, root.current, () => {
      set({ id, by: "pointer", height, spot: spotOf(now.current.columns, id)! });
      return {
        over(x, y) {
          const held = now.current.carrying;
          if (!held || !root.current || !find(id)) return false;
          const spot = spotAt(root.current, now.current.columns, id, x, y);
          if (spot && !isSame(spot, held.spot)) set({ ...held, spot });
          return true;
        },
        drop,
        cancel,
        *scrollers(x) {
          yield root.current!;
          const cards = columnAt(root.current!, x)?.querySelector(".column-cards");
          if (cards) yield cards;
        },
      };
    });
  };

  const carry = (event: KeyboardEvent, held: Carrying): boolean => {
    if (event.key === " " || event.key === "Enter") drop();
    else if (event.key === "Escape") cancel();
    else if (MOVES.includes(event.key)) {
      const next = { ...held, spot: carryBy(event.key, now.current.columns, held.id, held.spot) ?? held.spot };
      set(next);
      say(placeOf(next));
    } else return event.key === "Tab";
    return true;
  };

  /** Arrows go from card to card. */
  const walk = (event: KeyboardEvent, id: string): boolean => {
    const from = MOVES.includes(event.key) ? spotOf(now.current.columns, id) : undefined;
    if (!from) return false;
    // Past the card itself.
    const to = carryBy(event.key, now.current.columns, id, from);
    const column = now.current.columns.find(({ stage }) => stage.key === to?.stage);
    const at = to?.stage === from.stage ? to.at : Math.min(to?.at ?? 0, (column?.tasks.length ?? 0) - 1);
    const card = entry(root.current, column?.tasks[at]?.id ?? "");
    if (card && focusEntry(card)) card.scrollIntoView({ block: "nearest", inline: "nearest" });
    return true;
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const target = event.target as Element;
    const id = keyOf(target);
    if (!id || !target.matches("a") || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const held = now.current.carrying;
    const task = find(id);
    if (held?.by === "pointer") return;
    let isUsed = false;
    if (held) isUsed = carry(event, held);
    else if (event.key === " " && may && task) {
      const next: Carrying = { id, by: "keys", height: 0, spot: spotOf(now.current.columns, id)! };
      set(next);
      say(T.project.pickedUp(task.title, placeOf(next)));
      isUsed = true;
    } else isUsed = walk(event, id);
    if (!isUsed) return;
    event.preventDefault();
    event.stopPropagation();
  };

  /** Whoever goes elsewhere lets the card go: but not while it is being drawn in its new place. */
  const onFocusOut = () =>
    setTimeout(() => {
      const held = now.current.carrying;
      if (held?.by === "keys" && document.hasFocus() && keyOf(document.activeElement) !== held.id) cancel();
    });

  return { carrying: isGone ? undefined : carrying, said, say, handlers: { onPointerDown, onKeyDown, onFocusOut } };
};
