import { WorkspaceHead } from "../../parts/workspace-head.js";
import type { InWorkspace } from "../../shell/scenes.js";

export default function Board(at: InWorkspace) {
  return (
    <div class="view wide">
      <WorkspaceHead {...at} />
    </div>
  );
}
