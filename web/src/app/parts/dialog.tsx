// A dialog above the page, by the browser's own element: the focus stays in it and returns where it was, Escape closes it.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { T } from "../texts.js";
import { Icon } from "./icons.js";

interface Props {
  title: string;
  close: () => void;
  children: ComponentChildren;
  /** Hides the title from the eye, where the content says it. */
  bare?: boolean;
  wide?: boolean;
}

export const Dialog = ({ title, close, children, bare, wide }: Props) => {
  const element = useRef<HTMLDialogElement>(null);
  const name = useId();
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => before instanceof HTMLElement && before.isConnected && before.focus();
  }, []);
  return (
    <dialog
      ref={element}
      class={`dialog${wide ? " wide" : ""}`}
      aria-labelledby={name}
      onCancel={(event) => (event.preventDefault(), close())}
      onMouseDown={(event) => event.target === element.current && close()}
    >
      <div class="dialog-body">
        <header class={bare ? "sr-only" : "dialog-head"}>
          <h2 id={name}>{title}</h2>
          <button type="button" class="quiet icon-button" aria-label={T.close} onClick={close}>
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
};
