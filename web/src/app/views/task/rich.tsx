// A text that people wrote, as Markdown, with the members that it names marked. Until the part that reads Markdown is there it is
// shown as it was written.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { PublicUser } from "../../../sdk/contract.js";
import { useSession } from "../../hooks.js";
import type { DrawText } from "./markdown.js";
import { useMembers } from "./people.js";

type Part = ComponentType<{ text: string; draw: DrawText }>;
let held: Part | undefined;

const usePart = (): Part | undefined => {
  const [part, set] = useState<Part | undefined>(() => held);
  useEffect(() => {
    if (part) return;
    let isCurrent = true;
    import("./markdown.js").then(
      ({ Markdown }) => {
        held = Markdown;
        if (isCurrent) set(() => Markdown);
      },
      () => {},
    );
    return () => void (isCurrent = false);
  }, [part]);
  return part;
};

/** Marks `@username` of members. */
const naming =
  (members: readonly PublicUser[], me: string): DrawText =>
  (text) =>
    text.split(/(@[\p{L}\p{N}_.-]+)/u).map((piece, i) => {
      if (i % 2 === 0) return piece;
      // A full stop behind a name ends a sentence.
      const name = piece.slice(1).replace(/[.-]+$/, "");
      const user = members.find(({ username }) => username.toLowerCase() === name.toLowerCase());
      if (!user) return piece;
      return [
        <span key={i} class={user.id === me ? "mention me" : "mention"} title={user.name}>
          @{name}
        </span>,
        piece.slice(1 + name.length),
      ];
    });

export const Rich = ({ text }: { text: string }) => {
  const Markdown = usePart();
  const { user } = useSession();
  const members = useMembers();
  return (
    <div class="rich">{Markdown ? <Markdown text={text} draw={naming(members, user)} /> : <p class="plain">{text}</p>}</div>
  );
};
