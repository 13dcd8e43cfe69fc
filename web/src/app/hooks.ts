// How components read what is shown: a part of the store's state, the session, the time. Owns nothing.

import { createContext } from "preact";
import { useContext, useEffect, useReducer, useRef, useState } from "preact/hooks";
import type { View } from "../sdk/index.js";
import type { Session } from "./session.js";

/** The session of the person who is signed in. */
export const SessionContext = createContext<Session | undefined>(undefined);

export const useSession = (): Session => {
  const session = useContext(SessionContext);
  if (!session) throw new Error("used outside of a session");
  return session;
};

const isSame = (a: unknown, b: unknown): boolean => {
  if (Object.is(a, b)) return true;
  if (!Array.isArray(a) || !Array.isArray(b)) return false;
  return a.length === b.length && a.every((one, i) => Object.is(one, b[i]));
};

/**
 * What a selector makes of the state. The component is drawn again only when that changed: entities by being another object,
 * arrays by having other things in them.
 */
export const useView = <T>(select: (view: View) => T): T => {
  const { store } = useSession();
  const [, draw] = useReducer((n: number) => n + 1, 0);
  const held = useRef<{ value: T } | undefined>(undefined);
  const current = useRef(select);
  current.current = select;
  const value = select(store.state);
  if (!held.current || !isSame(held.current.value, value)) held.current = { value };
  useEffect(() => {
    const check = () => {
      const next = current.current(store.state);
      if (!isSame(held.current?.value, next)) draw(undefined);
    };
    check();
    return store.subscribe((view) => current.current(view), check);
  }, [store]);
  return held.current.value;
};

/** The time in milliseconds, new once a minute: for what depends on the day or says how long ago something was. */
export const useNow = (every = 60_000): number => {
  const [now, set] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => set(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
};
