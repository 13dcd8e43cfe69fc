// Makes an account for somebody: with a password, or with a mail that lets them choose one.

import type { GlobalRole, Plan } from "../../../sdk/contract.js";
import { useAsking } from "../../asking.js";
import { Dialog } from "../../parts/dialog.js";
import { Field, Form, SelectField, type Values } from "../../parts/form.js";
import { T } from "../../texts.js";
import { tell } from "../../toasts.js";

export const NewAccount = ({ close, made }: { close: () => void; made: () => void }) => {
  const ask = useAsking();
  const submit = async ({ name = "", email = "", password, role, plan }: Values) => {
    await ask("admin.user.create", {
      name,
      email,
      role: role as GlobalRole,
      plan: plan as Plan,
      ...(password && { password }),
    });
    tell((password ? T.admin.wasMade : T.admin.wasMailed)(name));
    made();
    close();
  };
  return (
    <Dialog title={T.admin.newAccount} close={close}>
      <Form
        submit={submit}
        button={T.admin.create}
        beside={
          <button type="button" onClick={close}>
            {T.cancel}
          </button>
        }
      >
        <Field name="name" label={T.admin.name} minLength={2} maxLength={100} autocomplete="off" required autofocus />
        <Field name="email" label={T.admin.email} type="email" maxLength={254} autocomplete="off" required />
        <Field
          name="password"
          label={T.admin.password}
          hint={T.admin.passwordHint}
          type="password"
          minLength={8}
          maxLength={128}
          autocomplete="new-password"
        />
        <div class="in-line">
          <SelectField name="role" label={T.admin.role}>
            <option value="user">{T.admin.roles.user}</option>
            <option value="admin">{T.admin.roles.admin}</option>
          </SelectField>
          <SelectField name="plan" label={T.admin.plan}>
            <option value="free">{T.admin.plans.free}</option>
            <option value="pro">{T.admin.plans.pro}</option>
          </SelectField>
        </div>
      </Form>
    </Dialog>
  );
};
