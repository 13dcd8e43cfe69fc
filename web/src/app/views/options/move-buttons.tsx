// Moves something one place up or down. The focus stays where it was, also at the end of the way.

import { useRef } from "preact/hooks";
import { Icon } from "../../parts/icons.js";
import { T } from "../../texts.js";

type Step = (() => void) | false;

const Arrow = ({ label, kind, run }: { label: string; kind: "up" | "down"; run: Step }) => {
  const button = useRef<HTMLButtonElement>(null);
  const move = () => {
    if (!run) return;
    run();
    // The row is drawn at another place: the browser may drop the focus.
    requestAnimationFrame(() => button.current?.focus());
  };
  return (
    <button ref={button} type="button" class={`quiet icon-button ${kind}`} aria-label={label} aria-disabled={!run} onClick={move}>
      <Icon name="chevron" size={16} />
    </button>
  );
};

export const MoveButtons = ({ name, up, down }: { name: string; up: Step; down: Step }) => (
  <span class="move-buttons">
    <Arrow label={T.workspace.moveUp(name)} kind="up" run={up} />
    <Arrow label={T.workspace.moveDown(name)} kind="down" run={down} />
  </span>
);
