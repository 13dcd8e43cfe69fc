// The first run: the link that the server prints makes the first account, which becomes the administrator.

import { Field, Form, PasswordField, type Values } from "../../parts/form.js";
import { go, href } from "../../places.js";
import { forgetSecret, secretOf } from "../../secret.js";
import { deviceName, goOn } from "../../session.js";
import { post } from "../../http.js";
import { T } from "../../texts.js";

export const FirstAdmin = () => {
  const token = secretOf("first-admin");
  const submit = async ({ name = "", email = "", password = "" }: Values) => {
    const given = { token: token ?? "", email, password, ...(name && { name }) };
    const tokens = await post("POST /v1/auth/first-admin", { ...given, token_delivery: "cookie", device_name: deviceName() });
    forgetSecret("first-admin");
    await goOn(tokens);
    go({ scene: { at: "welcome" } }, true);
  };
  if (!token)
    return (
      <>
        <p role="status">{T.entry.wholeLink}</p>
        <p class="entry-links">
          <a href={href({ scene: { at: "entry", door: "login" } })}>{T.entry.toSignIn}</a>
        </p>
      </>
    );
  return (
    <>
      <p class="entry-lead">{T.entry.firstLead}</p>
      <Form submit={submit} button={T.entry.becomeAdmin} draft="first-admin">
        <Field name="name" label={T.entry.name} autocomplete="name" minLength={2} maxLength={100} required />
        <Field name="email" label={T.entry.email} type="email" autocomplete="username" maxLength={254} required />
        <PasswordField name="password" label={T.entry.password} isNew hint={T.entry.firstPassword} />
      </Form>
    </>
  );
};
