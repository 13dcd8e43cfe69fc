// Moves tasks to other days: one, or many together, each with the way back. Knows no view.

import type { BatchOp, Task } from "../../sdk/contract.js";
import { acting } from "../acting.js";
import { dueOn } from "../dates.js";
import { useSession } from "../hooks.js";
import type { Session } from "../session.js";
import { findTask, mayWrite } from "../tasks.js";
import { T } from "../texts.js";
import { tell } from "../toasts.js";
import { addDays, dayName, dueDate } from "../time.js";

/** So many operations are in one batch. */
const MOST = 100;

type Due = Pick<Task, "id" | "due_at" | "all_day">;
const dueOf = ({ id, due_at, all_day }: Due): Due => ({ id, due_at, all_day });
const toOp = (data: Due): BatchOp => ({ type: "task.update", data });

const inParts = <V>(all: readonly V[]): V[][] =>
  Array.from({ length: Math.ceil(all.length / MOST) }, (_, i) => all.slice(i * MOST, (i + 1) * MOST));

export const moving = (session: Session) => {
  const { store } = session;
  const { act } = acting(session);

  /** Begins one batch, and returns what takes it back: what somebody has changed since stays, and is counted. */
  const batch = (before: readonly Due[], after: readonly Due[]): (() => number) => {
    const begun = act("batch", { ops: after.map(toOp), atomic: true });
    return () => {
      if (store.drop(begun.op_id)) return 0;
      const untouched = before.filter(({ id }, i) => {
        const task = findTask(store.state, id);
        return task && Date.parse(task.due_at ?? "") === Date.parse(after[i]!.due_at!) && task.all_day === after[i]!.all_day;
      });
      if (untouched.length) act("batch", { ops: untouched.map(toOp), atomic: true });
      return before.length - untouched.length;
    };
  };

  /** Moves a task to a date. */
  const move = (id: string, date: string): void => {
    const task = findTask(store.state, id);
    if (!task || dueDate(task) === date) return;
    if (!mayWrite(store.state, task.workspace_id)) return tell(T.refused(T.lists.mayNot), { tone: "bad" });
    act("task.update", { id, ...dueOn(task, date) }, T.task.moved(task.title, dayName(date, Date.now())));
  };

  return {
    /** Moves those tasks to a date that the person may move, at their times of day. */
    moveAll(tasks: readonly Task[], date: string): void {
      const movable = tasks.filter((task) => mayWrite(store.state, task.workspace_id));
      if (!movable.length) return;
      const undos = inParts(movable).map((part) =>
        batch(part.map(dueOf), part.map((task) => ({ id: task.id, ...dueOn(task, date) }))),
      );
      const run = () => {
        const stayed = undos.reduce((sum, undo) => sum + undo(), 0);
        if (stayed) tell(T.lists.changedSince(stayed), { tone: "bad" });
      };
      tell(T.lists.movedAll(movable.length), { action: { label: T.undo, run } });
    },

    move,

    /** Moves a task by so many days. */
    shift(id: string, days: number): void {
      const task = findTask(store.state, id);
      const date = task && dueDate(task);
      if (date) move(id, addDays(date, days));
    },
  };
};

export const useMoving = () => moving(useSession());
