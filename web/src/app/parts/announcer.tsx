// Tells politely that others changed something in what is shown: how many changes, at most once in some seconds. For people who
// do not see them.

import { useEffect, useRef, useState } from "preact/hooks";
import type { EventFrame } from "../../sdk/contract.js";
import { useSession } from "../hooks.js";
import { place, type Scene } from "../places.js";
import { T } from "../texts.js";
import { concerns, isByOther } from "./others.js";

const EVERY = 5_000;
/** A text that stays would not be told again. */
const GONE_AFTER = 3_000;

/** Counts, and tells the sum: the first at once, later ones together. */
const useTelling = () => {
  const [text, setText] = useState("");
  const told = useRef({ at: 0, waiting: 0, timer: 0 as unknown as ReturnType<typeof setTimeout> });
  const tell = () => {
    const held = told.current;
    if (!held.waiting) return;
    setText(T.frame.changedByOthers(held.waiting));
    held.at = Date.now();
    held.waiting = 0;
    held.timer = setTimeout(() => setText(""), GONE_AFTER);
  };
  useEffect(() => () => clearTimeout(told.current.timer), []);
  const count = () => {
    const held = told.current;
    if (held.waiting++) return;
    clearTimeout(held.timer);
    setText("");
    held.timer = setTimeout(tell, Math.max(300, held.at + EVERY - Date.now()));
  };
  const forget = () => void (told.current.waiting = 0);
  return { text, count, forget };
};

const keyOf = (scene: Scene): string => JSON.stringify(scene.at === "search" ? scene.at : scene);

export const Announcer = () => {
  const { client, user } = useSession();
  const { text, count, forget } = useTelling();
  const { scene } = place.value;
  useEffect(() => {
    forget();
    return client.listen({
      event: (event: EventFrame) => void (isByOther(event, user) && concerns(scene, event, user) && count()),
    });
  }, [client, user, keyOf(scene)]);
  return (
    <div class="sr-only" role="status" aria-live="polite" data-part="announcer">
      {text}
    </div>
  );
};
