// Whether the server is out of reach. A first connection that is on its way is not: what is asked meanwhile waits for it.

import type { View } from "../../sdk/index.js";
import { useView } from "../hooks.js";

const isOffline = ({ connection }: View): boolean =>
  connection?.kind === "offline" || connection?.kind === "closed" || (connection?.kind === "connecting" && connection.attempt > 1);

export const useOffline = (): boolean => useView(isOffline);
