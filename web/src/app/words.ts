// The first words of the board's addresses. The server answers these with the page (src/http/board has the same list), and the
// service worker does so without a network.

export const WORDS = [
  "today",
  "upcoming",
  "inbox",
  "mine",
  "search",
  "settings",
  "admin",
  "w",
  "login",
  "signup",
  "forgot",
] as const;

export type Word = (typeof WORDS)[number];
