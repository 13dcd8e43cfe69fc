// A wire whose code is loaded when it is first needed: most programs never need the fallback.

import type { Request } from "./calls.js";
import type { Dial, Wire } from "./wire.js";

/** Dials with what is loaded, once it is there. Only for a wire that answers before anything is sent. */
export const later = (load: () => Promise<Dial>): Dial => {
  let loading: Promise<Dial> | undefined;
  return (auth, id, told) => {
    let wire: Wire | undefined;
    let over = false;
    loading ??= load();
    loading.then(
      (dial) => over || (wire = dial(auth, id, told)),
      (error: unknown) => {
        // A file that could not be loaded now may be there later.
        loading = undefined;
        if (!over) told.closed(undefined, String(error));
      },
    );
    return {
      twoWay: false,
      send: (request: Request) => wire!.send(request),
      close() {
        over = true;
        wire?.close();
      },
    };
  };
};
