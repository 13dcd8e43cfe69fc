import type { InWorkspace } from "../../shell/scenes.js";

export default function Members(_: InWorkspace) {
  return <div class="view">Members</div>;
}
