// A component that is loaded when it is first shown. A part that does not come can be asked for again.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { T } from "../texts.js";

type Module<P> = { default: ComponentType<P> };
const loaded = new Map<unknown, ComponentType<never>>();

type Props<P> = { load: () => Promise<Module<P>> } & P;

export const Lazy = <P extends object>({ load, ...props }: Props<P>) => {
  const [tries, again] = useState(0);
  const [failed, fail] = useState<Error>();
  const Part = loaded.get(load) as ComponentType<P> | undefined;
  useEffect(() => {
    // It may have come for another one since this was drawn.
    if (loaded.has(load)) return void (Part || again((n) => n + 1));
    let isCurrent = true;
    load().then(
      (module) => {
        loaded.set(load, module.default as ComponentType<never>);
        if (isCurrent) again((n) => n + 1);
      },
      (error: Error) => isCurrent && fail(error),
    );
    return () => void (isCurrent = false);
  }, [load, failed ? 0 : tries]);
  if (Part) return <Part {...(props as unknown as P)} />;
  if (!failed) return <p class="quiet-text loading">{T.loading}</p>;
  return (
    <div class="empty" role="alert">
      <p>{T.failed(failed.message)}</p>
      <button type="button" onClick={() => (fail(undefined), again((n) => n + 1))}>
        {T.retry}
      </button>
    </div>
  );
};
