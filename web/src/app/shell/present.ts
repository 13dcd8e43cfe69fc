// Tells the members of the shown workspace that the person is here. The panel of an open task tells more.

import { useEffect } from "preact/hooks";
import { whenOnline } from "../asking.js";
import { useSession } from "../hooks.js";
import { place } from "../places.js";

export const usePresent = (): void => {
  const { client } = useSession();
  const { scene, task } = place.value;
  const workspace = scene.at === "workspace" && !task ? scene.workspace : undefined;
  useEffect(() => {
    if (!workspace) return;
    const report = () => {
      if (client.state.kind !== "online") return;
      const state = document.hidden ? "away" : "online";
      client.call("presence.set", { workspace_id: workspace, state }).catch(() => {});
    };
    report();
    const unlisten = whenOnline(client, report);
    document.addEventListener("visibilitychange", report);
    return () => {
      unlisten();
      document.removeEventListener("visibilitychange", report);
    };
  }, [client, workspace]);
};
