// The tags of the task: those that the workspace has, and new ones.

import { LIMITS } from "../../../sdk/contract.js";
import { useActing } from "../../acting.js";
import { useView } from "../../hooks.js";
import { Combobox, type Option } from "../../parts/completion.js";
import { Icon } from "../../parts/icons.js";
import { T } from "../../texts.js";
import { useOpen } from "./context.js";
import { Row } from "./row.js";

const MOST = 8;
const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

const Tag = ({ name }: { name: string }) => {
  const { task, may } = useOpen();
  const { act } = useActing();
  const color = useView((view) => {
    for (const tag of view.workspaces.get(task.workspace_id)?.tags ?? []) if (same(tag.name, name)) return tag.color;
    return undefined;
  });
  const remove = () => act("task.update", { id: task.id, tags: task.tags.filter((other) => other !== name) });
  return (
    <li class="chip">
      {color && <span class="dot" style={{ background: color }} />}
      <span>{name}</span>
      {may && (
        <button type="button" class="quiet chip-remove" aria-label={T.panel.removeTag(name)} onClick={remove}>
          <Icon name="close" size={14} />
        </button>
      )}
    </li>
  );
};

export const Tags = () => {
  const { task, may } = useOpen();
  const { act } = useActing();
  const tags = useView((view) => view.workspaces.get(task.workspace_id)?.tags);
  const add = (name: string) => act("task.update", { id: task.id, tags: [...task.tags, name] });
  const find = (text: string): Option[] => {
    const sought = text.replace(/^#/, "");
    const free = [...(tags ?? [])].filter(({ name }) => !task.tags.some((held) => same(held, name)));
    const found = free
      .filter(({ name }) => name.toLowerCase().includes(sought.toLowerCase()))
      .sort((a, b) => a.name.localeCompare(b.name))
      .slice(0, MOST)
      .map(({ name, color }) => ({
        key: name,
        content: (
          <>
            <span class="dot" style={color ? { background: color } : undefined} />
            <span>{name}</span>
          </>
        ),
        run: () => void add(name),
      }));
    const isKnown = !sought || [...(tags ?? [])].some(({ name }) => same(name, sought)) || task.tags.some((held) => same(held, sought));
    const made = { key: "\0new", content: T.panel.newTag(sought), run: () => void add(sought) };
    return isKnown ? found : [...found, made];
  };
  return (
    <Row label={T.panel.tags} icon="tag" fields={["tags"]}>
      <ul class="chips">
        {task.tags.map((name) => (
          <Tag key={name} name={name} />
        ))}
        {may && task.tags.length < LIMITS.tags && (
          <li class="chip-field">
            <Combobox label={T.panel.addTag} find={find} none={T.panel.tagIsThere} maxLength={LIMITS.tag} />
          </li>
        )}
      </ul>
    </Row>
  );
};
