// Asks before something that cannot be taken back; of the worst, for its name too.

import type { ComponentChildren } from "preact";
import { Refused } from "../../sdk/index.js";
import { T } from "../texts.js";
import { Dialog } from "./dialog.js";
import { Field, Form } from "./form.js";

interface Props {
  title: string;
  button: string;
  close: () => void;
  run: () => Promise<unknown> | unknown;
  children?: ComponentChildren;
  /** What has to be typed. */
  word?: string;
}

const mistyped = (word: string): Error =>
  new Refused({
    code: "VALIDATION_ERROR",
    message: T.form.mistyped(word),
    field: "word",
    retryable: false,
    retry_after_ms: null,
    request_id: "",
  });

export const Confirm = ({ title, button, close, run, children, word }: Props) => {
  const submit = async ({ word: typed = "" }: Record<string, string>) => {
    if (word !== undefined && typed.trim() !== word) throw mistyped(word);
    await run();
    close();
  };
  return (
    <Dialog title={title} close={close}>
      <Form
        submit={submit}
        button={button}
        bad
        beside={
          <button type="button" onClick={close}>
            {T.cancel}
          </button>
        }
      >
        <div class="confirm-text">{children}</div>
        {word !== undefined && <Field name="word" label={T.form.typeWord(word)} autocomplete="off" required />}
      </Form>
    </Dialog>
  );
};
