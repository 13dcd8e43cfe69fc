// What a line was understood to say, as chips. A chip that is pressed is text again.

import { useNow, useView } from "../../hooks.js";
import { Icon, type IconName } from "../../parts/icons.js";
import type { Line, Part } from "../../quick-add/line.js";
import { T } from "../../texts.js";
import { dueText } from "../../time.js";
import { inWords } from "../task/repeat.js";

const ICONS: Record<Part["is"], IconName> = {
  due: "calendar",
  every: "repeat",
  priority: "flag",
  project: "list",
  tag: "tag",
  person: "user",
};

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

interface Props {
  text: string;
  line: Line;
  workspace: string;
  takeBack: (part: Part) => void;
}

/** The words of the line that a part has. */
const saidBy = ({ ranges }: Part, text: string): string => ranges.map(({ from, to }) => text.slice(from, to)).join(" … ");

/** How often, in words: those of the line where there are no better ones. */
const ruleWords = (rule: string, part: Part, text: string): string => {
  const words = inWords(rule);
  return capital(words === rule ? saidBy(part, text) : words);
};

/** What parts say, for people. */
const useLabels = ({ text, line, workspace }: Props): ((part: Part) => string) => {
  const now = useNow();
  const members = useView((view) => view.workspaces.get(workspace)?.members);
  const { due, every } = line;
  const when = due ? dueText({ due_at: new Date(due.at).toISOString(), all_day: due.allDay }, now) : "";
  const saysDue = line.parts.some(({ is }) => is === "due");
  const nameOf = (username: string) =>
    [...(members ?? [])].find(({ user }) => user.username === username)?.user.name ?? T.quickAdd.me;
  return (part) => {
    switch (part.is) {
      case "due":
        return T.quickAdd.due(when);
      case "every": {
        const rule = ruleWords(every!, part, text);
        return saysDue || !due ? rule : T.quickAdd.first(rule, when);
      }
      case "priority":
        return T.priorities[part.name]!;
      case "project":
        return T.quickAdd.project(part.name);
      case "tag":
        return T.quickAdd.tag(part.name);
      case "person":
        return nameOf(part.name);
    }
  };
};

export const Chip = ({ icon, label, says, remove, kind }: { icon: IconName; label: string; says: string; remove: () => void; kind: string }) => (
  <li>
    <button
      type="button"
      class={`quick-chip is-${kind}`}
      aria-label={says}
      title={says}
      onClick={remove}
      onKeyDown={(event) => {
        if (event.key !== "Backspace" && event.key !== "Delete") return;
        event.preventDefault();
        remove();
      }}
    >
      <Icon name={icon} size={15} />
      <span class="nav-label">{label}</span>
      <Icon name="close" size={13} />
    </button>
  </li>
);

export const Chips = (props: Props) => {
  const { text, line, takeBack } = props;
  const labelOf = useLabels(props);
  return (
    <>
      {line.parts.map((part) => {
        const label = labelOf(part);
        return (
          <Chip
            key={`${part.is} ${part.ranges[0]!.from}`}
            kind={part.is}
            icon={ICONS[part.is]}
            label={label}
            says={T.quickAdd.asText(label, saidBy(part, text))}
            remove={() => takeBack(part)}
          />
        );
      })}
    </>
  );
};
