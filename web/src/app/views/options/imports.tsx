// Makes tasks of a file: first it says what would happen, then it does it. One intent is done once, however often it is sent.

import { useRef, useState } from "preact/hooks";
import type { Imported } from "../../../sdk/contract.js";
import { newId, Refused } from "../../../sdk/index.js";
import { clear, Field, Form, SelectField, type Values } from "../../parts/form.js";
import { read } from "../../http.js";
import { request } from "../../session.js";
import { T } from "../../texts.js";
import { tell } from "../../toasts.js";

const FORMATS = ["json", "csv", "todoist", "trello", "vikunja", "taskwarrior"] as const;

interface Checked {
  file: File;
  query: string;
  result: Imported;
  op_id: string;
}

const send = async (file: File, query: string): Promise<Imported> =>
  read<Imported>(await request(`/v1/import?${query}`, { method: "POST", body: file }));

interface LineError {
  line?: number;
  message?: string;
}

/** The lines at fault, which the server names. */
const linesOf = (error: unknown): LineError[] => {
  const context = error instanceof Refused ? (error.failure.context as { errors?: unknown } | undefined) : undefined;
  return Array.isArray(context?.errors) ? (context.errors as LineError[]).slice(0, 100) : [];
};

const Result = ({ result }: { result: Imported }) => {
  const made = Object.entries(result.made).filter(([, count]) => count > 0);
  return (
    <div role="status">
      <p>
        <strong>{T.workspace.wouldMake}</strong>{" "}
        {made.length ? made.map(([kind, n]) => T.workspace.made[kind as keyof Imported["made"]](n)).join(", ") : T.workspace.nothing}
        {result.skipped > 0 && ` · ${T.workspace.skipped(result.skipped)}`}
      </p>
      {result.lost.length > 0 && (
        <details>
          <summary>{T.workspace.lost(result.lost.length)}</summary>
          <ul class="lines">
            {result.lost.map(({ what, why, line }, i) => (
              <li key={i}>
                {line !== undefined && `${T.workspace.line(line)}: `}
                {what}: {why}
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
};

export const Imports = ({ workspace }: { workspace: string }) => {
  const [checked, setChecked] = useState<Checked>();
  const [lines, setLines] = useState<LineError[]>([]);
  const [format, setFormat] = useState<string>("json");
  const picked = useRef<HTMLFormElement | undefined>(undefined);

  const check = async ({ project }: Values, form: HTMLFormElement) => {
    setChecked(undefined);
    setLines([]);
    picked.current = form;
    const [file] = (form.elements.namedItem("file") as HTMLInputElement).files ?? [];
    if (!file) return;
    const query = new URLSearchParams({ workspace_id: workspace, format, ...(project && { project }) }).toString();
    try {
      setChecked({ file, query, result: await send(file, `${query}&dry_run=true`), op_id: newId() });
    } catch (error) {
      setLines(linesOf(error));
      throw error;
    }
  };
  const run = async () => {
    if (!checked) return;
    const { file, query, op_id } = checked;
    const { made } = await send(file, `${query}&op_id=${op_id}`);
    setChecked(undefined);
    if (picked.current) clear(picked.current, "file");
    tell(T.workspace.imported(T.workspace.made.tasks(made.tasks)));
  };

  return (
    <section>
      <h2>{T.workspace.importTitle}</h2>
      <p class="quiet-text">{T.workspace.importHint}</p>
      <Form submit={check} button={T.workspace.check} class="in-line" label={T.workspace.importTitle}>
        <Field name="file" label={T.workspace.file} type="file" required onChange={() => setChecked(undefined)} />
        <SelectField
          name="format"
          label={T.workspace.format}
          value={format}
          onChange={(event) => (setChecked(undefined), setFormat(event.currentTarget.value))}
        >
          {FORMATS.map((one) => (
            <option key={one} value={one}>
              {T.workspace.importFormats[one]}
            </option>
          ))}
        </SelectField>
        {["csv", "todoist", "taskwarrior"].includes(format) && (
          <Field name="project" label={T.workspace.importProject} hint={T.workspace.importProjectHint} maxLength={100} />
        )}
      </Form>
      {lines.length > 0 && (
        <ul class="lines">
          {lines.map(({ line, message }, i) => (
            <li key={i}>
              {line !== undefined && `${T.workspace.line(line)}: `}
              {message}
            </li>
          ))}
        </ul>
      )}
      {checked && (
        <div class="shown-once">
          <Result result={checked.result} />
          <Form submit={run} button={T.workspace.import} />
        </div>
      )}
    </section>
  );
};
