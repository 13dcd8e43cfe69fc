// A task in one line: `pay rent friday 9am every month #home !high @ada`. Finds what words of the line say of the task; what is left is
// its title. Pure: who calls passes the time and the names that exist. The same language as `tw quick`'s; a table of cases holds
// for both (tests/quick-add.json).

import { findDates } from "./dates.js";
import { type Due, type Now } from "./due.js";
import { findRules, firstOf } from "./rules.js";
import { isFree, split, type Range, type Word } from "./words.js";

/** What exists in the workspace of the task. */
export interface Known {
  projects: readonly string[];
  tags: readonly string[];
  /** Usernames. */
  members: readonly string[];
}

export type Priority = "none" | "low" | "medium" | "high" | "urgent";
const PRIORITIES: readonly string[] = ["none", "low", "medium", "high", "urgent"] satisfies Priority[];

/** A word with a sign in front. */
interface Mark {
  is: "priority" | "project" | "tag" | "person";
  name: string;
  ranges: readonly Range[];
}

/** What some words of a line say, and where they are. */
export type Part = Mark | { is: "due" | "every"; ranges: readonly Range[] };

export interface Line {
  title: string;
  due?: Due;
  every?: string;
  priority?: Priority;
  project?: string;
  tags: readonly string[];
  /** Usernames, and `me`. */
  people: readonly string[];
  /** In the order of the line. */
  parts: readonly Part[];
}

/** Whether two names are the same to people. */
const isSame = (name: string) => (other: string) => name.toLowerCase() === other.toLowerCase();

const LONGEST_TAG = 50;

const isTag = (name: string): boolean =>
  /[\p{Alphabetic}\p{N}]/u.test(name) && !/^\d+$/.test(name) && [...name].length <= LONGEST_TAG;

/** A name as it stands, or without what ends a sentence. */
const either = <T>(name: string, find: (name: string) => T | undefined): T | undefined =>
  find(name) ?? find(name.replace(/[,.;:!?]+$/, ""));

/** What a word with a sign in front says. */
const markOf = ({ text, name, from, to }: Word, known: Known): Mark | undefined => {
  const ranges = [{ from, to }];
  const project = either(name, (name) => known.projects.find(isSame(name)));
  switch (text[0]) {
    case "!": {
      const priority = either(name.toLowerCase(), (name) => PRIORITIES.find((one) => one === name));
      return priority === undefined ? undefined : { is: "priority", name: priority, ranges };
    }
    case "@": {
      const person = either(name, (name) => [...known.members, "me"].find(isSame(name)));
      return person === undefined ? undefined : { is: "person", name: person, ranges };
    }
    case "/":
      return project === undefined ? undefined : { is: "project", name: project, ranges };
    case "#": {
      const tag = either(name, (name) => known.tags.find(isSame(name)));
      if (project !== undefined && tag === undefined) return { is: "project", name: project, ranges };
      const made = tag ?? name.replace(/[,.;:!?]+$/, "");
      return isTag(made) ? { is: "tag", name: made, ranges } : undefined;
    }
  }
  return undefined;
};

/** Finds the marks, and takes their words. Of priorities and projects the last one counts. */
const findMarks = (words: readonly Word[], known: Known): Mark[] => {
  const found: Mark[] = [];
  for (const word of [...words].reverse()) {
    const mark = isFree(word) ? markOf(word, known) : undefined;
    if (!mark) continue;
    const isOne = mark.is === "priority" || mark.is === "project";
    if (isOne && found.some(({ is }) => is === mark.is)) continue;
    word.taken = true;
    found.unshift(mark);
  }
  return found;
};

const namesOf = (marks: readonly Mark[], is: "tag" | "person"): string[] => {
  const names = marks.filter((mark) => mark.is === is).map(({ name }) => name);
  return names.filter((name, i) => names.findIndex(isSame(name)) === i);
};

/** The words that nothing took. */
const titleOf = (words: readonly Word[]): string =>
  words
    .filter(({ taken }) => !taken)
    .map(({ shown }) => shown)
    .join(" ")
    .replace(/[ ,]+$/, "");

/** Reads a line. In the ranges of `plain` everything is text. */
export const readLine = (text: string, now: Now, known: Known, plain: readonly Range[] = []): Line => {
  const words = split(text, plain);
  const marks = findMarks(words, known);
  const rule = findRules(words);
  const dates = findDates(words, now, rule && ((clock) => firstOf(rule.every, clock, now)));
  const parts: Part[] = [...marks];
  if (rule) parts.push({ is: "every", ranges: rule.ranges });
  if (dates?.ranges.length) parts.push({ is: "due", ranges: dates.ranges });
  const priority = marks.find(({ is }) => is === "priority");
  const project = marks.find(({ is }) => is === "project");
  return {
    title: titleOf(words),
    ...(dates && { due: dates.due }),
    ...(rule && { every: rule.every }),
    ...(priority && { priority: priority.name as Priority }),
    ...(project && { project: project.name }),
    tags: namesOf(marks, "tag"),
    people: namesOf(marks, "person"),
    parts: parts.sort((a, b) => a.ranges[0]!.from - b.ranges[0]!.from),
  };
};
