// What somebody sees who is not signed in: signing in and up, and the pages to which links of mails and of the server lead. Owns
// which of them is shown.

import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { place, type Door } from "../../places.js";
import { T } from "../../texts.js";
import { Card } from "./card.js";
import { FirstAdmin } from "./first-admin.js";
import { notice } from "./onward.js";
import { Forgot, Reset } from "./reset.js";
import { SignIn } from "./sign-in.js";
import { SignUp } from "./sign-up.js";
import { Verify } from "./verify.js";

const PAGES: Record<Door, ComponentType> = {
  login: SignIn,
  join: SignIn,
  signup: SignUp,
  forgot: Forgot,
  "reset-password": Reset,
  "verify-email": Verify,
  "first-admin": FirstAdmin,
};

export default function Entrance({ reason }: { reason?: string | undefined }) {
  const { scene } = place.value;
  const door = scene.at === "entry" ? scene.door : "login";
  const Page = PAGES[door];
  const title = T.entry.titles[door];
  useEffect(() => {
    document.title = T.frame.title(title);
  }, [title]);
  const said = door === "login" ? (notice.value ?? (reason && T.entry.ended(reason))) : undefined;
  return (
    <Card title={title}>
      <p class="entry-notice" role="status">
        {said}
      </p>
      <Page key={door} />
    </Card>
  );
}
