// The whole page: who is not signed in sees the entrance, who is sees the frame with the views.

import { useEffect } from "preact/hooks";
import { SessionContext } from "../hooks.js";
import { Lazy } from "../parts/lazy.js";
import { session } from "../session.js";
import { Frame } from "./frame.js";
import { Toasts } from "./toasts.js";
import { useShortcuts } from "./shortcuts.js";

const Entrance = () => import("../views/entry/entrance.js");

const Opening = () => <div class="opening" aria-hidden="true" />;

const Inside = () => {
  useShortcuts();
  return <Frame />;
};

export const App = () => {
  const { value } = session;
  useEffect(() => {
    document.body.dataset["session"] = value.is;
  }, [value.is]);
  return (
    <>
      {value.is === "opening" && <Opening />}
      {value.is === "out" && <Lazy load={Entrance} reason={value.reason} />}
      {value.is === "in" && (
        <SessionContext.Provider value={value}>
          <Inside key={value.user} />
        </SessionContext.Provider>
      )}
      <Toasts />
    </>
  );
};
