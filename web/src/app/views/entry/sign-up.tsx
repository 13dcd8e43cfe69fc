// Makes an account. What was typed stays also while the code of the mail is asked for.

import { useState } from "preact/hooks";
import { Field, Form, PasswordField, type Values } from "../../parts/form.js";
import { href } from "../../places.js";
import { signUp } from "../../session.js";
import { T } from "../../texts.js";
import { Code, type Credentials } from "./code.js";

export const SignUp = () => {
  const [unverified, setUnverified] = useState<Credentials>();
  const submit = async ({ name = "", email = "", password = "" }: Values) => {
    if (!(await signUp(name, email, password))) setUnverified({ email, password });
  };
  return (
    <>
      <div hidden={!!unverified}>
        <Form submit={submit} button={T.entry.signUp} draft="signup">
          <Field name="name" label={T.entry.name} autocomplete="name" minLength={2} maxLength={100} required />
          <Field name="email" label={T.entry.email} type="email" autocomplete="username" maxLength={254} required />
          <PasswordField name="password" label={T.entry.password} isNew />
        </Form>
        <p class="entry-links">
          {T.entry.haveAccount} <a href={href({ scene: { at: "entry", door: "login" } })}>{T.entry.signIn}</a>
        </p>
      </div>
      {unverified && <Code {...unverified} back={() => setUnverified(undefined)} />}
    </>
  );
};
