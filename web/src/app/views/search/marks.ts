// Texts with the words that were found in them, and a search in what the browser holds. Pure.

import type { FoundTask, FoundText, Status, Task } from "../../../sdk/contract.js";

export interface Piece {
  text: string;
  isMarked: boolean;
}

/** A text in pieces: what is marked, and what is between. Marks count in characters, not in UTF-16. */
export const pieces = (text: string, marks: readonly (readonly number[])[]): Piece[] => {
  const all = [...text];
  const made: Piece[] = [];
  let at = 0;
  const add = (to: number, isMarked: boolean) => {
    if (to > at) made.push({ text: all.slice(at, to).join(""), isMarked });
    at = Math.max(at, to);
  };
  for (const [from = 0, to = 0] of marks) {
    add(Math.min(from, all.length), false);
    add(Math.min(to, all.length), true);
  }
  add(all.length, false);
  return made;
};

/** A character without case and accents. */
const fold = (text: string): string => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

export const wordsOf = (text: string): string[] => fold(text).split(/[^\p{L}\p{N}]+/u).filter(Boolean);

/** Where words begin in a text: pairs of characters. */
export const marksIn = (text: string, words: readonly string[]): number[][] => {
  const letters = [...text];
  const folded = letters.map(fold);
  const starts: number[] = [];
  for (const [i, letter] of folded.entries()) for (const _ of letter) starts.push(i);
  const whole = folded.join("");
  const found: number[][] = [];
  for (const word of words)
    for (let at = whole.indexOf(word); at >= 0; at = whole.indexOf(word, at + 1)) {
      const before = at ? whole[at - 1]! : " ";
      // In text that is written without spaces words begin anywhere.
      if (/[\p{L}\p{N}]/u.test(before) && /^\p{ASCII}/u.test(word)) continue;
      const units = [...whole.slice(0, at)].length;
      found.push([starts[units]!, starts[units + [...word].length - 1]! + 1]);
    }
  return joined(found);
};

const joined = (marks: number[][]): number[][] => {
  const all: number[][] = [];
  for (const mark of marks.sort((a, b) => a[0]! - b[0]!)) {
    const last = all.at(-1);
    if (last && mark[0]! < last[1]!) last[1] = Math.max(last[1]!, mark[1]!);
    else all.push([...mark]);
  }
  return all;
};

const AROUND = 60;

/** What is around the first mark of a long text. */
const cut = (text: string, marks: number[][]): Pick<FoundText, "snippet" | "marks"> => {
  const all = [...text];
  if (all.length <= 2 * AROUND + 40) return { snippet: text, marks };
  const from = Math.max(0, marks[0]![0]! - AROUND);
  const to = Math.min(all.length, marks[0]![1]! + AROUND);
  const lead = from ? 1 : 0;
  return {
    snippet: (from ? "…" : "") + all.slice(from, to).join("") + (to < all.length ? "…" : ""),
    marks: marks.filter(([, end]) => end! <= to).map(([a, b]) => [a! - from + lead, b! - from + lead]),
  };
};

const passes = (task: Task, status: Status | undefined): boolean => {
  if (status === "deleted") return task.is_deleted;
  if (task.is_deleted) return false;
  return status === "pending" ? !task.completed : status === "completed" ? task.completed : true;
};

const fields = ({ title, description, tags }: Task): ["title" | "description" | "tag", string][] => [
  ["title", title],
  ...(description ? [["description", description] as ["description", string]] : []),
  ...tags.map((tag): ["tag", string] => ["tag", tag]),
];

/** A task with where all the words are in it, or nothing. */
const foundIn = (task: Task, words: readonly string[]): FoundTask | undefined => {
  const whole = wordsOf(fields(task).map(([, text]) => text).join(" ")).join(" ");
  if (!words.every((word) => whole.includes(word))) return undefined;
  const matches = fields(task).flatMap(([where, text]) => {
    const marks = marksIn(text, words);
    return marks.length ? [{ in: where, ...cut(text, marks) }] : [];
  });
  const has = words.every((word) => fields(task).some(([, text]) => marksIn(text, [word]).length));
  return has ? { task, matches } : undefined;
};

/** Searches tasks as the server does, so far as that is possible without it: those with the words in their titles first, then new ones. */
export const searchIn = (tasks: Iterable<Task>, text: string, status: Status | undefined, most: number): FoundTask[] => {
  const words = wordsOf(text);
  if (!words.length) return [];
  const found: FoundTask[] = [];
  for (const task of tasks) {
    const one = passes(task, status) ? foundIn(task, words) : undefined;
    if (one) found.push(one);
  }
  const rank = ({ matches }: FoundTask) => (matches[0]?.in === "title" ? 0 : 1);
  const newest = (a: FoundTask, b: FoundTask) => Date.parse(b.task.created_at) - Date.parse(a.task.created_at);
  return found.sort((a, b) => rank(a) - rank(b) || newest(a, b)).slice(0, most);
};
