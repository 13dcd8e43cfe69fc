// Where a card that is carried stands, and where it goes by a key or a pointer. Pure but for the measuring of what is in the page.

import { placeAt } from "../../arrange.js";
import type { Stage, Task } from "../../../sdk/contract.js";

/** A column as it is shown. */
export interface Shown {
  stage: Stage;
  tasks: readonly Task[];
}

/** A place on the board: before a task of a column, else at its end. */
export interface Spot {
  stage: string;
  before: string | undefined;
  /** Where that was, for when the task before which it was goes away. */
  at: number;
}

export const without = (tasks: readonly Task[], id: string): readonly Task[] => tasks.filter((task) => task.id !== id);

/** The place of a spot among the other tasks of its column. */
export const indexOf = (others: readonly Task[], { before, at }: Spot): number => {
  if (before === undefined) return others.length;
  const found = others.findIndex(({ id }) => id === before);
  return found < 0 ? Math.min(at, others.length) : found;
};

const spot = (stage: string, others: readonly Task[], at: number): Spot => ({ stage, before: others[at]?.id, at });

/** Where a task is. */
export const spotOf = (columns: readonly Shown[], id: string): Spot | undefined => {
  for (const { stage, tasks } of columns) {
    const at = tasks.findIndex((task) => task.id === id);
    if (at >= 0) return spot(stage.key, without(tasks, id), at);
  }
  return undefined;
};

/** Where a key carries a card. */
export const carryBy = (key: string, columns: readonly Shown[], id: string, from: Spot): Spot | undefined => {
  const at = columns.findIndex(({ stage }) => stage.key === from.stage);
  const column = columns[at];
  if (!column) return undefined;
  const others = without(column.tasks, id);
  const index = indexOf(others, from);
  const down: Record<string, number> = { ArrowUp: index - 1, ArrowDown: index + 1, Home: 0, End: others.length };
  const to = down[key];
  if (to !== undefined) return to < 0 || to > others.length ? from : spot(from.stage, others, to);
  const next = columns[at + (key === "ArrowLeft" ? -1 : key === "ArrowRight" ? 1 : NaN)];
  if (!next) return key.startsWith("Arrow") ? from : undefined;
  const theirs = without(next.tasks, id);
  return spot(next.stage.key, theirs, Math.min(index, theirs.length));
};

/** What `task.move` is told to bring a card to a spot; nothing when it is there. */
export const moveTo = (columns: readonly Shown[], id: string, to: Spot) => {
  const column = columns.find(({ stage }) => stage.key === to.stage);
  const from = spotOf(columns, id);
  if (!column || !from) return undefined;
  const others = without(column.tasks, id);
  const at = indexOf(others, to);
  if (from.stage === to.stage && from.at === at) return undefined;
  return { id, ...(from.stage !== to.stage && { stage: to.stage }), ...placeAt(others, at) };
};

/** The first of elements one below the other whose middle is below a height. */
const firstBelow = (elements: readonly Element[], y: number): number => {
  let low = 0;
  let high = elements.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const { top, bottom } = elements[middle]!.getBoundingClientRect();
    if ((top + bottom) / 2 < y) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** Which column is at a height of the page, or the nearest one. */
export const columnAt = (root: HTMLElement, x: number): HTMLElement | undefined => {
  let nearest: HTMLElement | undefined;
  let least = Infinity;
  for (const element of root.querySelectorAll<HTMLElement>("[data-stage]")) {
    const { left, right } = element.getBoundingClientRect();
    const distance = Math.max(left - x, x - right, 0);
    if (distance < least) [nearest, least] = [element, distance];
  }
  return nearest;
};

/** The spot under a pointer. Only the first cards of a long column may be in the page. */
export const spotAt = (root: HTMLElement, columns: readonly Shown[], id: string, x: number, y: number): Spot | undefined => {
  const element = columnAt(root, x);
  const column = columns.find(({ stage }) => stage.key === element?.dataset["stage"]);
  if (!element || !column) return undefined;
  const cards = [...element.querySelectorAll<HTMLElement>("[data-key]:not(.lifted)")];
  const others = without(column.tasks, id);
  const below = firstBelow(cards, y);
  const indexed = (card: HTMLElement | undefined) => others.findIndex((task) => task.id === card?.dataset["key"]);
  if (below < cards.length) return spot(column.stage.key, others, Math.max(0, indexed(cards[below])));
  return spot(column.stage.key, others, indexed(cards[below - 1]) + 1);
};
