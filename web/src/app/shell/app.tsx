// The whole page: who is not signed in sees the entrance, who is sees the frame with the views. Links of mails have pages of their
// own, whoever is signed in.

import { useEffect } from "preact/hooks";
import { SessionContext } from "../hooks.js";
import { Lazy } from "../parts/lazy.js";
import { go, place, type Door } from "../places.js";
import { holdsSecret } from "../secret.js";
import { session } from "../session.js";
import { useTheme } from "../theme.js";
import { Frame } from "./frame.js";
import { usePresent } from "./present.js";
import { Toasts } from "./toasts.js";
import { useShortcuts } from "./shortcuts.js";

const Entrance = () => import("../views/entry/entrance.js");
const Join = () => import("../views/entry/join.js");
const Welcome = () => import("../views/entry/welcome.js");

const Opening = () => <div class="opening" aria-hidden="true" />;

/** What is open also to who is signed in. */
const APART: readonly Door[] = ["first-admin", "verify-email", "reset-password"];

/** Somebody who is signed in needs no page to sign in. */
const Onward = () => {
  useEffect(() => go({ scene: holdsSecret("join") ? { at: "entry", door: "join" } : { at: "welcome" } }, true), []);
  return <Opening />;
};

const Inside = () => {
  const { scene } = place.value;
  useShortcuts();
  useTheme();
  usePresent();
  if (scene.at === "welcome") return <Lazy key="welcome" load={Welcome} />;
  if (scene.at === "entry") return scene.door === "join" ? <Lazy key="join" load={Join} /> : <Onward key={scene.door} />;
  return <Frame />;
};

export const App = () => {
  const { value } = session;
  const { scene } = place.value;
  const isApart = scene.at === "entry" && APART.includes(scene.door);
  useEffect(() => {
    document.body.dataset["session"] = value.is;
  }, [value.is]);
  return (
    <>
      {value.is === "opening" && <Opening />}
      {(value.is === "out" || (isApart && value.is === "in")) && (
        <Lazy key="out" load={Entrance} reason={value.is === "out" ? value.reason : undefined} />
      )}
      {value.is === "in" && !isApart && (
        <SessionContext.Provider value={value}>
          <Inside key={value.user} />
        </SessionContext.Provider>
      )}
      <Toasts />
    </>
  );
};
