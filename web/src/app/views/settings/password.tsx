// Another password: the other sessions end, this one goes on.

import { clear, Form, PasswordField, type Values } from "../../parts/form.js";
import { useView } from "../../hooks.js";
import { changePassword } from "../../session.js";
import { T } from "../../texts.js";
import { tell } from "../../toasts.js";

export const Password = () => {
  const email = useView((view) => view.user?.user.email);
  const submit = async ({ current_password = "", new_password = "" }: Values, form: HTMLFormElement) => {
    await changePassword(current_password, new_password);
    clear(form, "current_password", "new_password");
    tell(T.settings.passwordChanged);
  };
  return (
    <section>
      <h2>{T.settings.parts.password}</h2>
      <p class="quiet-text">{T.settings.passwordHint}</p>
      <Form submit={submit} button={T.settings.changePassword}>
        <input type="email" name="email" autocomplete="username" value={email} readOnly hidden />
        <PasswordField name="current_password" label={T.settings.currentPassword} />
        <PasswordField name="new_password" label={T.settings.newPassword} isNew />
      </Form>
    </section>
  );
};
