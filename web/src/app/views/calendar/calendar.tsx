import type { InWorkspace } from "../../shell/scenes.js";

export default function Calendar(_: InWorkspace) {
  return <div class="view">Calendar</div>;
}
