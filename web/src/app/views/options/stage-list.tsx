// The stages of a workspace: their names, meaning, colours and order. Each change is shown at once.

import { useState } from "preact/hooks";
import type { DefineStage, Stage, StageKind } from "../../../sdk/contract.js";
import { useActing } from "../../acting.js";
import { useView } from "../../hooks.js";
import { ColorMenu } from "../../parts/color.js";
import { Confirm } from "../../parts/confirm.js";
import { clear, Field, Form, SelectField, type Values } from "../../parts/form.js";
import { Icon } from "../../parts/icons.js";
import { InlineText } from "../../parts/inline-text.js";
import { mayManage } from "../../tasks.js";
import { T } from "../../texts.js";
import { MoveButtons } from "./move-buttons.js";
import { added, changed, heir, KINDS, mayBe, mayRemove, MOST, moved } from "./stages.js";

type Set = (stages: DefineStage[], said: string) => void;

interface RowProps {
  stage: Stage;
  stages: readonly Stage[];
  set: Set;
  may: boolean;
  remove: () => void;
}

const Row = ({ stage, stages, set, may, remove }: RowProps) => {
  const { key, name, kind, color } = stage;
  const at = stages.indexOf(stage);
  const change = (fields: Partial<DefineStage>) => set(changed(stages, key, fields), T.workspace.stageChanged(name));
  return (
    <li class="many">
      <ColorMenu label={T.workspace.colorOf(name)} color={color} set={(color) => change({ color })} disabled={!may} />
      <InlineText label={T.workspace.nameOf(name)} value={name} save={(name) => change({ name })} maxLength={50} disabled={!may} />
      <select
        aria-label={T.workspace.kindOf(name)}
        value={kind}
        disabled={!may}
        onChange={(event) => change({ kind: event.currentTarget.value as StageKind })}
      >
        {KINDS.map((one) => (
          <option key={one} value={one} selected={one === kind} disabled={!mayBe(stages, key, one)}>
            {T.workspace.kinds[one]}
          </option>
        ))}
      </select>
      {may && (
        <>
          <MoveButtons
            name={name}
            up={at > 0 && (() => set(moved(stages, key, -1), T.workspace.moved(name)))}
            down={at < stages.length - 1 && (() => set(moved(stages, key, 1), T.workspace.moved(name)))}
          />
          <button
            type="button"
            class="quiet icon-button"
            aria-label={T.workspace.deleteOf(name)}
            disabled={!mayRemove(stages, key)}
            title={mayRemove(stages, key) ? undefined : T.workspace.lastOfKind}
            onClick={remove}
          >
            <Icon name="trash" />
          </button>
        </>
      )}
    </li>
  );
};

export const Stages = ({ workspace }: { workspace: string }) => {
  const { act } = useActing();
  const [removed, remove] = useState<Stage>();
  const stages = useView((view) => view.workspaces.get(workspace)?.workspace.stages ?? []);
  const may = useView((view) => mayManage(view, workspace));
  const inIt = useView((view) => {
    if (!removed) return 0;
    let count = 0;
    for (const { stage, is_deleted } of view.workspaces.get(workspace)?.tasks ?? []) if (stage === removed.key && !is_deleted) count++;
    return count;
  });
  const set: Set = (stages, said) => void act("workspace.update", { workspace_id: workspace, stages }, said);
  const add = ({ name = "", kind }: Values, form: HTMLFormElement) => {
    set(added(stages, name.trim(), kind as StageKind), T.workspace.stageAdded(name.trim()));
    clear(form, "name");
  };
  return (
    <section>
      <h2>{T.workspace.stages}</h2>
      <p class="quiet-text">{T.workspace.stagesHint}</p>
      <ul class="edit-list">
        {stages.map((stage) => (
          <Row key={stage.key} stage={stage} stages={stages} set={set} may={may} remove={() => remove(stage)} />
        ))}
      </ul>
      {may && stages.length < MOST && (
        <Form submit={add} button={T.workspace.addStage} class="in-line" label={T.workspace.addStage} draft={`stage ${workspace}`}>
          <Field name="name" label={T.workspace.newStage} maxLength={50} pattern=".*\S.*" required autocomplete="off" />
          <SelectField name="kind" label={T.workspace.kind}>
            {KINDS.map((kind) => (
              <option key={kind} value={kind} selected={kind === "active"}>
                {T.workspace.kinds[kind]}
              </option>
            ))}
          </SelectField>
        </Form>
      )}
      {removed && (
        <Confirm
          title={T.workspace.deleteStage(removed.name)}
          button={T.workspace.delete}
          close={() => remove(undefined)}
          run={() => set(stages.filter(({ key }) => key !== removed.key), T.workspace.stageDeleted(removed.name))}
        >
          <p>{T.workspace.stageTasks(inIt, heir(stages, removed.key)?.name ?? "")}</p>
        </Confirm>
      )}
    </section>
  );
};
