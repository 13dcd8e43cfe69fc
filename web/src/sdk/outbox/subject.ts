// The entity that an operation is about.

import type { State } from "../replica/state.js";
import type { Fields } from "./operation.js";
import { holder, taskOf } from "./predict.js";

/** The entity that an operation with this name and these parameters is about, as far as it is there. */
export const subject = (state: State, name: string, { id, workspace_id }: Fields): Fields | undefined => {
  const [kind] = name.split(".");
  const key = (id ?? workspace_id ?? "") as string;
  let found: object | undefined;
  if (kind === "profile") found = state.user?.user;
  else if (kind === "workspace") found = state.workspaces.get(key)?.workspace;
  else if (kind === "notification") found = state.user?.notifications.get(key);
  else if (kind === "comment") {
    const task = taskOf(state, key);
    found = holder(state, "details", task)
      ?.details.get(task)
      ?.comments.find((comment) => comment.id === key);
  } else if (kind === "task" || kind === "project" || kind === "tag")
    found = holder(state, `${kind}s`, key)?.[`${kind}s`].get(key);
  return found as Fields | undefined;
};
