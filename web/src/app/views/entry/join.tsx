// The link of an invitation, opened by who is signed in: joins the workspace once they say so.

import { useView } from "../../hooks.js";
import { Form } from "../../parts/form.js";
import { go, href } from "../../places.js";
import { forgetSecret, secretOf } from "../../secret.js";
import { T } from "../../texts.js";
import { useAsking } from "../../asking.js";
import { Card } from "./card.js";

export default function Join() {
  const token = secretOf("join");
  const ask = useAsking();
  const email = useView((view) => view.user?.user.email);
  const submit = async () => {
    const { id } = await ask("invite.accept", { token: token ?? "" });
    forgetSecret("join");
    go({ scene: { at: "workspace", workspace: id, project: undefined, layout: "board" } }, true);
  };
  const toBoard = (
    <a class="button" href={href({ scene: { at: "today" } })}>
      {token ? T.entry.notNow : T.entry.toBoard}
    </a>
  );
  return (
    <Card title={T.entry.titles.join}>
      {token ? (
        <Form submit={submit} button={T.entry.join} beside={toBoard}>
          <p class="entry-lead">{T.entry.joinAs(email ?? "")}</p>
        </Form>
      ) : (
        <>
          <p class="entry-lead">{T.entry.wholeInvitation}</p>
          {toBoard}
        </>
      )}
    </Card>
  );
}
