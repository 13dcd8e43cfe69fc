// The description: Markdown, shown or edited. It is saved when the person leaves the field; what is not saved outlasts a reload.

import { useEffect, useRef, useState } from "preact/hooks";
import { LIMITS } from "../../../sdk/contract.js";
import { Icon } from "../../parts/icons.js";
import { T } from "../../texts.js";
import { Contest, Restored } from "./contest.js";
import { useOpen } from "./context.js";
import { useTellsWriting } from "./presence.js";
import { Rich } from "./rich.js";
import { Saving } from "./saving.js";
import { useTextField, type TextField } from "./text-field.js";

const Tabs = ({ preview, set }: { preview: boolean; set: (preview: boolean) => void }) => (
  <div class="editor-tabs" role="group" aria-label={T.panel.description}>
    <button type="button" class="quiet" aria-pressed={!preview} onClick={() => set(false)}>
      {T.panel.write}
    </button>
    <button type="button" class="quiet" aria-pressed={preview} onClick={() => set(true)}>
      {T.panel.preview}
    </button>
  </div>
);

const Editor = ({ field, done }: { field: TextField; done: () => void }) => {
  const { task, changedBy } = useOpen();
  const [preview, setPreview] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  const tellWriting = useTellsWriting(task.id);
  const wasRestored = field.isRestored;
  useEffect(() => {
    if (!wasRestored) area.current?.focus();
  }, []);
  const finish = () => field.save() && done();
  const left = (event: FocusEvent) => {
    const isInside = root.current?.contains(event.relatedTarget as Node | null);
    // Another window in front is no reason to end.
    if (!isInside && document.hasFocus()) field.save();
  };
  const keys = (event: KeyboardEvent) => {
    const isDone = event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey));
    if (!isDone || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    finish();
  };
  const text = field.text ?? "";
  return (
    <div class="editor" ref={root} onFocusOut={left} onKeyDown={keys}>
      <Tabs preview={preview} set={setPreview} />
      {preview ? (
        <div class="editor-preview">{text.trim() ? <Rich text={text} /> : <p class="quiet-text">{T.none}</p>}</div>
      ) : (
        <textarea
          ref={area}
          aria-label={T.panel.description}
          rows={6}
          maxLength={LIMITS.description}
          value={text}
          onInput={(event) => (field.type(event.currentTarget.value), tellWriting())}
        />
      )}
      <div class="editor-foot">
        <span class="quiet-text small">{T.panel.markdown}</span>
        <span class="quiet-text small">{T.panel.length(text.length, LIMITS.description)}</span>
        <button type="button" onClick={finish}>
          {T.panel.done}
        </button>
      </div>
      {field.isRestored && <Restored discard={() => (field.discard(), done())} />}
      {field.isContested && (
        <Contest
          by={changedBy}
          theirs={field.current}
          take={() => (field.discard(), done())}
          keep={() => (field.overwrite(), done())}
        />
      )}
    </div>
  );
};

export const Description = () => {
  const { may } = useOpen();
  const field = useTextField("description");
  const edit = useRef<HTMLButtonElement>(null);
  const returns = useRef(false);
  const isEditing = may && field.text !== undefined;
  useEffect(() => {
    if (isEditing || !returns.current) return;
    returns.current = false;
    edit.current?.focus();
  }, [isEditing]);
  if (!may && !field.current) return null;
  const click = (event: MouseEvent) => {
    const isPlain = !(event.target as Element).closest("a, button, pre") && !getSelection()?.toString();
    if (may && isPlain) field.begin();
  };
  return (
    <section class="panel-section" aria-labelledby="panel-description">
      <h3 id="panel-description">
        {T.panel.description}
        {may && !isEditing && (
          <button type="button" ref={edit} class="quiet" onClick={() => field.begin()}>
            <Icon name="edit" size={15} />
            {field.current ? T.panel.edit : T.panel.addDescription}
          </button>
        )}
      </h3>
      {isEditing ? (
        <Editor field={field} done={() => (returns.current = true)} />
      ) : (
        field.current && (
          <div class={may ? "editable" : ""} onClick={click}>
            <Rich text={field.current} />
          </div>
        )
      )}
      <Saving fields={["description"]} mend={({ data }) => field.begin(String(data["description"] ?? ""))} />
    </section>
  );
};
