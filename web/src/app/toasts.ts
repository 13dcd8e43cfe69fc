// Short messages that go by themselves: what was done, with the way to undo it, and what was refused. Knows no operation.

import { signal } from "@preact/signals";

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly tone: "plain" | "bad";
  readonly action?: { label: string; run: () => void } | undefined;
}

export const toasts = signal<readonly Toast[]>([]);

const SHOWN = 7_000;
const MOST = 3;
let last = 0;

export const dismiss = (id: number): void => {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
};

/** Shows a message for some seconds. */
export const tell = (text: string, more: Partial<Pick<Toast, "tone" | "action">> = {}): void => {
  const id = ++last;
  toasts.value = [...toasts.value, { id, text, tone: "plain" as const, ...more }].slice(-MOST);
  setTimeout(() => dismiss(id), more.tone === "bad" ? 2 * SHOWN : SHOWN);
};
