// The code of a mail, by which an address is verified; then it signs in with what was typed before.

import { useState } from "preact/hooks";
import { Field, Form, type Values } from "../../parts/form.js";
import { logIn } from "../../session.js";
import { post } from "../../http.js";
import { T } from "../../texts.js";
import { reason } from "../../acting.js";
import { onward } from "./onward.js";

export interface Credentials {
  email: string;
  password: string;
}

/** What a code looks like; people type spaces into it. */
export const cleanCode = (code = ""): string => code.replace(/\D/g, "");

export const CodeField = () => (
  <Field
    name="code"
    label={T.entry.code}
    inputMode="numeric"
    autocomplete="one-time-code"
    pattern="[0-9 ]{6,9}"
    maxLength={9}
    class="entry-code"
    required
  />
);

export const Code = ({ email, password, back }: Credentials & { back: () => void }) => {
  const [said, say] = useState("");
  const submit = async ({ code }: Values) => {
    await post("POST /v1/auth/verify-email", { email, code: cleanCode(code) });
    await logIn(email, password);
    onward();
  };
  const resend = async () => {
    say("");
    await post("POST /v1/auth/resend-verification", { email }).then(
      () => say(T.entry.sentAgain),
      (error: unknown) => say(reason(error)),
    );
  };
  return (
    <>
      <p class="entry-lead">{T.entry.checkMail(email)}</p>
      <Form submit={submit} button={T.entry.verify}>
        <CodeField />
      </Form>
      <p class="entry-said" role="status">
        {said}
      </p>
      <p class="entry-links actions">
        <button type="button" class="quiet" onClick={() => void resend()}>
          {T.entry.sendAgain}
        </button>
        <button type="button" class="quiet" onClick={back}>
          {T.entry.back}
        </button>
      </p>
    </>
  );
};
