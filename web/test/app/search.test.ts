// Marks in texts, and the search in what the browser holds.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Task } from "../../src/sdk/contract.js";
import { marksIn, pieces, searchIn, wordsOf } from "../../src/app/views/search/marks.js";

const task = (title: string, more: Partial<Task> = {}): Task =>
  ({ id: title, title, description: null, tags: [], completed: false, is_deleted: false, created_at: "2026-01-01", ...more }) as Task;

const titles = (tasks: Task[], text: string, status?: "pending" | "completed" | "deleted") =>
  searchIn(tasks, text, status, 100).map(({ task }) => task.title);

const marked = (text: string, marks: number[][]) => pieces(text, marks).map(({ text, isMarked }) => (isMarked ? `[${text}]` : text)).join("");

test("marks count characters, not halves of them", () => {
  assert.equal(marked("a 🍏 apple", [[2, 3], [4, 9]]), "a [🍏] [apple]");
  assert.equal(marked("apple", []), "apple");
  assert.equal(marked("apple", [[3, 99]]), "app[le]");
  assert.equal(marked("<b>apple</b>", [[3, 8]]), "<b>[apple]</b>");
});

test("case and accents do not count, and marks are where the letters are", () => {
  assert.equal(marked("Crème brûlée", marksIn("Crème brûlée", wordsOf("BRUL creme"))), "[Crème] [brûl]ée");
  assert.equal(marked("🍏 İstanbul", marksIn("🍏 İstanbul", wordsOf("istan"))), "🍏 [İstan]bul");
  assert.deepEqual(marksIn("pineapple", ["apple"]), []);
  assert.equal(marked("明日の会議", marksIn("明日の会議", ["会議"])), "明日の[会議]");
});

test("all words must be there, in title, description and tags together", () => {
  const tasks = [
    task("Pick apples", { tags: ["orchard"] }),
    task("Sell", { description: "the apples of the orchard" }),
    task("Pick pears"),
  ];
  assert.deepEqual(titles(tasks, "orch apples"), ["Pick apples", "Sell"]);
  assert.deepEqual(titles(tasks, "pick"), ["Pick apples", "Pick pears"]);
  assert.deepEqual(titles(tasks, "  "), []);
  assert.deepEqual(titles(tasks, "%$"), []);
});

test("the status chooses", () => {
  const tasks = [task("one x"), task("two x", { completed: true }), task("three x", { is_deleted: true, completed: true })];
  assert.deepEqual(titles(tasks, "x"), ["one x", "two x"]);
  assert.deepEqual(titles(tasks, "x", "pending"), ["one x"]);
  assert.deepEqual(titles(tasks, "x", "completed"), ["two x"]);
  assert.deepEqual(titles(tasks, "x", "deleted"), ["three x"]);
});

test("a long text is cut around what was found", () => {
  const description = `${"before ".repeat(60)}the apple ${"after ".repeat(60)}`;
  const [found] = searchIn([task("T", { description })], "apple", undefined, 10);
  const { snippet, marks } = found!.matches[0]!;
  assert.ok(snippet.length < 140 && snippet.startsWith("…") && snippet.endsWith("…"));
  assert.equal([...snippet].slice(...(marks[0] as [number, number])).join(""), "apple");
});
