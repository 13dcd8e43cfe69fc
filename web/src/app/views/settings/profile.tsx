// The profile: what others see of the person, how the board looks to them, their address.

import { useEffect } from "preact/hooks";
import type { User } from "../../../sdk/contract.js";
import { useActing } from "../../acting.js";
import { useAsking } from "../../asking.js";
import { useView } from "../../hooks.js";
import { clear, Field, Form, PasswordField, SelectField, type Values } from "../../parts/form.js";
import { themeOf, THEMES } from "../../theme.js";
import { T } from "../../texts.js";
import { tell } from "../../toasts.js";
import { Photo } from "./photo.js";

const Names = ({ user }: { user: User }) => {
  const ask = useAsking();
  const submit = async ({ name = "", username = "" }: Values) => {
    await ask("profile.update", { name, username });
    tell(T.settings.saved);
  };
  return (
    <Form submit={submit} button={T.save} draft="names">
      <Field name="name" label={T.settings.name} defaultValue={user.name} autocomplete="name" minLength={2} maxLength={100} required />
      <Field
        name="username"
        label={T.settings.username}
        hint={T.settings.usernameHint}
        defaultValue={user.username}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        minLength={3}
        maxLength={32}
        pattern="[a-z0-9_.\-]+"
        required
      />
    </Form>
  );
};

/** The zones that this browser knows, and the person's own. */
const zones = (own: string): string[] => {
  const known = Intl.supportedValuesOf?.("timeZone") ?? [];
  return [...new Set([own, "UTC", ...known])].sort();
};

/** The page is drawn anew in another zone: the focus then goes back to where it was. */
let didChangeZone = false;

const Look = ({ user }: { user: User }) => {
  const { act } = useActing();
  useEffect(() => {
    if (didChangeZone) document.querySelector<HTMLSelectElement>("select[name=timezone]")?.focus();
    didChangeZone = false;
  }, []);
  const setZone = (timezone: string) => {
    didChangeZone = true;
    act("profile.update", { timezone }, T.settings.saved);
  };
  const theme = themeOf(user.preferences);
  return (
    <>
      <SelectField
        name="timezone"
        label={T.settings.timezone}
        value={user.timezone}
        onChange={(event) => setZone(event.currentTarget.value)}
      >
        {zones(user.timezone).map((zone) => (
          <option key={zone} value={zone} selected={zone === user.timezone}>
            {zone.replaceAll("_", " ")}
          </option>
        ))}
      </SelectField>
      <fieldset class="option-set">
        <legend>{T.settings.theme}</legend>
        {THEMES.map((one) => (
          <label key={one}>
            <input
              type="radio"
              name="theme"
              checked={theme === one}
              onChange={() => act("profile.update", { preferences: { theme: one === "system" ? null : one } })}
            />
            {T.settings.themes[one]}
          </label>
        ))}
      </fieldset>
    </>
  );
};

const Address = ({ user }: { user: User }) => {
  const ask = useAsking();
  const submit = async ({ new_email = "", password = "" }: Values, form: HTMLFormElement) => {
    await ask("profile.change_email", { new_email, password });
    clear(form, "new_email", "password");
    tell(T.settings.emailAsked(new_email));
  };
  return (
    <>
      <p>
        {T.settings.emailIs} <strong>{user.email}</strong>
        {!user.is_verified && <span class="quiet-text"> {T.settings.unverified}</span>}
      </p>
      <details>
        <summary>{T.settings.changeEmail}</summary>
        <Form submit={submit} button={T.settings.changeEmail}>
          <Field name="new_email" label={T.settings.newEmail} hint={T.settings.newEmailHint} type="email" autocomplete="email" maxLength={254} required />
          <PasswordField name="password" label={T.settings.yourPassword} />
        </Form>
      </details>
    </>
  );
};

export const Profile = () => {
  const user = useView((view) => view.user?.user);
  if (!user) return <p class="quiet-text loading">{T.loading}</p>;
  return (
    <>
      <section>
        <h2>{T.settings.parts.profile}</h2>
        <Photo user={user} />
        <Names user={user} />
      </section>
      <section>
        <h2>{T.settings.look}</h2>
        <Look user={user} />
      </section>
      <section>
        <h2>{T.settings.email}</h2>
        <Address user={user} />
      </section>
    </>
  );
};
