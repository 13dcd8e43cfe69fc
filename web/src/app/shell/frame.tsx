// The frame of the board: navigation, what the address says beside it, the open task, the bar of the connection. Knows no view's
// inside.

import { useEffect, useRef } from "preact/hooks";
import { signal } from "@preact/signals";
import { useView } from "../hooks.js";
import { Announcer } from "../parts/announcer.js";
import { Icon } from "../parts/icons.js";
import { useLostFocus } from "../parts/lost-focus.js";
import { Lazy } from "../parts/lazy.js";
import { place } from "../places.js";
import { T } from "../texts.js";
import { setZone } from "../time.js";
import { ConnectionBar } from "./connection-bar.js";
import { Navigation } from "./navigation.js";
import { Overlay } from "./overlay.js";
import { Scenes, useTitle } from "./scenes.js";
import { overlay } from "./shortcuts.js";

const Panel = () => import("../views/task/panel.js");

/** Whether the navigation is open where it does not fit beside the page. */
export const drawer = signal(false);

/** The person's zone. What shows times has it as its key: it is drawn anew in another one, and the overlays, in which somebody may be
 * typing, are not. */
const useZone = () => {
  const zone = useView((view) => view.user?.user.timezone);
  if (zone) setZone(zone);
  return zone;
};

/** What keys do elsewhere. */
const PhoneActions = () => (
  <span class="phone-actions">
    <button type="button" class="quiet icon-button" aria-label={T.commands.title} onClick={() => (overlay.value = "palette")}>
      <Icon name="search" />
    </button>
    <button type="button" class="quiet icon-button" aria-label={T.task.new} onClick={() => (overlay.value = "quick-add")}>
      <Icon name="plus" />
    </button>
  </span>
);

export const Frame = () => {
  const zone = useZone();
  const main = useRef<HTMLElement>(null);
  const { task, scene } = place.value;
  useTitle();
  useLostFocus(main);
  useEffect(() => {
    drawer.value = false;
  }, [scene]);
  return (
    <div class={`frame${task ? " with-panel" : ""}${drawer.value ? " with-drawer" : ""}`}>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        {T.skip}
      </a>
      <ConnectionBar />
      <header class="phone-bar">
        <button
          type="button"
          class="quiet icon-button"
          aria-label={T.frame.menu}
          aria-expanded={drawer.value}
          onClick={() => (drawer.value = !drawer.value)}
        >
          <Icon name="menu" />
        </button>
        <span class="brand">Taskwire</span>
        <PhoneActions />
      </header>
      {drawer.value && <div class="drawer-shade" onClick={() => (drawer.value = false)} />}
      <Navigation key={zone} />
      <main id="main" ref={main} tabIndex={-1}>
        <Scenes key={zone} />
      </main>
      {task && <Lazy key={`${zone} ${task}`} load={Panel} task={task} />}
      <Overlay />
      <Announcer />
    </div>
  );
};
