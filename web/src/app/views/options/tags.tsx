// The tags of a workspace: names, colours, two that become one, end. A tag with the name of another one becomes one with it: that is
// asked first.

import { useMemo, useState } from "preact/hooks";
import type { Tag } from "../../../sdk/contract.js";
import { useActing } from "../../acting.js";
import { useView } from "../../hooks.js";
import { ColorMenu } from "../../parts/color.js";
import { Confirm } from "../../parts/confirm.js";
import { Dialog } from "../../parts/dialog.js";
import { clear, Field, Form, SelectField, type Values } from "../../parts/form.js";
import { Icon } from "../../parts/icons.js";
import { InlineText } from "../../parts/inline-text.js";
import { Menu } from "../../parts/menu.js";
import { mayWrite } from "../../tasks.js";
import { T } from "../../texts.js";

type Asked = { what: "delete" | "choose"; tag: Tag } | { what: "merge"; tag: Tag; into: Tag };

const fold = (name: string): string => name.trim().toLowerCase();

/** How many tasks carry each tag, by its name. */
const useCounts = (workspace: string): ReadonlyMap<string, number> => {
  const tasks = useView((view) => view.workspaces.get(workspace)?.tasks);
  return useMemo(() => {
    const counts = new Map<string, number>();
    for (const { tags, is_deleted } of tasks ?? [])
      if (!is_deleted) for (const tag of tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
    return counts;
  }, [tasks]);
};

const Choose = ({ tag, tags, choose, close }: { tag: Tag; tags: readonly Tag[]; choose: (into: Tag) => void; close: () => void }) => (
  <Dialog title={T.workspace.mergeTag(tag.name)} close={close}>
    <Form
      button={T.workspace.merge}
      submit={({ into }) => {
        const found = tags.find(({ id }) => id === into);
        if (found) choose(found);
      }}
      beside={
        <button type="button" onClick={close}>
          {T.cancel}
        </button>
      }
    >
      <p>{T.workspace.mergeText(tag.name)}</p>
      <SelectField name="into" label={T.workspace.mergeInto}>
        {tags
          .filter(({ id }) => id !== tag.id)
          .map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
      </SelectField>
    </Form>
  </Dialog>
);

const Questions = ({ asked, tags, close }: { asked: Asked; tags: readonly Tag[]; close: () => void }) => {
  const { act } = useActing();
  const { tag } = asked;
  const merge = (into: Tag) => void act("tag.update", { id: tag.id, name: into.name });
  if (asked.what === "choose") return <Choose tag={tag} tags={tags} choose={(into) => (merge(into), close())} close={close} />;
  if (asked.what === "merge")
    return (
      <Confirm title={T.workspace.mergeTag(tag.name)} button={T.workspace.merge} close={close} run={() => merge(asked.into)}>
        <p>{T.workspace.mergeWith(tag.name, asked.into.name)}</p>
      </Confirm>
    );
  return (
    <Confirm
      title={T.workspace.deleteTag(tag.name)}
      button={T.workspace.delete}
      close={close}
      run={() => void act("tag.delete", { id: tag.id })}
    >
      <p>{T.workspace.deleteTagText}</p>
    </Confirm>
  );
};

const Row = ({ tag, tags, count, may, ask }: { tag: Tag; tags: readonly Tag[]; count: number; may: boolean; ask: (asked: Asked) => void }) => {
  const { act } = useActing();
  const { id, name, color } = tag;
  const rename = (next: string) => {
    const into = tags.find((other) => other.id !== id && fold(other.name) === fold(next));
    if (into) ask({ what: "merge", tag, into });
    else act("tag.update", { id, name: next }, T.workspace.renamed(next));
  };
  return (
    <li>
      <ColorMenu
        label={T.workspace.colorOf(name)}
        color={color}
        set={(color) => act("tag.update", { id, color }, T.workspace.colored(name))}
        disabled={!may}
      />
      <InlineText label={T.workspace.nameOf(name)} value={name} save={rename} maxLength={50} disabled={!may} />
      <span class="quiet-text number">{T.workspace.tasks(count)}</span>
      {may && (
        <Menu
          label={T.workspace.moreOf(name)}
          class="quiet icon-button"
          choices={[
            ...(tags.length > 1 ? [{ label: T.workspace.mergeMenu, run: () => ask({ what: "choose", tag }) }] : []),
            { label: T.workspace.delete, bad: true, run: () => ask({ what: "delete", tag }) },
          ]}
        >
          <Icon name="more" />
        </Menu>
      )}
    </li>
  );
};

export const Tags = ({ workspace }: { workspace: string }) => {
  const { act } = useActing();
  const [asked, ask] = useState<Asked>();
  const may = useView((view) => mayWrite(view, workspace));
  const table = useView((view) => view.workspaces.get(workspace)?.tags);
  const tags = useMemo(() => [...(table ?? [])].sort((a, b) => a.name.localeCompare(b.name)), [table]);
  const counts = useCounts(workspace);
  const add = ({ tag = "" }: Values, form: HTMLFormElement) => {
    act("tag.create", { workspace_id: workspace, name: tag.trim() }, T.workspace.tagMade(tag.trim()));
    clear(form, "tag");
  };
  return (
    <section>
      <h2>{T.workspace.tags}</h2>
      {tags.length === 0 && <p class="quiet-text">{T.workspace.noTags}</p>}
      <ul class="edit-list">
        {tags.map((tag) => (
          <Row key={tag.id} tag={tag} tags={tags} count={counts.get(tag.name) ?? 0} may={may} ask={ask} />
        ))}
      </ul>
      {may && (
        <Form submit={add} button={T.workspace.addTag} class="in-line" label={T.workspace.addTag} draft={`tag ${workspace}`}>
          <Field name="tag" label={T.workspace.newTag} maxLength={50} pattern=".*\S.*" required autocomplete="off" />
        </Form>
      )}
      {asked && <Questions asked={asked} tags={tags} close={() => ask(undefined)} />}
    </section>
  );
};
