import type { InWorkspace } from "../../shell/scenes.js";

export default function List(_: InWorkspace) {
  return <div class="view">List</div>;
}
