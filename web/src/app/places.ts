// Where the person is in the board, and the address of it. Owns the browser's history: everything that can be shown has an
// address, so links and the back button work. Knows no view.

import { signal } from "@preact/signals";
import type { Word } from "./words.js";

/** How a workspace, or one project of it, is shown. */
export const LAYOUTS = ["board", "list", "calendar", "dashboard", "members", "options"] as const;
export type Layout = (typeof LAYOUTS)[number];

/** The parts of the settings, and of the administration. */
export const SETTINGS = ["profile", "password", "sessions", "tokens", "notifications", "calendar", "account"] as const;
export const ADMINISTRATION = ["accounts", "instances", "connections"] as const;

/** The pages of who is not signed in, and those to which mails and the server itself link. */
export const DOORS = ["login", "signup", "forgot", "reset-password", "verify-email", "join", "first-admin"] as const;
export type Door = (typeof DOORS)[number];

/** What the main area shows. */
export type Scene =
  | { at: "entry"; door: Door }
  | { at: "welcome" }
  | { at: "today" | "upcoming" | "inbox" | "mine" }
  | { at: "search"; text: string }
  /** `month`: which one the calendar shows. */
  | { at: "workspace"; workspace: string; project: string | undefined; layout: Layout; month?: string | undefined }
  | { at: "settings"; part: (typeof SETTINGS)[number] }
  | { at: "admin"; part: (typeof ADMINISTRATION)[number] }
  | { at: "nowhere"; path: string };

/** A scene, and perhaps a task that is open beside it. */
export interface Place {
  readonly scene: Scene;
  readonly task: string | undefined;
  /** Whether the open task shows its history. */
  readonly history: boolean;
}

/** The board's own address, with the path prefix behind which the server may be: it ends with a slash. */
export const BASE = new URL(document.baseURI);

const among = <T extends string>(list: readonly T[], text: string | undefined): T | undefined =>
  list.find((one) => one === text);

const sceneOf = (path: string, query: URLSearchParams): Scene => {
  const [word = "", second, third, fourth, fifth] = path.split("/").map(decodeURIComponent);
  const first = word as "" | Word; // of any other text there is no case
  switch (first) {
    case "":
      return { at: "today" };
    case "today":
    case "upcoming":
    case "inbox":
    case "mine":
    case "welcome":
      return { at: first };
    case "reset":
      return { at: "entry", door: "reset-password" };
    case "search":
      return { at: "search", text: query.get("q") ?? "" };
    case "settings":
      return { at: "settings", part: among(SETTINGS, second) ?? "profile" };
    case "admin":
      return { at: "admin", part: among(ADMINISTRATION, second) ?? "accounts" };
    case "w": {
      if (!second) break;
      const inProject = third === "p" && fourth;
      const layout = among(LAYOUTS, inProject ? fifth : third) ?? "board";
      return { at: "workspace", workspace: second, project: inProject ? fourth : undefined, layout, month: query.get("month") ?? undefined };
    }
  }
  const door = among(DOORS, first);
  return door ? { at: "entry", door } : { at: "nowhere", path };
};

/** What an address of the board shows. */
export const placeOf = (url: URL): Place => {
  const path = url.pathname.slice(BASE.pathname.length).replace(/\/+$/, "");
  const linked = /^w\/[^/]+\/t\/([^/]+)(\/history)?$/.exec(path);
  return {
    scene: sceneOf(path, url.searchParams),
    task: linked?.[1] ?? url.searchParams.get("task") ?? undefined,
    history: !!linked?.[2] || url.searchParams.has("history"),
  };
};

const pathOf = (scene: Scene): string => {
  switch (scene.at) {
    case "search":
      return `search${scene.text ? `?q=${encodeURIComponent(scene.text)}` : ""}`;
    case "settings":
    case "admin":
      return `${scene.at}/${scene.part}`;
    case "workspace": {
      const { workspace, project, layout, month } = scene;
      const inMonth = layout === "calendar" && month ? `?month=${encodeURIComponent(month)}` : "";
      return `w/${workspace}${project ? `/p/${project}` : ""}/${layout}${inMonth}`;
    }
    case "entry":
      return scene.door;
    case "nowhere":
      return scene.path;
    default:
      return scene.at;
  }
};

/** The address of a place, for a link. */
export const href = ({ scene, task, history }: { scene: Scene; task?: string | undefined; history?: boolean }): string => {
  const url = new URL(pathOf(scene), BASE);
  if (task) url.searchParams.set("task", task);
  if (task && history) url.searchParams.set("history", "");
  return url.href;
};

/** The lasting address of a task, for other people. */
export const taskLink = (workspace: string, task: string): string => new URL(`w/${workspace}/t/${task}`, BASE).href;

const here = (): Place => placeOf(new URL(location.href));

/** Where the person is. */
export const place = signal<Place>(here());

/** What an entry of the browser's history remembers: how many entries ago the open task was opened, in the same scene. */
interface Entry {
  readonly opened?: number;
}

const openedAgo = (to: Place): number => {
  const from = place.peek();
  if (!to.task || href({ scene: to.scene }) !== href({ scene: from.scene })) return 0;
  if (!from.task) return 1;
  const { opened } = (history.state ?? {}) as Entry;
  return opened ? opened + 1 : 0;
};

/** Goes to a place, as a link does. */
export const go = (to: string | { scene: Scene; task?: string | undefined; history?: boolean }, replace = false): void => {
  const address = typeof to === "string" ? to : href(to);
  if (address === location.href) return;
  const entry: Entry = { opened: openedAgo(placeOf(new URL(address))) };
  if (replace) history.replaceState(history.state, "", address);
  else history.pushState(entry, "", address);
  place.value = here();
};

/** Opens a task beside what is shown, or closes it. */
export const openTask = (task: string | undefined): void => go({ scene: place.value.scene, task });

/** Closes the open task: back to where the first one was opened, if that was here. */
export const closeTask = (): void => {
  const { opened } = (history.state ?? {}) as Entry;
  if (opened && place.value.task) history.go(-opened);
  else openTask(undefined);
};

/** Follows the history, and clicks on links of the board. */
export const followAddresses = (): void => {
  addEventListener("popstate", () => (place.value = here()));
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element).closest?.("a");
    if (!link?.href || link.target || link.hasAttribute("download")) return;
    const url = new URL(link.href);
    const isBoard = url.origin === BASE.origin && url.pathname.startsWith(BASE.pathname) && !link.rel.includes("external");
    if (!isBoard || (url.hash && url.pathname === location.pathname)) return;
    event.preventDefault();
    go(url.href);
  });
};
