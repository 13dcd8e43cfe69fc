// A tab whose store has ended: it shows nothing, and does nothing.

import { Lost, type State as Connection } from "../link.js";
import { EMPTY } from "../replica/state.js";
import type { View } from "../store.js";
import type { Role } from "./role.js";

export const gone = (reason: string): Role => {
  const connection: Connection = { kind: "closed", reason };
  const view: View = { ...EMPTY, operations: [], durable: false, synced: false, connection };
  const refuse = (): Promise<never> => {
    const refused = Promise.reject(new Lost(reason));
    refused.catch(() => {});
    return refused;
  };
  return {
    view: () => view,
    base: () => EMPTY,
    connection: () => connection,
    mutate: () => ({ op_id: "", done: refuse() }),
    drop: () => false,
    ask: refuse,
    hear() {},
    wake() {},
    leave: async () => {},
  };
};
