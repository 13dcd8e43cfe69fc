// Invites people to a workspace, by address or by a link, and lists the invitations that are open. Their secrets are shown once.

import { useEffect, useState } from "preact/hooks";
import type { Role, SentInvite } from "../../../sdk/contract.js";
import { useAsking, useDoing } from "../../asking.js";
import { useNow, useSession, useView } from "../../hooks.js";
import { usePages } from "../../pages.js";
import { Copy } from "../../parts/copy.js";
import { clear, Field, Form, SelectField, type Values } from "../../parts/form.js";
import { Paged } from "../../parts/paged.js";
import { BASE } from "../../places.js";
import { T } from "../../texts.js";
import { ago } from "../../time.js";
import { tell } from "../../toasts.js";
import { givable } from "./roles.js";

const RoleOptions = ({ workspace }: { workspace: string }) => {
  const mine = useView((view) => view.user?.workspaces.get(workspace)?.role);
  return (
    <SelectField name="role" label={T.workspace.role}>
      {givable(mine).map((role) => (
        <option key={role} value={role} selected={role === "member"}>
          {T.workspace.roles[role]}
        </option>
      ))}
    </SelectField>
  );
};

const linkOf = (token: string): string => new URL(`join#${token}`, BASE).href;

/** Who is meant: an address gets a mail, somebody with an account can be named by their username too. */
const ByAddress = ({ workspace }: { workspace: string }) => {
  const ask = useAsking();
  const submit = async ({ email = "", role }: Values, form: HTMLFormElement) => {
    const whom = email.trim();
    const about = { workspace_id: workspace, role: role as Role };
    const username = whom.replace(/^@/, "");
    if (username.includes("@")) await ask("invite.create", { ...about, email: whom });
    else await ask("member.add", { ...about, username });
    tell((username.includes("@") ? T.workspace.wasInvited : T.workspace.wasAdded)(whom));
    clear(form, "email");
  };
  return (
    <Form submit={submit} button={T.workspace.invite} class="in-line" draft={`invite ${workspace}`}>
      <Field
        name="email"
        label={T.workspace.whom}
        hint={T.workspace.whomHint}
        autocomplete="off"
        autocapitalize="none"
        maxLength={254}
        required
      />
      <RoleOptions workspace={workspace} />
    </Form>
  );
};

const ByLink = ({ workspace }: { workspace: string }) => {
  const ask = useAsking();
  const [link, setLink] = useState<string>();
  const submit = async ({ role, max_uses }: Values) => {
    const uses = max_uses ? { max_uses: Number(max_uses) } : {};
    const { token } = await ask("invite.create", { workspace_id: workspace, role: role as Role, ...uses });
    if (token) setLink(linkOf(token));
  };
  return (
    <>
      <Form submit={submit} button={T.workspace.makeLink} class="in-line">
        <Field name="max_uses" label={T.workspace.uses} hint={T.workspace.usesHint} type="number" min={1} max={1000} />
        <RoleOptions workspace={workspace} />
      </Form>
      {link && (
        <div class="shown-once">
          <p>{T.workspace.linkOnce}</p>
          <Copy label={T.workspace.link} text={link} />
        </div>
      )}
    </>
  );
};

export const Invite = ({ workspace }: { workspace: string }) => (
  <section class="invite">
    <h2>{T.workspace.inviteTitle}</h2>
    <ByAddress workspace={workspace} />
    <details>
      <summary>{T.workspace.byLink}</summary>
      <ByLink workspace={workspace} />
    </details>
  </section>
);

const CONCERNS = /^(invite\.(created|revoked)|member\.added)$/;

/** The open invitations, loaded anew when one came or went. */
const useSent = (workspace: string) => {
  const ask = useAsking();
  const { client } = useSession();
  const pages = usePages<SentInvite>((cursor) => ask("invite.list", { workspace_id: workspace, cursor }), workspace);
  const { reload } = pages;
  useEffect(
    () =>
      client.listen({
        state: ({ kind }) => kind === "online" && reload(),
        event: ({ stream, event }) => stream === `workspace:${workspace}` && CONCERNS.test(event) && reload(),
      }),
    [client, workspace, reload],
  );
  return pages;
};

export const Invited = ({ workspace }: { workspace: string }) => {
  const pages = useSent(workspace);
  const doing = useDoing();
  const now = useNow();
  const whose = ({ email, role, uses, max_uses }: SentInvite) =>
    email ?? T.workspace.linkFor(T.workspace.roles[role], uses, max_uses);
  const revoke = async (invite: SentInvite) => {
    if (await doing("invite.revoke", { id: invite.id }, T.workspace.revoked)) pages.reload();
  };
  if (pages.items?.length === 0 && !pages.failed) return null;
  return (
    <section>
      <h2>{T.workspace.invitationsSent}</h2>
      <Paged pages={pages} empty={T.workspace.noInvitations}>
        {(items) => (
          <ul class="people">
            {items.map((invite) => (
              <li key={invite.id}>
                <span class="person">
                  <span class="person-name">{whose(invite)}</span>
                  <span class="quiet-text">
                    {T.workspace.invitedFor(
                      T.workspace.roles[invite.role],
                      invite.invited_by.name,
                      ago(Date.parse(invite.expires_at), now),
                    )}
                  </span>
                </span>
                <button type="button" aria-label={T.workspace.revokeOf(whose(invite))} onClick={() => void revoke(invite)}>
                  {T.workspace.revoke}
                </button>
              </li>
            ))}
          </ul>
        )}
      </Paged>
    </section>
  );
};
