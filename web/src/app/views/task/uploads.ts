// Files on their way to tasks. They go on when the panel closes; one is repeated without being doubled, by its `op_id`. Owns what
// is under way, shows nothing.

import { computed, signal } from "@preact/signals";
import { newId } from "../../../sdk/index.js";
import type { Attachment, Failure } from "../../../sdk/contract.js";
import { BASE } from "../../places.js";
import { accessToken } from "../../session.js";
import { T } from "../../texts.js";

export interface Upload {
  readonly id: string;
  readonly task: string;
  readonly file: File;
  readonly sent: number;
  readonly state: "waiting" | "sending" | "done" | "failed";
  readonly failed?: string;
  /** What the server made of it. */
  readonly attachment?: string;
}

/** The server takes four of an account. */
const AT_ONCE = 3;

export const uploads = signal<readonly Upload[]>([]);
const requests = new Map<string, XMLHttpRequest>();

const change = (id: string, fields: Partial<Upload>): void => {
  uploads.value = uploads.value.map((one) => (one.id === id ? { ...one, ...fields } : one));
};

const isUnderWay = computed(() => uploads.value.some(({ state }) => state === "waiting" || state === "sending"));
/** A page that goes away would break them off. */
const hold = (event: BeforeUnloadEvent): void => event.preventDefault();
isUnderWay.subscribe((is) => (is ? addEventListener : removeEventListener)("beforeunload", hold as EventListener));

const whyNot = (request: XMLHttpRequest): string => {
  try {
    return (JSON.parse(request.responseText) as { error: Failure }).error.message;
  } catch {
    return T.panel.uploadBroke;
  }
};

const post = ({ id, task, file }: Upload, token: string): Promise<XMLHttpRequest> =>
  new Promise((resolve) => {
    const request = new XMLHttpRequest();
    requests.set(id, request);
    request.open("POST", new URL(`v1/tasks/${task}/attachments?op_id=${id}`, BASE));
    request.setRequestHeader("authorization", `Bearer ${token}`);
    request.upload.onprogress = ({ loaded }) => change(id, { sent: Math.min(loaded, file.size) });
    request.onloadend = () => resolve(request);
    const form = new FormData();
    form.append("file", file, file.name);
    request.send(form);
  });

const send = async (upload: Upload): Promise<void> => {
  const { id } = upload;
  change(id, { state: "sending", sent: 0 });
  try {
    const token = await accessToken();
    let request = await post(upload, token);
    if (request.status === 401) request = await post(upload, await accessToken(token));
    if (request.status !== 201 && request.status !== 200) change(id, { state: "failed", failed: whyNot(request) });
    else change(id, { state: "done", sent: upload.file.size, attachment: (JSON.parse(request.responseText) as Attachment).id });
  } catch (error) {
    change(id, { state: "failed", failed: (error as Error).message });
  }
  requests.delete(id);
  pump();
};

const pump = (): void => {
  const room = AT_ONCE - uploads.value.filter(({ state }) => state === "sending").length;
  for (const upload of uploads.value.filter(({ state }) => state === "waiting").slice(0, Math.max(0, room))) void send(upload);
};

/** Uploads files to a task. */
export const upload = (task: string, files: Iterable<File>): void => {
  const made = [...files].map((file): Upload => ({ id: newId(), task, file, sent: 0, state: "waiting" }));
  uploads.value = [...uploads.value, ...made];
  pump();
};

/** Breaks an upload off, or forgets one that is over. */
export const forget = (id: string): void => {
  uploads.value = uploads.value.filter((one) => one.id !== id);
  requests.get(id)?.abort();
};

export const again = (id: string): void => {
  change(id, { state: "waiting" });
  pump();
};
