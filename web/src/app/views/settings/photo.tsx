// The person's photo: shown, uploaded, removed.

import { useRef, useState } from "preact/hooks";
import type { User } from "../../../sdk/contract.js";
import { reason } from "../../acting.js";
import { read } from "../../http.js";
import { Avatar } from "../../parts/avatar.js";
import { request } from "../../session.js";
import { T } from "../../texts.js";
import { tell } from "../../toasts.js";

const MOST = 5_000_000;
const TYPES = "image/jpeg,image/png,image/webp,image/gif";

export const Photo = ({ user }: { user: User }) => {
  const [busy, setBusy] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const send = async (init: RequestInit, said: string) => {
    setBusy(true);
    try {
      await read<User>(await request("/v1/profile/photo", init));
      tell(said);
    } catch (error) {
      tell(T.refused(error instanceof TypeError ? T.form.noAnswer : reason(error)), { tone: "bad" });
    }
    setBusy(false);
  };
  const upload = async (file: File | undefined) => {
    if (!file) return;
    if (file.size > MOST) tell(T.refused(T.settings.photoTooLarge), { tone: "bad" });
    else await send({ method: "PUT", body: file, headers: { "content-type": file.type } }, T.settings.photoSaved);
    if (input.current) input.current.value = "";
  };
  return (
    <div class="photo">
      <Avatar user={user} size={64} label={false} />
      <div>
        <div class="actions">
          <button type="button" aria-busy={busy} disabled={busy} onClick={() => input.current?.click()}>
            {user.photo_url ? T.settings.photoChange : T.settings.photoUpload}
          </button>
          {user.photo_url && (
            <button
              type="button"
              class="bad"
              disabled={busy}
              onClick={() => void send({ method: "DELETE" }, T.settings.photoRemoved)}
            >
              {T.settings.photoRemove}
            </button>
          )}
        </div>
        <p class="field-hint">{T.settings.photoHint}</p>
        <input
          ref={input}
          type="file"
          hidden
          accept={TYPES}
          aria-label={T.settings.photo}
          onChange={(event) => void upload(event.currentTarget.files?.[0])}
        />
      </div>
    </div>
  );
};
