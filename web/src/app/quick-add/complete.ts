// What completes the name behind a sign: projects and tags for `#`, projects for `/`, members for `@`, priorities for `!`. Pure.

/** Something that can be named. */
export interface Named {
  is: "project" | "tag" | "person" | "priority";
  /** As the line says it. */
  name: string;
  /** As people see it, where that differs. */
  label?: string;
}

/** What a sign may mean in a workspace. */
export type Signs = Record<"#" | "/" | "@" | "!", readonly Named[]>;

/** A name that is being written: where its word begins and ends, and what it may become. */
export interface Completion {
  from: number;
  to: number;
  options: readonly Named[];
}

const MOST = 8;
const WRITING = /(?:^|\s)(([#/@!])("[^"]*|[^\s"]*))$/u;

/** How well a name fits: lower is better, `undefined` not at all. */
const fit = (query: string, { name, label = "" }: Named): number | undefined => {
  const names = [name.toLowerCase(), label.toLowerCase()];
  if (names.some((name) => name.startsWith(query))) return 0;
  if (names.some((name) => name.split(/[\s._-]+/).some((word) => word.startsWith(query)))) return 1;
  return query.length > 1 && names.some((name) => name.includes(query)) ? 2 : undefined;
};

/** What completes the name that ends at the caret; `undefined` if there is none, or if it is whole. */
export const complete = (line: string, caret: number, signs: Signs): Completion | undefined => {
  const [, text, sign, behind] = WRITING.exec(line.slice(0, caret)) ?? [];
  if (text === undefined || /^\S/.test(line.slice(caret))) return undefined;
  const query = behind!.replace(/^"/, "").toLowerCase();
  const fitting = signs[sign as keyof Signs].flatMap((option) => {
    const how = fit(query, option);
    return how === undefined ? [] : [{ option, how }];
  });
  const options = fitting.sort((a, b) => a.how - b.how).map(({ option }) => option);
  if (!options.length || options[0]!.name.toLowerCase() === query) return undefined;
  return { from: caret - text.length, to: caret, options: options.slice(0, MOST) };
};

/** How a line says something: with quotes where a name has blanks, and with the sign that means it. */
const written = ({ is, name }: Named, tags: readonly Named[]): string => {
  const isTagToo = is === "project" && tags.some((tag) => tag.is === "tag" && tag.name.toLowerCase() === name.toLowerCase());
  const sign = { project: isTagToo ? "/" : "#", tag: "#", person: "@", priority: "!" }[is];
  return sign + (/\s/.test(name) ? `"${name}"` : name);
};

/** The line with a name completed, and where the caret is then. */
export const completed = (line: string, { from, to }: Completion, option: Named, signs: Signs): { line: string; caret: number } => {
  const before = `${line.slice(0, from)}${written(option, signs["#"])} `;
  return { line: before + line.slice(to).replace(/^ /, ""), caret: before.length };
};
