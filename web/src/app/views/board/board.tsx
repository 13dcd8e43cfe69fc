import type { InWorkspace } from "../../shell/scenes.js";

export default function Board(_: InWorkspace) {
  return <div class="view">Board</div>;
}
