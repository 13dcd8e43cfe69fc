// What is around a list that comes in pages: loading, empty, failed with another try, more.

import type { ComponentChildren } from "preact";
import type { Pages } from "../pages.js";
import { T } from "../texts.js";

interface Props<T> {
  pages: Pages<T>;
  empty: string;
  children: (items: readonly T[]) => ComponentChildren;
}

export const Paged = <T,>({ pages, empty, children }: Props<T>) => {
  const { items, failed, loading, more, reload } = pages;
  return (
    <>
      {items && items.length > 0 && children(items)}
      {items?.length === 0 && !more && <p class="quiet-text">{empty}</p>}
      {!items && loading && <p class="quiet-text">{T.loading}</p>}
      {failed && (
        <div role="alert" class="failed">
          <p>{T.failed(failed)}</p>
          <button type="button" onClick={reload}>
            {T.retry}
          </button>
        </div>
      )}
      {more && (
        <p>
          <button type="button" onClick={more} aria-busy={loading}>
            {T.form.more}
          </button>
        </p>
      )}
    </>
  );
};
