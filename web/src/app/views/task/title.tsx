// The title: a heading that becomes a field. Enter saves, Escape takes back.

import { useEffect, useRef } from "preact/hooks";
import { LIMITS } from "../../../sdk/contract.js";
import { T } from "../../texts.js";
import { Contest, Restored } from "./contest.js";
import { useOpen } from "./context.js";
import { Saving } from "./saving.js";
import { useTextField, type TextField } from "./text-field.js";

const Editor = ({ field, done }: { field: TextField; done: () => void }) => {
  const { changedBy } = useOpen();
  const area = useRef<HTMLTextAreaElement>(null);
  const wasRestored = field.isRestored;
  useEffect(() => {
    if (!wasRestored) area.current?.select();
  }, []);
  const keys = (event: KeyboardEvent) => {
    if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") field.discard();
    else if (!field.save()) return;
    done();
  };
  return (
    <>
      <textarea
        ref={area}
        class="title-field"
        aria-label={T.panel.title}
        rows={Math.max(1, Math.ceil((field.text ?? "").length / 34))}
        maxLength={LIMITS.title}
        value={field.text}
        onInput={(event) => field.type(event.currentTarget.value.replace(/\s*[\r\n]+\s*/g, " "))}
        onKeyDown={keys}
        onBlur={() => document.hasFocus() && field.save()}
      />
      {field.isRestored && <Restored discard={() => (field.discard(), done())} />}
      {field.isContested && (
        <Contest
          by={changedBy}
          theirs={field.current}
          take={() => (field.discard(), done())}
          keep={() => (field.overwrite(), done())}
        />
      )}
    </>
  );
};

export const TITLE = "panel-title";

export const Title = () => {
  const { task, may } = useOpen();
  const field = useTextField("title");
  const returns = useRef(false);
  const isEditing = may && field.text !== undefined;
  useEffect(() => {
    if (isEditing || !returns.current) return;
    returns.current = false;
    document.getElementById(TITLE)?.focus();
  }, [isEditing]);
  return (
    <div class="title-place">
      <h2 class={isEditing ? "sr-only" : "title-text"}>
        {may ? (
          <button type="button" id={TITLE} class="title-button" title={T.panel.editTitle} onClick={() => field.begin()}>
            {task.title}
          </button>
        ) : (
          <span id={TITLE} tabIndex={-1}>
            {task.title}
          </span>
        )}
      </h2>
      {isEditing && <Editor field={field} done={() => (returns.current = true)} />}
      <Saving fields={["title"]} mend={({ data }) => field.begin(String(data["title"]))} />
    </div>
  );
};
