// Tokens for programs: made, shown once, revoked.

import { useEffect, useState } from "preact/hooks";
import type { ApiToken, ApiTokenScope } from "../../../sdk/contract.js";
import { useAsking, useDoing } from "../../asking.js";
import { useNow, useSession, useView } from "../../hooks.js";
import { usePages } from "../../pages.js";
import { Confirm } from "../../parts/confirm.js";
import { Copy } from "../../parts/copy.js";
import { clear, Field, Form, SelectField, type Values } from "../../parts/form.js";
import { Paged } from "../../parts/paged.js";
import { workspacesOf } from "../../tasks.js";
import { T } from "../../texts.js";
import { ago, DAY, fullTime } from "../../time.js";

const LIVES = [7, 30, 90, 365] as const;

/** The workspaces that were ticked; none means all. */
const picked = (form: HTMLFormElement): string[] =>
  [...form.querySelectorAll<HTMLInputElement>("input[name=workspace]:checked")].map(({ value }) => value);

const Make = ({ made }: { made: (token: ApiToken) => void }) => {
  const ask = useAsking();
  const workspaces = useView(workspacesOf);
  const submit = async ({ name = "", scope, life }: Values, form: HTMLFormElement) => {
    const workspace_ids = picked(form);
    const token = await ask("api_token.create", {
      name,
      scope: scope as ApiTokenScope,
      ...(life && { expires_at: new Date(Date.now() + Number(life) * DAY).toISOString() }),
      ...(workspace_ids.length && { workspace_ids }),
    });
    clear(form, "name");
    made(token);
  };
  return (
    <Form submit={submit} button={T.settings.makeToken} label={T.settings.makeToken} draft="token">
      <Field name="name" label={T.settings.tokenName} hint={T.settings.tokenNameHint} maxLength={100} autocomplete="off" required />
      <div class="in-line">
        <SelectField name="scope" label={T.settings.scope}>
          <option value="read">{T.settings.scopes.read}</option>
          <option value="write">{T.settings.scopes.write}</option>
        </SelectField>
        <SelectField name="life" label={T.settings.life}>
          {LIVES.map((days) => (
            <option key={days} value={days} selected={days === 90}>
              {T.settings.days(days)}
            </option>
          ))}
          <option value="">{T.settings.forever}</option>
        </SelectField>
      </div>
      <fieldset class="option-set">
        <legend>{T.settings.tokenWorkspaces}</legend>
        {workspaces.map(({ id, name }) => (
          <label key={id}>
            <input type="checkbox" name="workspace" value={id} />
            {name}
          </label>
        ))}
        <p class="field-hint">{T.settings.tokenWorkspacesHint}</p>
      </fieldset>
    </Form>
  );
};

const Row = ({ token, now, revoke }: { token: ApiToken; now: number; revoke: () => void }) => {
  const { name, scope, workspace_ids, expires_at, last_used_at } = token;
  const names = useView((view) => workspace_ids?.map((id) => view.user?.workspaces.get(id)?.name ?? "…").join(", "));
  const ended = expires_at !== null && Date.parse(expires_at) <= now;
  return (
    <li>
      <span class="person">
        <span class="person-name">
          {name}
          {ended && <span class="badge bad"> {T.settings.expired}</span>}
        </span>
        <span class="quiet-text">
          {[
            T.settings.scopes[scope],
            names ?? T.settings.allWorkspaces,
            expires_at ? T.settings.until(fullTime(Date.parse(expires_at))) : T.settings.forever,
            last_used_at ? T.settings.used(ago(Date.parse(last_used_at), now)) : T.settings.neverUsed,
          ].join(" · ")}
        </span>
      </span>
      <button type="button" aria-label={T.settings.revokeOf(name)} onClick={revoke}>
        {T.settings.revoke}
      </button>
    </li>
  );
};

const CHANGES = /^api_token\./;

export const Tokens = () => {
  const ask = useAsking();
  const doing = useDoing();
  const { client } = useSession();
  const now = useNow();
  const [made, setMade] = useState<ApiToken>();
  const [asked, setAsked] = useState<ApiToken>();
  const pages = usePages<ApiToken>(async () => ({ ...(await ask("api_token.list", {})), next_cursor: null }), "");
  const { reload } = pages;
  useEffect(
    () => client.listen({ state: ({ kind }) => kind === "online" && reload(), event: ({ event }) => CHANGES.test(event) && reload() }),
    [client, reload],
  );
  return (
    <>
      <section>
        <h2>{T.settings.parts.tokens}</h2>
        <p class="quiet-text">{T.settings.tokensHint}</p>
        {made?.token && (
          <div class="shown-once">
            <p>{T.settings.tokenOnce}</p>
            <Copy label={T.settings.token(made.name)} text={made.token} />
          </div>
        )}
        <Paged pages={pages} empty={T.settings.noTokens}>
          {(items) => (
            <ul class="people">
              {items.map((token) => (
                <Row key={token.id} token={token} now={now} revoke={() => setAsked(token)} />
              ))}
            </ul>
          )}
        </Paged>
      </section>
      <section>
        <h2>{T.settings.newToken}</h2>
        <Make made={(token) => (setMade(token), reload())} />
      </section>
      {asked && (
        <Confirm
          title={T.settings.revokeToken(asked.name)}
          button={T.settings.revoke}
          close={() => setAsked(undefined)}
          run={async () => {
            if (await doing("api_token.revoke", { id: asked.id }, T.settings.tokenRevoked)) reload();
          }}
        >
          <p>{T.settings.revokeText}</p>
        </Confirm>
      )}
    </>
  );
};
