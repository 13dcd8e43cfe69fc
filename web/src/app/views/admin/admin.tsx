// The administration of the server: accounts, instances, live connections. The server refuses it to everybody else.

import type { ComponentType } from "preact";
import { useView } from "../../hooks.js";
import { Tabs } from "../../parts/tabs.js";
import { ADMINISTRATION, href } from "../../places.js";
import { T } from "../../texts.js";
import { Accounts } from "./accounts.js";
import { Connections } from "./connections.js";
import { Instances } from "./instances.js";

type Part = (typeof ADMINISTRATION)[number];

const PARTS: Record<Part, ComponentType> = { accounts: Accounts, instances: Instances, connections: Connections };

export default function Admin({ part }: { part: Part }) {
  const role = useView((view) => view.user?.user.role);
  const Shown = PARTS[part];
  if (role === undefined) return <p class="quiet-text loading">{T.loading}</p>;
  if (role !== "admin")
    return (
      <div class="empty">
        <h1>{T.places.admin}</h1>
        <p>{T.admin.notAllowed}</p>
      </div>
    );
  return (
    <div class="view wide admin">
      <header class="view-head">
        <h1>{T.places.admin}</h1>
      </header>
      <Tabs
        label={T.places.admin}
        tabs={ADMINISTRATION.map((one) => ({
          label: T.admin.parts[one],
          href: href({ scene: { at: "admin", part: one } }),
          current: one === part,
        }))}
      />
      <Shown key={part} />
    </div>
  );
}
