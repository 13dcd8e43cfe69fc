// The accounts of the server: found, made, changed, ended.

import { useEffect, useState } from "preact/hooks";
import type { User } from "../../../sdk/contract.js";
import { useAsking, useDoing, whenOnline } from "../../asking.js";
import { useNow, useSession } from "../../hooks.js";
import { usePages } from "../../pages.js";
import { Avatar } from "../../parts/avatar.js";
import { Confirm } from "../../parts/confirm.js";
import { Icon } from "../../parts/icons.js";
import { Menu, type Choice } from "../../parts/menu.js";
import { Paged } from "../../parts/paged.js";
import { T } from "../../texts.js";
import { ago } from "../../time.js";
import { NewAccount } from "./new-account.js";

/** A search begins when the person has stopped to type for so long. */
const PAUSE = 250;

const useSettled = (text: string): string => {
  const [settled, settle] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => settle(text), PAUSE);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
};

type Asked = { what: "delete" | "deactivate"; user: User };

/** What can be done to an account. */
const useChoices = (reload: () => void, ask: (asked: Asked) => void) => {
  const doing = useDoing();
  const { user: me } = useSession();
  const update = async (user: User, fields: Partial<Pick<User, "role" | "plan" | "is_active">>) => {
    if (await doing("admin.user.update", { id: user.id, ...fields }, T.admin.changed(user.name))) reload();
  };
  return (user: User): Choice[] => {
    const isMe = user.id === me;
    const { id, name, role, plan, is_active } = user;
    const other = role === "admin" ? "user" : "admin";
    const otherPlan = plan === "pro" ? "free" : "pro";
    return [
      ...(isMe ? [] : [{ label: T.admin.makeRole[other], run: () => void update(user, { role: other }) }]),
      { label: T.admin.makePlan[otherPlan], run: () => void update(user, { plan: otherPlan }) },
      { label: T.admin.unlock, run: () => void doing("admin.user.unlock", { id }, T.admin.unlocked(name)) },
      { label: T.admin.signOut, run: () => void doing("admin.user.sign_out", { id }, T.admin.signedOut(name)) },
      ...(isMe
        ? []
        : [
            is_active
              ? { label: T.admin.deactivate, bad: true, run: () => ask({ what: "deactivate", user }) }
              : { label: T.admin.activate, run: () => void update(user, { is_active: true }) },
            { label: T.admin.delete, bad: true, run: () => ask({ what: "delete", user }) },
          ]),
    ];
  };
};

const Confirmed = ({ asked, close, reload }: { asked: Asked; close: () => void; reload: () => void }) => {
  const doing = useDoing();
  const { what, user } = asked;
  const run = async () => {
    const done =
      what === "delete"
        ? await doing("admin.user.delete", { id: user.id }, T.admin.deleted(user.name))
        : await doing("admin.user.update", { id: user.id, is_active: false }, T.admin.changed(user.name));
    if (done) reload();
  };
  return (
    <Confirm
      title={T.admin.titles[what](user.name)}
      button={T.admin[what]}
      close={close}
      run={run}
      {...(what === "delete" && { word: user.email })}
    >
      <p>{T.admin.texts[what]}</p>
    </Confirm>
  );
};

const Row = ({ user, choices }: { user: User; choices: Choice[] }) => {
  const now = useNow();
  return (
    <tr>
      <td>
        <div class="who">
        <Avatar user={user} size={32} label={false} />
        <span class="person">
          <span class="person-name">{user.name}</span>
          <span class="quiet-text">
            {user.email}
            {!user.is_verified && ` · ${T.admin.unverified}`}
          </span>
        </span>
        </div>
      </td>
      <td>
        {T.admin.roles[user.role]}
        {!user.is_active && <span class="badge bad"> {T.admin.inactive}</span>}
      </td>
      <td>{T.admin.plans[user.plan]}</td>
      <td class="quiet-text">{ago(Date.parse(user.created_at), now)}</td>
      <td class="last">
        <Menu label={T.admin.moreOf(user.name)} class="quiet icon-button" choices={choices}>
          <Icon name="more" />
        </Menu>
      </td>
    </tr>
  );
};

export const Accounts = () => {
  const [typed, type] = useState("");
  const [isAdding, setAdding] = useState(false);
  const [asked, setAsked] = useState<Asked>();
  const ask = useAsking();
  const { client } = useSession();
  const q = useSettled(typed.trim());
  const pages = usePages<User>((cursor) => ask("admin.user.list", { cursor, ...(q && { q }) }), q);
  const { reload } = pages;
  const choicesOf = useChoices(reload, setAsked);
  useEffect(() => whenOnline(client, reload), [client, reload]);
  return (
    <section>
      <div class="section-head">
        <h2>{T.admin.parts.accounts}</h2>
        <button type="button" onClick={() => setAdding(true)}>
          <Icon name="plus" size={16} />
          {T.admin.newAccount}
        </button>
      </div>
      <div class="admin-search">
        <input
          type="search"
          aria-label={T.admin.search}
          placeholder={T.admin.search}
          value={typed}
          onInput={(event) => type(event.currentTarget.value)}
        />
        <span class="quiet-text" role="status">
          {pages.total !== undefined && T.admin.found(pages.total)}
        </span>
      </div>
      <Paged pages={pages} empty={T.admin.noAccounts}>
        {(items) => (
          <table class="stacked">
            <thead>
              <tr>
                <th scope="col">{T.admin.account}</th>
                <th scope="col">{T.admin.role}</th>
                <th scope="col">{T.admin.plan}</th>
                <th scope="col">{T.admin.made}</th>
                <th scope="col">
                  <span class="sr-only">{T.admin.actions}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map((user) => (
                <Row key={user.id} user={user} choices={choicesOf(user)} />
              ))}
            </tbody>
          </table>
        )}
      </Paged>
      {isAdding && <NewAccount close={() => setAdding(false)} made={reload} />}
      {asked && <Confirmed asked={asked} close={() => setAsked(undefined)} reload={reload} />}
    </section>
  );
};
