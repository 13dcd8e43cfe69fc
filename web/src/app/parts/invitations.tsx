// Invitations that the person has not answered. The server has no way to decline one: declined here, it is hidden on the person's
// devices and ends by itself.

import type { Invite } from "../../sdk/contract.js";
import { useActing } from "../acting.js";
import { useAsking } from "../asking.js";
import { useView } from "../hooks.js";
import { go } from "../places.js";
import { T } from "../texts.js";
import { Form } from "./form.js";

const HIDDEN = "declined_invites";

const hiddenOf = (preferences: Record<string, unknown> | undefined): readonly string[] => {
  const held = preferences?.[HIDDEN];
  return Array.isArray(held) ? held.filter((id): id is string => typeof id === "string") : [];
};

/** The invitations that the person has neither accepted nor declined. */
export const useInvitations = (): readonly Invite[] =>
  useView((view) => {
    const hidden = hiddenOf(view.user?.user.preferences);
    return [...(view.user?.invites ?? [])].filter(({ id }) => !hidden.includes(id));
  });

const Invitation = ({ invite }: { invite: Invite }) => {
  const ask = useAsking();
  const { act } = useActing();
  const all = useView((view) => view.user?.invites);
  const hidden = useView((view) => hiddenOf(view.user?.user.preferences));
  const accept = async () => {
    const { id } = await ask("invite.accept", { id: invite.id });
    go({ scene: { at: "workspace", workspace: id, project: undefined, layout: "board" } });
  };
  const decline = () => {
    // Those that ended need not be remembered.
    const kept = hidden.filter((id) => all?.get(id));
    act("profile.update", { preferences: { [HIDDEN]: [...kept, invite.id] } }, T.workspace.declined(invite.workspace.name));
  };
  return (
    <li class="invitation">
      <Form
        submit={accept}
        button={T.workspace.accept}
        label={T.workspace.invitationTo(invite.workspace.name)}
        beside={
          <button type="button" onClick={decline}>
            {T.workspace.decline}
          </button>
        }
      >
        <p>{T.workspace.invitedBy(invite.invited_by.name, invite.workspace.name)}</p>
      </Form>
    </li>
  );
};

export const Invitations = () => {
  const invites = useInvitations();
  if (!invites.length) return null;
  return (
    <ul class="invitations" aria-label={T.workspace.invitations}>
      {invites.map((invite) => (
        <Invitation key={invite.id} invite={invite} />
      ))}
    </ul>
  );
};
