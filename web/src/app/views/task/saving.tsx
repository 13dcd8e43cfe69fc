// Says of a field whether what the person did there is saved, waits, or was refused. Knows no field's inside.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Operation } from "../../../sdk/index.js";
import { useSession, useView } from "../../hooks.js";
import { T } from "../../texts.js";
import { useOpen } from "./context.js";

/** The fields that operations without a name for them change. */
const IMPLIED: Record<string, readonly string[]> = { "task.assign": ["assignee_ids"], "task.complete": ["completed", "stage"] };

const concerns = (op: Operation, task: string, fields: readonly string[]): boolean => {
  if (op.data["id"] !== task || !op.name.startsWith("task.") || op.name === "task.create") return false;
  const implied = IMPLIED[op.name] ?? [];
  return fields.some((field) => field in op.data || implied.includes(field));
};

/** So long it is said that something is saved. */
const SAID = 2_000;

/** Whether something of the field was saved just now. */
const useJustSaved = (pending: boolean, refused: boolean): boolean => {
  const before = useRef(pending);
  const [saved, set] = useState(false);
  useEffect(() => {
    const was = before.current;
    before.current = pending;
    if (!was || pending || refused) return;
    set(true);
    const timer = setTimeout(() => set(false), SAID);
    return () => clearTimeout(timer);
  }, [pending, refused]);
  return saved && !pending;
};

interface Props {
  fields: readonly string[];
  /** Puts the text of a refused change back where it can be mended. */
  mend?: ((op: Operation) => void) | undefined;
}

export const Saving = ({ fields, mend }: Props) => {
  const { task } = useOpen();
  const { store } = useSession();
  const ops = useView((view) => view.operations.filter((op) => concerns(op, task.id, fields)));
  const online = useView((view) => view.connection?.kind === "online");
  const refused = ops.filter(({ phase }) => phase === "refused");
  const pending = ops.length > refused.length;
  const saved = useJustSaved(pending, refused.length > 0);
  return (
    <>
      {pending && <span class="saving">{online ? T.panel.saving : T.panel.waits}</span>}
      {saved && !refused.length && <span class="saving saved">{T.panel.saved}</span>}
      {refused.map((op) => (
        <div class="refused" role="alert" key={op.op_id}>
          <span>{T.refused(op.failure?.message ?? "")}</span>
          <span class="actions">
            {mend && (
              <button type="button" onClick={() => (mend(op), store.drop(op.op_id))}>
                {T.panel.mend}
              </button>
            )}
            <button type="button" onClick={() => store.retry(op.op_id)}>
              {T.retry}
            </button>
            <button type="button" class="quiet" onClick={() => store.drop(op.op_id)}>
              {T.drop}
            </button>
          </span>
        </div>
      ))}
    </>
  );
};
