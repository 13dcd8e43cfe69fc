// Hooks for React over a store. What a component shows is read from the store at once, and the component is drawn again only
// when its part changed. Knows nothing of connections, and not whether the store is shared.

import {
  createContext,
  createElement,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useSyncExternalStore,
  type ReactNode,
} from "react";
import type { Operation, State as Connection, Store, View } from "../sdk/index.js";
import { equal } from "../sdk/outbox/equal.js";

/** What the hooks need of a store. */
export type ShownStore = Pick<Store, "state" | "subscribe" | "mutate" | "retry" | "drop">;

const Context = createContext<ShownStore | undefined>(undefined);

/** Gives a store to the components below. */
export const TaskwireProvider = ({ store, children }: { store: ShownStore; children?: ReactNode }): ReactNode =>
  createElement(Context.Provider, { value: store }, children);

/** The store of the nearest provider. */
export const useStore = (): ShownStore => {
  const store = useContext(Context);
  if (!store) throw new Error("there is no TaskwireProvider around this component");
  return store;
};

/**
 * What a selector makes of what is shown. The component is drawn again when that has changed: entities by being another object,
 * arrays and plain objects by having other things in them, one level deep. The selector may be another function each time.
 */
export const useView = <T>(select: (view: View) => T): T => {
  const store = useStore();
  const drawn = useRef<{ value: T }>(undefined);
  const read = useMemo(() => {
    let last: { view: View; value: T } | undefined;
    return () => {
      const view = store.state;
      if (last?.view === view) return last.value;
      const made = select(view);
      const before = last ?? drawn.current;
      // What did not change is the same object, also for those that get it from here.
      const value = before && equal(made, before.value) ? before.value : made;
      last = { view, value };
      return value;
    };
  }, [store, select]);
  const subscribe = useCallback((changed: () => void) => store.subscribe((view) => view, changed), [store]);
  const value = useSyncExternalStore(subscribe, read, read);
  useEffect(() => {
    drawn.current = { value };
  });
  return value;
};

/** Begins operations, as the store's `mutate` does. It is the same function as long as the store is the same. */
export const useMutate = (): Store["mutate"] => useStore().mutate;

/** The person's operations that are under way or refused, and what to do with refused ones. */
export const useOperations = (): {
  operations: readonly Operation[];
  retry(op_id?: string): void;
  drop(op_id?: string): boolean;
} => {
  const { retry, drop } = useStore();
  const operations = useView(operationsOf);
  return useMemo(() => ({ operations, retry, drop }), [operations, retry, drop]);
};
const operationsOf = ({ operations }: View) => operations;

/** Where the connection is, whether everything is synced, and whether operations outlast the page. */
export const useConnection = (): { connection: Connection | undefined; synced: boolean; durable: boolean } =>
  useView(connectionOf);
const connectionOf = ({ connection, synced, durable }: View) => ({ connection, synced, durable });
