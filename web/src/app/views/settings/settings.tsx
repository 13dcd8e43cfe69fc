// The settings of the person, part by part.

import type { ComponentType } from "preact";
import { Tabs } from "../../parts/tabs.js";
import { href, SETTINGS } from "../../places.js";
import { T } from "../../texts.js";
import { Account } from "./account.js";
import { CalendarFeed } from "./calendar-feed.js";
import { Notifications } from "./notifications.js";
import { Password } from "./password.js";
import { Profile } from "./profile.js";
import { Sessions } from "./sessions.js";
import { Tokens } from "./tokens.js";

type Part = (typeof SETTINGS)[number];

const PARTS: Record<Part, ComponentType> = {
  profile: Profile,
  password: Password,
  sessions: Sessions,
  tokens: Tokens,
  notifications: Notifications,
  calendar: CalendarFeed,
  account: Account,
};

export default function Settings({ part }: { part: Part }) {
  const Shown = PARTS[part];
  return (
    <div class="view settings">
      <header class="view-head">
        <h1>{T.places.settings}</h1>
      </header>
      <Tabs
        label={T.places.settings}
        tabs={SETTINGS.map((one) => ({
          label: T.settings.parts[one],
          href: href({ scene: { at: "settings", part: one } }),
          current: one === part,
        }))}
      />
      <Shown key={part} />
    </div>
  );
}
