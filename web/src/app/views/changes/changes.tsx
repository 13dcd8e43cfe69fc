// The list of changes that the server does not have: those that it refused, with the reason, to be tried again or discarded, and
// those that wait.

import { useLayoutEffect, useRef } from "preact/hooks";
import type { Operation } from "../../../sdk/index.js";
import { inWords } from "../../changes/words.js";
import { useNow, useSession, useView } from "../../hooks.js";
import { Dialog } from "../../parts/dialog.js";
import { T } from "../../texts.js";
import { ago } from "../../time.js";
import { tell } from "../../toasts.js";

/** So many are shown of a kind. */
const MOST = 100;

const useWords = (): ((op: Operation) => string) => {
  const { store } = useSession();
  const now = useNow();
  return (op) => inWords(op, store.server(), store.state.operations, now);
};

const Refused = ({ op }: { op: Operation }) => {
  const { store } = useSession();
  const now = useNow();
  const words = useWords()(op);
  const drop = () => {
    store.drop(op.op_id);
    tell(T.connection.dropped(words));
  };
  return (
    <li class="change">
      <div class="change-text">
        <p>{words}</p>
        <p class="change-why">{T.connection.refusedBecause(op.failure?.message ?? "")}</p>
        <p class="quiet-text">{T.connection.did(ago(Date.parse(op.created_at), now))}</p>
      </div>
      <div class="actions">
        <button type="button" aria-label={T.connection.retryThis(words)} onClick={() => store.retry(op.op_id)}>
          {T.retry}
        </button>
        <button type="button" class="quiet bad" aria-label={T.connection.dropThis(words)} onClick={drop}>
          {T.drop}
        </button>
      </div>
    </li>
  );
};

const Waiting = ({ op }: { op: Operation }) => {
  const now = useNow();
  const words = useWords()(op);
  return (
    <li class="change">
      <p class="change-text">{words}</p>
      <p class="quiet-text">{T.connection.phase(T.connection.phases[op.phase], ago(Date.parse(op.created_at), now))}</p>
    </li>
  );
};

const More = ({ of }: { of: readonly unknown[] }) =>
  of.length > MOST ? <li class="change quiet-text">{T.connection.more(of.length - MOST)}</li> : null;

export default function Changes({ close }: { close: () => void }) {
  const { store } = useSession();
  const root = useRef<HTMLDivElement>(null);
  const refused = useView((view) => view.operations.filter(({ phase }) => phase === "refused"));
  const waiting = useView((view) => view.operations.filter(({ phase }) => phase !== "refused" && phase !== "saved"));
  // A button goes with its change: the focus stays in the list.
  useLayoutEffect(() => {
    const { activeElement } = document;
    if (!activeElement || activeElement === document.body) root.current?.focus();
  }, [refused, waiting]);
  return (
    <Dialog title={T.connection.changes} close={close} wide>
      <div class="changes" ref={root} tabIndex={-1}>
        {!refused.length && !waiting.length && (
          <div class="empty">
            <p>{T.connection.saved}</p>
            <p>{T.connection.savedHint}</p>
          </div>
        )}
        {refused.length > 0 && (
          <section>
            <div class="changes-head">
              <h3>{T.connection.refusedHead}</h3>
              <button type="button" onClick={() => store.retry()}>
                {T.connection.retryAll}
              </button>
              <button type="button" class="quiet bad" onClick={() => store.drop()}>
                {T.connection.dropAll}
              </button>
            </div>
            <ul>
              {refused.slice(0, MOST).map((op) => (
                <Refused key={op.op_id} op={op} />
              ))}
              <More of={refused} />
            </ul>
          </section>
        )}
        {waiting.length > 0 && (
          <section>
            <h3>{T.connection.waitingHead}</h3>
            <ul>
              {waiting.slice(0, MOST).map((op) => (
                <Waiting key={op.op_id} op={op} />
              ))}
              <More of={waiting} />
            </ul>
          </section>
        )}
      </div>
    </Dialog>
  );
}
