// Markdown as elements: the lexer of `marked` finds what is what, and this makes nodes of it. No HTML is made, so none needs to be
// cleaned: HTML in a text is shown as it was written. Pictures from elsewhere are links.

import { Lexer, type MarkedToken, type Token, type Tokens } from "marked";
import type { ComponentChildren } from "preact";
import { BASE } from "../../places.js";

/** Deeper nesting is shown as it was written. */
const DEEPEST = 12;

const NAMED: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };

/** Puts the characters in place of entities: the lexer leaves them to HTML. */
const decoded = (text: string): string =>
  text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]+));/gi, (all, decimal?: string, hex?: string, name?: string) => {
    if (name) return NAMED[name] ?? all;
    const code = decimal ? Number(decimal) : parseInt(hex!, 16);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });

/** Draws text in which people may be named. */
export type DrawText = (text: string) => ComponentChildren;

interface Around {
  draw: DrawText;
  depth: number;
}

const many = (tokens: readonly Token[] | undefined, around: Around): ComponentChildren =>
  (tokens ?? []).map((token, i) => <One key={i} token={token} around={around} />);

/** Where a link may lead. */
const target = (href: string): URL | undefined => {
  try {
    const url = new URL(decoded(href), BASE);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url : undefined;
  } catch {
    return undefined;
  }
};

const Link = ({ href, children }: { href: string; children: ComponentChildren }) => {
  const url = target(href);
  if (!url) return <span>{children}</span>;
  // What is in the board opens in the board.
  if (url.origin === BASE.origin && url.pathname.startsWith(BASE.pathname)) return <a href={url.href}>{children}</a>;
  return (
    <a href={url.href} target="_blank" rel="noopener noreferrer external">
      {children}
    </a>
  );
};

const Heading = ({ depth, children }: { depth: number; children: ComponentChildren }) => {
  // The panel's own headings go to the third level.
  const Tag = `h${Math.min(6, depth + 3)}` as "h4" | "h5" | "h6";
  return <Tag>{children}</Tag>;
};

const List = ({ token: { ordered, start, items }, around }: { token: Tokens.List; around: Around }) => {
  const rows = items.map((item, i) => (
    <li key={i} class={item.task ? "task-item" : undefined}>
      {many(item.tokens, around)}
    </li>
  ));
  return ordered ? <ol start={Number(start) || 1}>{rows}</ol> : <ul>{rows}</ul>;
};

const Table = ({ token: { header, rows }, around }: { token: Tokens.Table; around: Around }) => (
  <div class="table-scroll" tabIndex={0} role="group">
    <table>
      <thead>
        <tr>
          {header.map((cell, i) => (
            <th key={i}>{many(cell.tokens, around)}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, i) => (
          <tr key={i}>
            {row.map((cell, j) => (
              <td key={j}>{many(cell.tokens, around)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);

const One = ({ token: any, around: above }: { token: Token; around: Around }) => {
  const around = { ...above, depth: above.depth + 1 };
  const token = any as MarkedToken;
  const inside = (tokens: readonly Token[] | undefined) => many(tokens, around);
  if (around.depth > DEEPEST) return <>{token.raw}</>;
  switch (token.type) {
    case "space":
    case "def":
      return null;
    case "heading":
      return <Heading depth={token.depth}>{inside(token.tokens)}</Heading>;
    case "paragraph":
      return <p>{inside(token.tokens)}</p>;
    case "blockquote":
      return <blockquote>{inside(token.tokens)}</blockquote>;
    case "list":
      return <List token={token} around={around} />;
    case "table":
      return <Table token={token} around={around} />;
    case "code":
      return (
        <pre tabIndex={0}>
          <code>{token.text}</code>
        </pre>
      );
    case "hr":
      return <hr />;
    case "br":
      return <br />;
    case "strong":
      return <strong>{inside(token.tokens)}</strong>;
    case "em":
      return <em>{inside(token.tokens)}</em>;
    case "del":
      return <del>{inside(token.tokens)}</del>;
    case "codespan":
      return <code>{token.text}</code>;
    case "link":
      return <Link href={token.href}>{inside(token.tokens)}</Link>;
    case "image":
      return <Link href={token.href}>{decoded(token.text) || token.href}</Link>;
    case "checkbox":
      return <span class="task-box">{token.checked ? "☑" : "☐"} </span>;
    case "text":
      return <>{"tokens" in token && token.tokens ? inside(token.tokens) : around.draw(decoded(token.text))}</>;
    case "escape":
      return <>{token.text}</>;
    default:
      // HTML, and whatever the lexer may find some day.
      return <>{any.raw}</>;
  }
};

const read = (text: string): Token[] | undefined => {
  try {
    return new Lexer({ gfm: true, breaks: true }).lex(text);
  } catch {
    // Nested so deep that the lexer gave up.
    return undefined;
  }
};

export const Markdown = ({ text, draw }: { text: string; draw: DrawText }) => {
  const tokens = read(text);
  if (!tokens) return <p class="plain">{text}</p>;
  return <>{many(tokens, { draw, depth: 0 })}</>;
};
