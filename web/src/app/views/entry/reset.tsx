// A forgotten password: asks for a mail, and sets another one with its code or link.

import { useState } from "preact/hooks";
import { Field, Form, PasswordField, type Values } from "../../parts/form.js";
import { go, href } from "../../places.js";
import { forgetSecret, secretOf } from "../../secret.js";
import { leave } from "../../session.js";
import { post } from "../../http.js";
import { T } from "../../texts.js";
import { cleanCode, CodeField } from "./code.js";
import { notice } from "./onward.js";

/** Every session of the account ended; the person signs in with the new password. */
const onwards = async (): Promise<void> => {
  notice.value = T.entry.passwordSet;
  await leave();
  go({ scene: { at: "entry", door: "login" } }, true);
};

const ToSignIn = () => (
  <p class="entry-links">
    <a href={href({ scene: { at: "entry", door: "login" } })}>{T.entry.toSignIn}</a>
  </p>
);

export const Forgot = () => {
  const [email, setEmail] = useState<string>();
  const ask = async (typed: Values) => {
    await post("POST /v1/auth/forgot-password", { email: typed["email"] ?? "" });
    setEmail(typed["email"]);
  };
  const set = async ({ code, new_password = "" }: Values) => {
    await post("POST /v1/auth/reset-password", { email: email ?? "", code: cleanCode(code), new_password });
    await onwards();
  };
  return (
    <>
      <div hidden={!!email}>
        <p class="entry-lead">{T.entry.forgotLead}</p>
        <Form submit={ask} button={T.entry.sendMail}>
          <Field name="email" label={T.entry.email} type="email" autocomplete="username" maxLength={254} required />
        </Form>
      </div>
      {email && (
        <>
          <p class="entry-lead" role="status">
            {T.entry.resetMail(email)}
          </p>
          <Form submit={set} button={T.entry.setPassword}>
            <CodeField />
            <PasswordField name="new_password" label={T.entry.newPassword} isNew />
          </Form>
          <p class="entry-links">
            <button type="button" class="quiet" onClick={() => setEmail(undefined)}>
              {T.entry.otherAddress}
            </button>
          </p>
        </>
      )}
      <ToSignIn />
    </>
  );
};

export const Reset = () => {
  const token = secretOf("reset-password");
  const submit = async ({ email = "", code, new_password = "" }: Values) => {
    const proof = token ? { token } : { email, code: cleanCode(code) };
    await post("POST /v1/auth/reset-password", { ...proof, new_password });
    forgetSecret("reset-password");
    await onwards();
  };
  return (
    <>
      <Form submit={submit} button={T.entry.setPassword}>
        {!token && (
          <>
            <Field name="email" label={T.entry.email} type="email" autocomplete="username" maxLength={254} required />
            <CodeField />
          </>
        )}
        <PasswordField name="new_password" label={T.entry.newPassword} isNew />
      </Form>
      <ToSignIn />
    </>
  );
};
