// Verifies an address: by the link of a mail, once the person presses the button, or by the address and the code.

import { useState } from "preact/hooks";
import { Field, Form, type Values } from "../../parts/form.js";
import { href } from "../../places.js";
import { forgetSecret, secretOf } from "../../secret.js";
import { session } from "../../session.js";
import { post } from "../../http.js";
import { T } from "../../texts.js";
import { cleanCode, CodeField } from "./code.js";

export const Verify = () => {
  const token = secretOf("verify-email");
  const [done, setDone] = useState(false);
  const submit = async ({ email = "", code }: Values) => {
    await post("POST /v1/auth/verify-email", token ? { token } : { email, code: cleanCode(code) });
    forgetSecret("verify-email");
    setDone(true);
  };
  if (done)
    return (
      <>
        <p role="status">{T.entry.verified}</p>
        <p class="actions">
          {session.value.is === "in" ? (
            <a class="button primary" href={href({ scene: { at: "today" } })}>
              {T.entry.toBoard}
            </a>
          ) : (
            <a class="button primary" href={href({ scene: { at: "entry", door: "login" } })}>
              {T.entry.signIn}
            </a>
          )}
        </p>
      </>
    );
  return (
    <Form submit={submit} button={T.entry.verify}>
      {token ? (
        <p>{T.entry.verifyLead}</p>
      ) : (
        <>
          <Field name="email" label={T.entry.email} type="email" autocomplete="username" maxLength={254} required />
          <CodeField />
        </>
      )}
    </Form>
  );
};
