// The members of a workspace: who is here, what they may do, who is invited.

import { useMemo, useState } from "preact/hooks";
import type { Member, Role } from "../../../sdk/contract.js";
import { useDoing } from "../../asking.js";
import { useSession, useView } from "../../hooks.js";
import { Avatar } from "../../parts/avatar.js";
import { Confirm } from "../../parts/confirm.js";
import { Icon } from "../../parts/icons.js";
import { Menu, type Choice } from "../../parts/menu.js";
import { WorkspaceHead } from "../../parts/workspace-head.js";
import { go } from "../../places.js";
import type { InWorkspace } from "../../shell/scenes.js";
import { mayManage } from "../../tasks.js";
import { T } from "../../texts.js";
import { Invite, Invited } from "./invites.js";
import { useOnline } from "./online.js";
import { byRole, givable, mayChange } from "./roles.js";

type Asked = { what: "remove" | "transfer"; member: Member } | { what: "leave" };

const RoleSelect = ({ workspace, member, mine }: { workspace: string; member: Member; mine: Role | undefined }) => {
  const doing = useDoing();
  const [wanted, want] = useState<Role>();
  const { user, role } = member;
  if (!mayChange(mine, role)) return <span class="role">{T.workspace.roles[role]}</span>;
  const change = async (next: Role) => {
    want(next);
    const params = { workspace_id: workspace, user_id: user.id, role: next };
    await doing("member.update", params, T.workspace.roleChanged(user.name, T.workspace.roles[next]));
    want(undefined);
  };
  return (
    <select
      class="role"
      aria-label={T.workspace.roleOf(user.name)}
      value={wanted ?? role}
      onChange={(event) => void change(event.currentTarget.value as Role)}
    >
      {givable(mine).map((one) => (
        <option key={one} value={one} selected={one === (wanted ?? role)}>
          {T.workspace.roles[one]}
        </option>
      ))}
    </select>
  );
};

const Confirmed = ({ workspace, asked, close }: { workspace: string; asked: Asked; close: () => void }) => {
  const doing = useDoing();
  const workspace_id = workspace;
  if (asked.what === "leave") {
    const leave = async () => {
      if (await doing("workspace.leave", { workspace_id }, T.workspace.left)) go({ scene: { at: "today" } });
    };
    return (
      <Confirm title={T.workspace.leave} button={T.workspace.leave} close={close} run={leave}>
        <p>{T.workspace.leaveText}</p>
      </Confirm>
    );
  }
  const { id: user_id, name } = asked.member.user;
  if (asked.what === "transfer")
    return (
      <Confirm
        title={T.workspace.transferTo(name)}
        button={T.workspace.transfer}
        close={close}
        run={() => doing("workspace.transfer", { workspace_id, user_id }, T.workspace.transferred(name))}
      >
        <p>{T.workspace.transferText(name)}</p>
      </Confirm>
    );
  return (
    <Confirm
      title={T.workspace.removeMember(name)}
      button={T.remove}
      close={close}
      run={() => doing("member.remove", { workspace_id, user_id }, T.workspace.removed(name))}
    >
      <p>{T.workspace.removeText(name)}</p>
    </Confirm>
  );
};

/** The members in the order in which they are shown. */
const useMembers = (workspace: string): readonly Member[] => {
  const members = useView((view) => view.workspaces.get(workspace)?.members);
  return useMemo(() => [...(members ?? [])].sort(byRole), [members]);
};

const People = ({ workspace, ask }: { workspace: string; ask: (asked: Asked) => void }) => {
  const { user: me } = useSession();
  const members = useMembers(workspace);
  const online = useOnline(workspace);
  const mine = useView((view) => view.user?.user && view.user.workspaces.get(workspace)?.role);
  const choicesFor = (member: Member): Choice[] => {
    if (member.user.id === me) return [{ label: T.workspace.leave, bad: true, run: () => ask({ what: "leave" }) }];
    if (!mayChange(mine, member.role)) return [];
    return [
      ...(mine === "owner" ? [{ label: T.workspace.transfer, run: () => ask({ what: "transfer", member }) }] : []),
      { label: T.workspace.removeFrom, bad: true, run: () => ask({ what: "remove", member }) },
    ];
  };
  return (
    <ul class="people">
      {members.map((member) => {
        const { user } = member;
        const choices = choicesFor(member);
        const state = online.get(user.id);
        return (
          <li key={user.id}>
            <span class={`person-picture ${state ?? "offline"}`}>
              <Avatar user={user} size={32} label={false} />
            </span>
            <span class="person">
              <span class="person-name">
                {user.name}
                {user.id === me && <span class="quiet-text"> {T.workspace.you}</span>}
              </span>
              <span class="quiet-text">
                @{user.username}
                {state && ` · ${T.workspace.presence[state]}`}
              </span>
            </span>
            <RoleSelect workspace={workspace} member={member} mine={mine} />
            {choices.length > 0 ? (
              <Menu label={T.workspace.moreOf(user.name)} class="quiet icon-button" choices={choices}>
                <Icon name="more" />
              </Menu>
            ) : (
              <span class="icon-button" />
            )}
          </li>
        );
      })}
    </ul>
  );
};

export default function Members({ workspace, project }: InWorkspace) {
  const [asked, ask] = useState<Asked>();
  const kind = useView((view) => view.workspaces.get(workspace)?.workspace.kind);
  const may = useView((view) => mayManage(view, workspace));
  const count = useView((view) => view.workspaces.get(workspace)?.members.size ?? 0);
  if (kind === "personal")
    return (
      <div class="view">
        <WorkspaceHead workspace={workspace} project={project} />
        <p class="empty">{T.workspace.personal}</p>
      </div>
    );
  return (
    <div class="view workspace-view">
      <WorkspaceHead workspace={workspace} project={project} />
      {may && <Invite workspace={workspace} />}
      {may && <Invited workspace={workspace} />}
      <section>
        <h2>{T.workspace.members(count)}</h2>
        <People workspace={workspace} ask={ask} />
      </section>
      {asked && <Confirmed workspace={workspace} asked={asked} close={() => ask(undefined)} />}
    </div>
  );
}
