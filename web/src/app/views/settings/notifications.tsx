// What the person is told, and how: `preferences.notifications`, which the server reads. A key of the preferences is replaced as a
// whole, so all of it is sent with each change.

import type { NotificationType } from "../../../sdk/contract.js";
import { useActing } from "../../acting.js";
import { useView } from "../../hooks.js";
import { SelectField } from "../../parts/form.js";
import { T } from "../../texts.js";

const OWN_ACTS = ["unread", "read", "off"] as const;

interface Wanted {
  types?: Partial<Record<NotificationType, boolean>>;
  email?: boolean;
  own_acts?: (typeof OWN_ACTS)[number];
  due_lead_minutes?: number;
}

/** Types that belong together have one choice each; `SECURITY` and `PASSWORD_CHANGED` cannot be turned off. */
const GROUPS: readonly [name: keyof typeof T.settings.groups, types: readonly NotificationType[]][] = [
  ["tasks", ["TASK_CREATED", "TASK_UPDATED", "TASK_COMPLETED", "TASK_PENDING", "TASK_DELETED", "TASK_RESTORED", "TASK_ASSIGNED"]],
  ["times", ["TASK_REMINDER", "TASK_DUE", "TASK_OVERDUE"]],
  ["people", ["MENTION", "COMMENT_ADDED", "MEMBER_ADDED", "INVITE"]],
  ["account", ["LOGIN", "LOGOUT", "SIGNUP", "PROFILE_UPDATED"]],
];

const LEADS = [0, 10, 30, 60, 180, 1440, 2880] as const;

export const Notifications = () => {
  const { act } = useActing();
  const wanted = useView((view) => view.user?.user.preferences["notifications"] as Wanted | undefined) ?? {};
  const save = (change: Wanted) => void act("profile.update", { preferences: { notifications: { ...wanted, ...change } } });
  const setType = (type: NotificationType, on: boolean) => save({ types: { ...wanted.types, [type]: on } });
  const lead = wanted.due_lead_minutes ?? 0;
  return (
    <section class="notifications">
      <h2>{T.settings.parts.notifications}</h2>
      <label class="switch">
        <input type="checkbox" checked={wanted.email !== false} onChange={(event) => save({ email: event.currentTarget.checked })} />
        <span>
          {T.settings.byMail}
          <span class="field-hint">{T.settings.byMailHint}</span>
        </span>
      </label>
      <SelectField
        name="lead"
        label={T.settings.lead}
        value={lead}
        onChange={(event) => save({ due_lead_minutes: Number(event.currentTarget.value) })}
      >
        {[...new Set([...LEADS, lead])].map((minutes) => (
          <option key={minutes} value={minutes} selected={minutes === lead}>
            {T.settings.leads(minutes)}
          </option>
        ))}
      </SelectField>
      <SelectField
        name="own"
        label={T.settings.ownActs}
        value={wanted.own_acts ?? "unread"}
        onChange={(event) => save({ own_acts: event.currentTarget.value as (typeof OWN_ACTS)[number] })}
      >
        {OWN_ACTS.map((one) => (
          <option key={one} value={one} selected={one === (wanted.own_acts ?? "unread")}>
            {T.settings.own[one]}
          </option>
        ))}
      </SelectField>
      <div class="groups">
        {GROUPS.map(([group, types]) => (
        <fieldset class="option-set" key={group}>
          <legend>{T.settings.groups[group]}</legend>
          {types.map((type) => (
            <label key={type}>
              <input
                type="checkbox"
                checked={wanted.types?.[type] !== false}
                onChange={(event) => setType(type, event.currentTarget.checked)}
              />
              {T.settings.types[type]}
            </label>
          ))}
        </fieldset>
        ))}
      </div>
      <p class="quiet-text">{T.settings.always}</p>
    </section>
  );
};
