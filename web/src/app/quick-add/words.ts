// The words of a line, with their places in it. Knows no meaning.

/** A part of a line, in UTF-16 units. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

export interface Word extends Range {
  /** As it is written. */
  readonly text: string;
  /** As the title shows it: without the backslash that makes it plain. */
  readonly shown: string;
  /** What is behind its first character, without quotes. */
  readonly name: string;
  /** In lower case, without what ends a sentence. */
  readonly core: string;
  /** Whether a sentence ends with it. */
  readonly ends: boolean;
  /** Whether it is text, whatever it says. */
  readonly plain: boolean;
  /** Whether something else than the title has it. */
  taken: boolean;
}

/** A word with a sign may have quotes, and blanks in them: `#"Summer fair"`. */
const WORD = /[#/@]"[^"]+"[^\p{White_Space}]*|[^\p{White_Space}]+/gu;
/** A backslash makes a word plain text. */
const ESCAPED = /^\\(?=[\p{Alphabetic}\p{N}#/!@+])/u;
/** What ends a sentence, or a part of it. */
const ENDING = /[,.;:!?]+$/;

const wordAt = (text: string, from: number, plain: readonly Range[]): Word => {
  const to = from + text.length;
  return {
    from,
    to,
    text,
    shown: text.replace(ESCAPED, ""),
    name: /^."([^"]+)"/u.exec(text)?.[1] ?? text.slice(1),
    core: text.toLowerCase().replace(ENDING, ""),
    ends: /[.;:!?]/.test(ENDING.exec(text)?.[0] ?? ""),
    plain: ESCAPED.test(text) || plain.some((range) => range.from < to && from < range.to),
    taken: false,
  };
};

export const split = (line: string, plain: readonly Range[]): Word[] =>
  [...line.matchAll(WORD)].map((match) => wordAt(match[0], match.index, plain));

/** Whether it may still mean something. */
export const isFree = (word: Word | undefined): word is Word => !!word && !word.plain && !word.taken;

/** Takes words out of the title; returns where they are. */
export const take = (words: readonly Word[]): Range[] => {
  for (const word of words) word.taken = true;
  return words.length ? [{ from: words[0]!.from, to: words.at(-1)!.to }] : [];
};

/** Whether nothing of the title follows. */
export const isLast = (words: readonly Word[], at: number): boolean => words.slice(at + 1).every(({ taken }) => taken);

/** The words from one place on that stand together: none is plain or taken, and no sentence ends between them. */
export const together = (words: readonly Word[], from: number, most: number): Word[] => {
  const run: Word[] = [];
  for (const word of words.slice(from, from + most)) {
    if (!isFree(word)) break;
    run.push(word);
    if (word.ends) break;
  }
  return run;
};

/** What words say, for those that know what it means: commas stay. */
export const said = (words: readonly Word[]): string =>
  words.map(({ core, text }, i) => (i < words.length - 1 && text.endsWith(",") ? `${core},` : core)).join(" ");
