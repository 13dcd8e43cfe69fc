// Says that somebody else changed a text while the person writes it, shows theirs, and lets the person choose.

import { T } from "../../texts.js";

interface Props {
  by: string | undefined;
  theirs: string;
  take: () => void;
  keep: () => void;
}

export const Contest = ({ by, theirs, take, keep }: Props) => (
  <div class="contest" role="alert">
    <p>{T.panel.changedMeanwhile(by)}</p>
    <blockquote>{theirs || T.none}</blockquote>
    <span class="actions">
      <button type="button" onClick={take}>
        {T.panel.takeTheirs}
      </button>
      <button type="button" onClick={keep}>
        {T.panel.keepMine}
      </button>
    </span>
  </div>
);

/** Says that what is in a field is from before the page was loaded. */
export const Restored = ({ discard }: { discard: () => void }) => (
  <p class="restored" role="status">
    {T.panel.restored}{" "}
    <button type="button" class="quiet" onClick={discard}>
      {T.drop}
    </button>
  </p>
);
