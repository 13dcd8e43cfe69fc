import type { InWorkspace } from "../../shell/scenes.js";

export default function Options(_: InWorkspace) {
  return <div class="view">Options</div>;
}
