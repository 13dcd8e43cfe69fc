// Which events are changes by others, and which of them concern what is shown. Pure.

import type { EventFrame } from "../../sdk/contract.js";
import type { Scene } from "../places.js";

/** Whether somebody else did it, or the server. */
export const isByOther = ({ actor }: Pick<EventFrame, "actor">, me: string): boolean =>
  actor.kind !== "user" || actor.id !== me;

interface Fields {
  project_id?: string | null;
  assignee_ids?: readonly string[];
}

/** Whether a view shows what an event changed, as far as the event says so. */
export const concerns = (scene: Scene, { stream, event, data }: Pick<EventFrame, "stream" | "event" | "data">, me: string): boolean => {
  const isTask = event.startsWith("task.");
  const { project_id, assignee_ids } = data as Fields;
  switch (scene.at) {
    case "today":
    case "upcoming":
    case "search":
      return isTask;
    case "mine":
      return isTask && (!assignee_ids || assignee_ids.includes(me));
    case "inbox":
      return event === "notification.created";
    case "workspace":
      if (stream !== `workspace:${scene.workspace}`) return false;
      return !scene.project || !isTask || project_id === undefined || project_id === scene.project;
    default:
      return false;
  }
};
