// A workspace as a file.

import { useState } from "preact/hooks";
import { reason } from "../../acting.js";
import { saveFile } from "../../save-file.js";
import { T } from "../../texts.js";
import { tell } from "../../toasts.js";

const FORMATS = ["json", "csv", "ics"] as const;

export const Exports = ({ workspace }: { workspace: string }) => {
  const [busy, setBusy] = useState<string>();
  const save = async (format: string) => {
    setBusy(format);
    await saveFile(`/v1/export?workspace_id=${workspace}&format=${format}`, `taskwire.${format}`).catch((error: unknown) =>
      tell(T.workspace.notExported(error instanceof TypeError ? T.form.noAnswer : reason(error)), { tone: "bad" }),
    );
    setBusy(undefined);
  };
  return (
    <section>
      <h2>{T.workspace.exportTitle}</h2>
      <p class="quiet-text">{T.workspace.exportHint}</p>
      <div class="actions">
        {FORMATS.map((format) => (
          <button type="button" key={format} aria-busy={busy === format} disabled={!!busy} onClick={() => void save(format)}>
            {T.workspace.formats[format]}
          </button>
        ))}
      </div>
    </section>
  );
};
