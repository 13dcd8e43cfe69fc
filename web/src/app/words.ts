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
  "welcome",
  "login",
  "signup",
  "forgot",
  "reset",
  "reset-password",
  "verify-email",
  "join",
  "first-admin",
] as const;

export type Word = (typeof WORDS)[number];
