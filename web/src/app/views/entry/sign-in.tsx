// Signs in. An address that must be verified first is verified here, with what was typed.

import { useState } from "preact/hooks";
import { Refused } from "../../../sdk/index.js";
import { Field, Form, PasswordField, type Values } from "../../parts/form.js";
import { href, place } from "../../places.js";
import { secretOf } from "../../secret.js";
import { logIn } from "../../session.js";
import { T } from "../../texts.js";
import { Code, type Credentials } from "./code.js";
import { onward } from "./onward.js";

export const SignIn = () => {
  const [unverified, setUnverified] = useState<Credentials>();
  const { scene } = place.value;
  const invited = scene.at === "entry" && scene.door === "join";
  if (invited) secretOf("join");

  const submit = async ({ email = "", password = "" }: Values) => {
    try {
      await logIn(email, password);
      onward();
    } catch (error) {
      if (!(error instanceof Refused) || error.failure.code !== "EMAIL_NOT_VERIFIED") throw error;
      setUnverified({ email, password });
    }
  };

  if (unverified) return <Code {...unverified} back={() => setUnverified(undefined)} />;
  return (
    <>
      {invited && <p class="entry-lead">{T.entry.invited}</p>}
      <Form submit={submit} button={T.entry.signIn} draft="login">
        <Field name="email" label={T.entry.email} type="email" autocomplete="username" required maxLength={254} />
        <PasswordField name="password" label={T.entry.password} />
      </Form>
      <ul class="entry-links">
        <li>
          {T.entry.noAccount} <a href={href({ scene: { at: "entry", door: "signup" } })}>{T.entry.makeOne}</a>
        </li>
        <li>
          <a href={href({ scene: { at: "entry", door: "forgot" } })}>{T.entry.forgot}</a>
        </li>
      </ul>
    </>
  );
};
