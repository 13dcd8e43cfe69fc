// A text that is shown to be copied: a link, a token.

import { useId, useRef, useState } from "preact/hooks";
import { T } from "../texts.js";

export const Copy = ({ label, text }: { label: string; text: string }) => {
  const [copied, setCopied] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const copy = async () => {
    input.current?.select();
    // Only pages of a safe origin have a clipboard; elsewhere the text is selected, to be copied by hand.
    await navigator.clipboard?.writeText(text).then(
      () => setCopied(true),
      () => {},
    );
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <span class="with-button">
        <input ref={input} id={id} class="code" value={text} readOnly onFocus={(event) => event.currentTarget.select()} />
        <button type="button" onClick={() => void copy()}>
          {T.form.copy}
        </button>
      </span>
      <p class="field-hint" role="status">
        {copied && T.form.copied}
      </p>
    </div>
  );
};
