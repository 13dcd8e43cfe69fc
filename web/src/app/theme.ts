// Light or dark, as the person wants it or as their system says. It is a preference of the account; this browser remembers it,
// so that a page has it before the account is known.

import { useEffect } from "preact/hooks";
import { useView } from "./hooks.js";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "taskwire.theme";

export const themeOf = (preferences: Record<string, unknown> | undefined): Theme =>
  THEMES.find((theme) => theme === preferences?.["theme"]) ?? "system";

const apply = (theme: Theme): void => {
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
};

/** Applies what this browser remembers. */
export const beginTheme = (): void => {
  try {
    apply(themeOf({ theme: localStorage.getItem(KEY) }));
  } catch {
    // A browser that keeps nothing: the account will say it.
  }
};

/** The page follows the account's preference. */
export const useTheme = (): void => {
  const theme = useView((view) => view.user && themeOf(view.user.user.preferences));
  useEffect(() => {
    if (!theme) return;
    apply(theme);
    try {
      if (theme === "system") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, theme);
    } catch {
      // It is only forgotten until the account is known again.
    }
  }, [theme]);
};
