// What people wrote about the task, and where the person writes. Knows no files.

import { LIMITS, type Comment } from "../../../sdk/contract.js";
import type { Operation } from "../../../sdk/index.js";
import { useActing } from "../../acting.js";
import { useSession, useView } from "../../hooks.js";
import { useDraft } from "../../parts/draft.js";
import { T } from "../../texts.js";
import { CommentItem } from "./comment.js";
import { useOpen } from "./context.js";
import type { Loading } from "./details.js";
import { MentionArea } from "./mention-area.js";
import { useTellsWriting, useWriters } from "./presence.js";

/** Says who is writing. It is a live region, so it stays in the page. */
const Writers = () => {
  const { task } = useOpen();
  const names = useWriters(task.id).map(({ name }) => name);
  return (
    <p class="writers" role="status" aria-live="polite">
      {names.length > 0 && T.panel.writing(names)}
    </p>
  );
};

/** What the person wrote and the server has not, or did not take. */
const useOwn = (task: string): readonly Operation[] =>
  useView((view) => view.operations.filter(({ name, data }) => name === "comment.create" && data["task_id"] === task));

const Refused = ({ op, mend }: { op: Operation; mend: (text: string) => void }) => {
  const { store } = useSession();
  const body = String(op.data["body"]);
  return (
    <li class="refused" role="alert">
      <p class="plain">{body}</p>
      <span>{T.refused(op.failure?.message ?? "")}</span>
      <span class="actions">
        <button type="button" onClick={() => (mend(body), store.drop(op.op_id))}>
          {T.panel.mend}
        </button>
        <button type="button" onClick={() => store.retry(op.op_id)}>
          {T.retry}
        </button>
        <button type="button" class="quiet" onClick={() => store.drop(op.op_id)}>
          {T.drop}
        </button>
      </span>
    </li>
  );
};

/** A comment that waits where comments are not there yet. */
const Waiting = ({ op }: { op: Operation }) => (
  <li class="comment waits">
    <p class="plain">{String(op.data["body"])}</p>
    <span class="saving">{T.panel.waits}</span>
  </li>
);

const Composer = ({ text, set, clear }: { text: string; set: (text: string) => void; clear: () => void }) => {
  const { task } = useOpen();
  const { act } = useActing();
  const tellWriting = useTellsWriting(task.id);
  const send = () => {
    if (!text.trim()) return;
    act("comment.create", { task_id: task.id, body: text.trim() });
    clear();
  };
  return (
    <form class="composer" onSubmit={(event) => (event.preventDefault(), send())}>
      <MentionArea
        label={T.panel.writeComment}
        placeholder={T.panel.commentHint}
        value={text}
        set={(text) => (set(text), tellWriting())}
        submit={send}
        maxLength={LIMITS.comment}
      />
      <button type="submit" class="primary" disabled={!text.trim()}>
        {T.panel.comment}
      </button>
    </form>
  );
};

export const Comments = ({ loading: { details, online, failed, again } }: { loading: Loading }) => {
  const { task, may } = useOpen();
  const [text, set, clear] = useDraft(`comment ${task.id}`, "");
  const own = useOwn(task.id);
  const comments: readonly Comment[] = details?.comments ?? [];
  const pending = own.filter(({ phase, op_id }) => phase !== "refused" && !details && !comments.some(({ id }) => id === op_id));
  return (
    <section class="panel-section" aria-labelledby="panel-comments">
      <h3 id="panel-comments">
        {T.panel.comments}
        {task.comment_count > 0 && <span class="count">{task.comment_count}</span>}
      </h3>
      {failed && (
        <p class="field-error" role="alert">
          {T.failed(failed)}{" "}
          <button type="button" onClick={again}>
            {T.retry}
          </button>
        </p>
      )}
      {!details?.complete && !failed && task.comment_count > 0 && (
        <p class="quiet-text">{online ? T.loading : T.panel.needsConnection}</p>
      )}
      <ol class="comments">
        {comments.map((comment) => (
          <CommentItem key={comment.id} comment={comment} op={own.find(({ op_id }) => op_id === comment.id)} />
        ))}
        {pending.map((op) => (
          <Waiting key={op.op_id} op={op} />
        ))}
        {own
          .filter(({ phase }) => phase === "refused")
          .map((op) => (
            <Refused key={op.op_id} op={op} mend={(body) => set(text ? `${text}\n${body}` : body)} />
          ))}
      </ol>
      <Writers />
      {may && <Composer text={text} set={set} clear={clear} />}
    </section>
  );
};
