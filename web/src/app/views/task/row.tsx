// A field of the panel in one line: its name, its control, and whether it is saved.

import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "../../parts/icons.js";
import { Saving } from "./saving.js";

interface Props {
  label: string;
  icon: IconName;
  /** The fields of the task that it changes. */
  fields: readonly string[];
  /** The id of its control, when it has one; else the line is a group of them. */
  control?: string;
  children: ComponentChildren;
}

export const Row = ({ label, icon, fields, control, children }: Props) => (
  <div class="panel-row" {...(control ? {} : { role: "group", "aria-label": label })}>
    <div class="panel-label">
      <Icon name={icon} size={16} />
      {control ? <label for={control}>{label}</label> : <span aria-hidden="true">{label}</span>}
    </div>
    <div class="panel-value">
      {children}
      <Saving fields={fields} />
    </div>
  </div>
);
