// The account as a whole: a copy of what is the person's, and its end.

import { useState } from "preact/hooks";
import { reason } from "../../acting.js";
import { useAsking } from "../../asking.js";
import { Dialog } from "../../parts/dialog.js";
import { Form, PasswordField, type Values } from "../../parts/form.js";
import { saveFile } from "../../save-file.js";
import { leave } from "../../session.js";
import { T } from "../../texts.js";
import { tell } from "../../toasts.js";

const Delete = ({ close }: { close: () => void }) => {
  const ask = useAsking();
  const submit = async ({ password = "" }: Values) => {
    await ask("profile.delete", { password });
    await leave(T.settings.accountDeleted);
  };
  return (
    <Dialog title={T.settings.deleteAccount} close={close}>
      <Form
        submit={submit}
        button={T.settings.deleteAccount}
        bad
        beside={
          <button type="button" onClick={close}>
            {T.cancel}
          </button>
        }
      >
        <p>{T.settings.deleteText}</p>
        <PasswordField name="password" label={T.settings.yourPassword} />
      </Form>
    </Dialog>
  );
};

export const Account = () => {
  const [busy, setBusy] = useState(false);
  const [isAsked, setAsked] = useState(false);
  const save = async () => {
    setBusy(true);
    await saveFile("/v1/profile/export", "taskwire.zip").catch((error: unknown) =>
      tell(T.settings.notExported(error instanceof TypeError ? T.form.noAnswer : reason(error)), { tone: "bad" }),
    );
    setBusy(false);
  };
  return (
    <>
      <section>
        <h2>{T.settings.exportTitle}</h2>
        <p>{T.settings.exportText}</p>
        <p>
          <button type="button" aria-busy={busy} disabled={busy} onClick={() => void save()}>
            {T.settings.exportButton}
          </button>
        </p>
      </section>
      <section class="danger">
        <h2>{T.settings.deleteAccount}</h2>
        <p>{T.settings.deleteText}</p>
        <p>
          <button type="button" class="bad" onClick={() => setAsked(true)}>
            {T.settings.deleteAccount}
          </button>
        </p>
      </section>
      {isAsked && <Delete close={() => setAsked(false)} />}
    </>
  );
};
