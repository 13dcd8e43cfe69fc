// Shows the toasts, and reads them to screen readers.

import { Icon } from "../parts/icons.js";
import { T } from "../texts.js";
import { dismiss, toasts } from "../toasts.js";

export const Toasts = () => (
  <div class="toasts" role="status" aria-live="polite">
    {toasts.value.map(({ id, text, tone, action }) => (
      <div key={id} class={`toast ${tone}`}>
        <span>{text}</span>
        {action && (
          <button type="button" onClick={() => (action.run(), dismiss(id))}>
            {action.label}
          </button>
        )}
        <button type="button" class="quiet icon-button" aria-label={T.close} onClick={() => dismiss(id)}>
          <Icon name="close" size={16} />
        </button>
      </div>
    ))}
  </div>
);
