// What one page of the entrance leaves for the next one.

import { signal } from "@preact/signals";
import { go, place } from "../../places.js";

/** What the page before has to say. */
export const notice = signal<string | undefined>(undefined);

/** After a sign-in: the welcome, which leads who has something to their board; a link to anything else stays. */
export const onward = (): void => {
  notice.value = undefined;
  if (place.peek().scene.at === "today") go({ scene: { at: "welcome" } }, true);
};
