// Who does the task: members of its workspace.

import { useMemo } from "preact/hooks";
import type { PublicUser } from "../../../sdk/contract.js";
import { LIMITS } from "../../../sdk/contract.js";
import { useActing } from "../../acting.js";
import { useSession, useView } from "../../hooks.js";
import { Avatar } from "../../parts/avatar.js";
import { Combobox, type Option } from "../../parts/completion.js";
import { Icon } from "../../parts/icons.js";
import { T } from "../../texts.js";
import { useOpen } from "./context.js";
import { Row } from "./row.js";

const MOST = 8;

/** The members whose name or username begins with a text, or has a word that does. */
export const matching = (people: readonly PublicUser[], text: string): PublicUser[] => {
  const sought = text.toLocaleLowerCase();
  const fits = ({ name, username }: PublicUser) =>
    username.toLocaleLowerCase().startsWith(sought) || ` ${name.toLocaleLowerCase()}`.includes(` ${sought}`);
  return people.filter(fits).sort((a, b) => a.name.localeCompare(b.name));
};

/** The members of the task's workspace. */
export const useMembers = (): readonly PublicUser[] => {
  const { task } = useOpen();
  const members = useView((view) => view.workspaces.get(task.workspace_id)?.members);
  return useMemo(() => (members ? [...members].map(({ user }) => user) : []), [members]);
};

export const PersonOption = ({ user }: { user: PublicUser }) => (
  <>
    <Avatar user={user} size={22} label={false} />
    <span>{user.name}</span>
    <span class="quiet-text">@{user.username}</span>
  </>
);

export const Assignees = () => {
  const { task, may } = useOpen();
  const { user: me } = useSession();
  const { act } = useActing();
  const members = useMembers();
  const known = new Map(members.map((user) => [user.id, user]));
  const isMine = task.assignee_ids.includes(me);
  const find = (text: string): Option[] =>
    matching(
      members.filter(({ id }) => !task.assignee_ids.includes(id)),
      text.replace(/^@/, ""),
    )
      .slice(0, MOST)
      .map((user) => ({
        key: user.id,
        content: <PersonOption user={user} />,
        run: () => act("task.assign", { id: task.id, add: [user.id] }),
      }));
  return (
    <Row label={T.panel.assignees} icon="user" fields={["assignee_ids"]}>
      <ul class="chips">
        {task.assignee_ids.map((id) => {
          const user = known.get(id);
          const name = user?.name ?? T.panel.formerMember;
          return (
            <li class="chip" key={id}>
              {user && <Avatar user={user} size={22} label={false} />}
              <span>{name}</span>
              {may && (
                <button
                  type="button"
                  class="quiet chip-remove"
                  aria-label={T.panel.unassign(name)}
                  onClick={() => act("task.assign", { id: task.id, remove: [id] })}
                >
                  <Icon name="close" size={14} />
                </button>
              )}
            </li>
          );
        })}
        {may && !isMine && known.has(me) && (
          <li>
            <button type="button" class="chip" onClick={() => act("task.assign", { id: task.id, add: [me] })}>
              {T.panel.takeIt}
            </button>
          </li>
        )}
        {may && task.assignee_ids.length < LIMITS.assignees && (
          <li class="chip-field">
            <Combobox label={T.panel.assign} find={find} none={T.panel.noMember} />
          </li>
        )}
      </ul>
    </Row>
  );
};
