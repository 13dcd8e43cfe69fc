// The welcome of somebody who has nothing yet: a workspace of their own, empty or with an example. Who has something goes on to
// their board at once.

import { useEffect, useRef } from "preact/hooks";
import { useAsking } from "../../asking.js";
import { useActing } from "../../acting.js";
import { useView } from "../../hooks.js";
import { Field, Form, type Values } from "../../parts/form.js";
import { Invitations } from "../../parts/invitations.js";
import { go } from "../../places.js";
import { T } from "../../texts.js";
import { dateOf } from "../../time.js";
import { Card } from "./card.js";
import { EXAMPLE, exampleTasks } from "./example.js";

/** Whether there is nothing: `undefined` until that is known. */
const useIsEmpty = () =>
  useView((view) => {
    const { user, workspaces, synced } = view;
    if (!user) return undefined;
    const { preferences } = user.user;
    if (preferences["welcomed"] === true || user.workspaces.size > 1) return false;
    for (const { tasks, projects } of workspaces) if (tasks.size || projects.size) return false;
    return synced ? true : undefined;
  });

const show = (workspace: string): void =>
  go({ scene: { at: "workspace", workspace, project: undefined, layout: "board" } }, true);

const toToday = (): void => go({ scene: { at: "today" } }, true);

export default function Welcome() {
  const isEmpty = useIsEmpty();
  const name = useView((view) => view.user?.user.name ?? "");
  const me = useView((view) => view.user?.user.id ?? "");
  const ask = useAsking();
  const { act } = useActing();
  /** What is made here is shown when all of it is there. */
  const making = useRef(false);
  useEffect(() => {
    document.title = T.frame.title(T.places.welcome);
    if (isEmpty === false && !making.current) toToday();
  }, [isEmpty]);
  const made = async (make: () => Promise<string>): Promise<void> => {
    making.current = true;
    try {
      show(await make());
    } finally {
      making.current = false;
    }
  };

  const makeEmpty = (typed: Values) =>
    made(async () => (await ask("workspace.create", { name: typed["name"] ?? "" })).id);
  const makeExample = () => made(async () => {
    const { id } = await ask("workspace.create", { name: EXAMPLE.workspace });
    const make = (project: (typeof EXAMPLE.projects)[number]) =>
      ask("project.create", { workspace_id: id, name: project.name, color: project.color });
    const projects: string[] = [];
    for (const project of EXAMPLE.projects) projects.push((await make(project)).id);
    await ask("batch", { ops: exampleTasks({ workspace: id, projects, me, today: dateOf(Date.now()) }) });
    // What the example did would fill the inbox.
    await ask("notification.mark_all_read", {});
    return id;
  });
  const skip = () => {
    act("profile.update", { preferences: { welcomed: true } });
    toToday();
  };

  if (!isEmpty && !making.current) return <p class="quiet-text loading">{T.loading}</p>;
  return (
    <Card title={T.entry.welcome(name)} wide>
      <p class="entry-lead">{T.entry.welcomeLead}</p>
      <Invitations />
      <div class="entry-choices">
        <section>
          <h2>{T.entry.emptyTitle}</h2>
          <p>{T.entry.emptyLead}</p>
          <Form submit={makeEmpty} button={T.entry.emptyButton}>
            <Field name="name" label={T.entry.workspaceName} maxLength={100} autocomplete="off" required />
          </Form>
        </section>
        <section>
          <h2>{T.entry.demoTitle}</h2>
          <p>{T.entry.demoLead}</p>
          <Form submit={makeExample} button={T.entry.demoButton} />
        </section>
      </div>
      <p class="entry-links">
        <button type="button" class="quiet" onClick={skip}>
          {T.entry.skip}
        </button>
      </p>
    </Card>
  );
}
