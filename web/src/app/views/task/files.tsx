// The files of the task: listed, added by choosing, dropping or pasting, downloaded, deleted.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Attachment, Failure } from "../../../sdk/contract.js";
import { reason, useActing } from "../../acting.js";
import { useSession, useView } from "../../hooks.js";
import { Icon } from "../../parts/icons.js";
import { request } from "../../session.js";
import { mayManage } from "../../tasks.js";
import { T } from "../../texts.js";
import { tell } from "../../toasts.js";
import { Sure } from "./comment.js";
import { useOpen } from "./context.js";
import type { Loading } from "./details.js";
import { again, forget, upload, uploads, type Upload } from "./uploads.js";

const UNITS = ["byte", "kilobyte", "megabyte"] as const;

/** A number of bytes, short. */
const sizeOf = (bytes: number): string => {
  const step = bytes < 1000 ? 0 : bytes < 1_000_000 ? 1 : 2;
  const format = { style: "unit", unit: UNITS[step], unitDisplay: step ? "short" : "long", maximumFractionDigits: step && 1 } as const;
  return new Intl.NumberFormat(undefined, format).format(bytes / 1000 ** step);
};

/** Gets a file and hands it to the browser's downloads. */
const download = async ({ id, name }: Attachment): Promise<void> => {
  const answer = await request(`/v1/attachments/${id}`);
  if (!answer.ok) throw new Error(((await answer.json()) as { error: Failure }).error.message);
  const url = URL.createObjectURL(await answer.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
};

const FileItem = ({ file }: { file: Attachment }) => {
  const { task, may } = useOpen();
  const { user: me } = useSession();
  const { act } = useActing();
  const manages = useView((view) => mayManage(view, task.workspace_id));
  const removing = useView((view) => view.operations.some(({ name, data, phase }) => name === "attachment.delete" && data["id"] === file.id && phase !== "refused"));
  const [isSure, ask] = useState(false);
  const [busy, setBusy] = useState(false);
  const get = () => {
    setBusy(true);
    download(file)
      .catch((error: unknown) => tell(T.panel.notDownloaded(file.name, reason(error)), { tone: "bad" }))
      .finally(() => setBusy(false));
  };
  return (
    <li class={removing ? "file leaving" : "file"}>
      <Icon name="file" size={16} />
      <button type="button" class="quiet file-name" disabled={busy} aria-label={T.panel.download(file.name)} onClick={get}>
        {file.name}
      </button>
      <span class="quiet-text small">{busy ? T.panel.downloading : sizeOf(file.size)}</span>
      {may && !removing && (file.created_by === me || manages) && (
        <button type="button" class="quiet icon-button" aria-label={T.panel.deleteFile(file.name)} onClick={() => ask(true)}>
          <Icon name="trash" size={16} />
        </button>
      )}
      {isSure && !removing && (
        <Sure
          question={T.panel.deleteThisFile(file.name)}
          yes={() => (ask(false), void act("attachment.delete", { id: file.id }))}
          no={() => ask(false)}
        />
      )}
    </li>
  );
};

const UploadItem = ({ one: { id, file, sent, state, failed } }: { one: Upload }) => (
  <li class="file">
    <Icon name="file" size={16} />
    <span class="file-name">{file.name}</span>
    {state === "failed" ? (
      <>
        <span class="field-error" role="alert">
          {T.panel.notUploaded(failed ?? "")}
        </span>
        <button type="button" onClick={() => again(id)}>
          {T.retry}
        </button>
      </>
    ) : (
      <progress aria-label={T.panel.uploading(file.name)} max={file.size || 1} value={state === "waiting" ? 0 : file.size ? sent : 1} />
    )}
    <button
      type="button"
      class="quiet icon-button"
      aria-label={state === "failed" ? T.panel.forgetUpload(file.name) : T.panel.cancelUpload(file.name)}
      onClick={() => forget(id)}
    >
      <Icon name="close" size={16} />
    </button>
  </li>
);

/** Uploads of a task that are not among its files yet. */
const useUploads = (task: string, files: readonly Attachment[], complete: boolean): readonly Upload[] => {
  const own = uploads.value.filter((one) => one.task === task);
  const isOver = ({ state, attachment }: Upload) => state === "done" && (!complete || files.some(({ id }) => id === attachment));
  const over = own.filter(isOver);
  useEffect(() => {
    for (const { id } of over) forget(id);
  }, [over.length]);
  return own.filter((one) => !isOver(one));
};

export const Files = ({ loading: { details, online } }: { loading: Loading }) => {
  const { task, may } = useOpen();
  const input = useRef<HTMLInputElement>(null);
  const files = details?.attachments ?? [];
  const underWay = useUploads(task.id, files, !!details?.complete);
  if (!may && !files.length && !task.attachment_count) return null;
  return (
    <section class="panel-section" aria-labelledby="panel-files">
      <h3 id="panel-files">
        {T.panel.files}
        {task.attachment_count > 0 && <span class="count">{task.attachment_count}</span>}
        {may && (
          <button type="button" class="quiet" onClick={() => input.current?.click()}>
            <Icon name="clip" size={15} />
            {T.panel.addFiles}
          </button>
        )}
      </h3>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={T.panel.addFiles}
        onChange={({ currentTarget }) => {
          upload(task.id, currentTarget.files ?? []);
          currentTarget.value = "";
        }}
      />
      {!details?.complete && task.attachment_count > 0 && (
        <p class="quiet-text">{online ? T.loading : T.panel.needsConnection}</p>
      )}
      {(files.length > 0 || underWay.length > 0) && (
        <ul class="files">
          {files.map((file) => (
            <FileItem key={file.id} file={file} />
          ))}
          {underWay.map((one) => (
            <UploadItem key={one.id} one={one} />
          ))}
        </ul>
      )}
    </section>
  );
};

const carriesFiles = (data: DataTransfer | null): boolean => !!data?.types.includes("Files");

/** Files that are dropped on an element or pasted into it go to the task. Whether some are just over it. */
export const useDropping = (task: string, may: boolean) => {
  const [over, setOver] = useState(false);
  const depth = useRef(0);
  const enter = (by: number) => (event: DragEvent) => {
    if (!may || !carriesFiles(event.dataTransfer)) return;
    depth.current = Math.max(0, depth.current + by);
    setOver(depth.current > 0);
  };
  return {
    over,
    handlers: {
      onDragEnter: enter(1),
      onDragLeave: enter(-1),
      onDragOver(event: DragEvent) {
        if (may && carriesFiles(event.dataTransfer)) event.preventDefault();
      },
      onDrop(event: DragEvent) {
        depth.current = 0;
        setOver(false);
        if (!may || !carriesFiles(event.dataTransfer)) return;
        event.preventDefault();
        upload(task, event.dataTransfer!.files);
      },
      onPaste(event: ClipboardEvent) {
        const files = event.clipboardData?.files;
        if (!may || !files?.length) return;
        event.preventDefault();
        upload(task, files);
      },
    },
  };
};
