// One comment: who wrote it, when, what it says. Its author edits and deletes it.

import { useState } from "preact/hooks";
import { LIMITS, type Comment } from "../../../sdk/contract.js";
import type { Operation } from "../../../sdk/index.js";
import { useActing } from "../../acting.js";
import { useNow, useSession, useView } from "../../hooks.js";
import { Avatar } from "../../parts/avatar.js";
import { useDraft } from "../../parts/draft.js";
import { Icon } from "../../parts/icons.js";
import { Menu } from "../../parts/menu.js";
import { mayManage } from "../../tasks.js";
import { T } from "../../texts.js";
import { ago, fullTime } from "../../time.js";
import { useOpen } from "./context.js";
import { Contest } from "./contest.js";
import { MentionArea } from "./mention-area.js";
import { Rich } from "./rich.js";

interface Edit {
  text: string;
  base: string;
}

type Editing = readonly [edit: Edit | null, set: (edit: Edit) => void, clear: () => void];

const Editor = ({ comment, editing: [edit, set, clear] }: { comment: Comment; editing: Editing }) => {
  const { act } = useActing();
  if (!edit) return null;
  const { text, base } = edit;
  const isContested = comment.body !== base && comment.body !== text;
  const overwrite = () => {
    clear();
    if (text.trim() && text.trim() !== comment.body) act("comment.update", { id: comment.id, body: text.trim() });
  };
  const save = () => isContested || overwrite();
  return (
    <form class="composer" onSubmit={(event) => (event.preventDefault(), save())}>
      <MentionArea
        label={T.panel.editComment}
        value={text}
        set={(text) => set({ text, base })}
        submit={save}
        cancel={clear}
        maxLength={LIMITS.comment}
        focus
      />
      {isContested && <Contest by={undefined} theirs={comment.body} take={clear} keep={overwrite} />}
      <div class="actions">
        <button type="submit" class="primary" disabled={!text.trim() || isContested}>
          {T.save}
        </button>
        <button type="button" onClick={clear}>
          {T.cancel}
        </button>
      </div>
    </form>
  );
};

/** Asks once more: a comment does not come back. */
export const Sure = ({ question, yes, no }: { question: string; yes: () => void; no: () => void }) => (
  <div class="sure" role="group" aria-label={question}>
    <span>{question}</span>
    <span class="actions">
      <button type="button" class="bad" ref={(element) => element?.focus()} onClick={yes}>
        {T.panel.delete}
      </button>
      <button type="button" onClick={no}>
        {T.panel.keep}
      </button>
    </span>
  </div>
);

const When = ({ comment, op }: { comment: Comment; op: Operation | undefined }) => {
  const now = useNow();
  if (op && op.phase !== "saved") return <span class="saving">{T.panel.saving}</span>;
  const at = Date.parse(comment.created_at);
  return (
    <>
      <time dateTime={comment.created_at} title={fullTime(at)}>
        {ago(at, now)}
      </time>
      {comment.version > 1 && <span>{T.panel.edited}</span>}
    </>
  );
};

export const CommentItem = ({ comment, op }: { comment: Comment; op: Operation | undefined }) => {
  const { task, may } = useOpen();
  const { user: me } = useSession();
  const { act } = useActing();
  const manages = useView((view) => mayManage(view, task.workspace_id));
  const [isSure, ask] = useState(false);
  const editing = useDraft<Edit | null>(`comment of ${comment.id}`, null);
  const [edit, setEdit] = editing;
  const isOwn = comment.author.id === me;
  const choices = [
    ...(isOwn ? [{ label: T.panel.edit, run: () => setEdit({ text: comment.body, base: comment.body }) }] : []),
    ...(isOwn || manages ? [{ label: T.panel.delete, bad: true, run: () => ask(true) }] : []),
  ];
  return (
    <li class="comment">
      <Avatar user={comment.author} size={28} label={false} />
      <div class="comment-body">
        <div class="comment-head">
          <strong>{comment.author.name}</strong>
          <When comment={comment} op={op} />
          {may && !op && choices.length > 0 && (
            <Menu class="quiet icon-button" label={T.panel.commentActions(comment.author.name)} choices={choices}>
              <Icon name="more" size={16} />
            </Menu>
          )}
        </div>
        {edit && may ? <Editor comment={comment} editing={[edit, setEdit, editing[2]]} /> : <Rich text={comment.body} />}
        {isSure && (
          <Sure
            question={T.panel.deleteComment}
            yes={() => void act("comment.delete", { id: comment.id })}
            no={() => ask(false)}
          />
        )}
      </div>
    </li>
  );
};
