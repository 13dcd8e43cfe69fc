import type { InWorkspace } from "../../shell/scenes.js";

export default function Dashboard(_: InWorkspace) {
  return <div class="view">Dashboard</div>;
}
