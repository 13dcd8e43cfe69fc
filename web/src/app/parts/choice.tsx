// A choice among a few that the browser remembers, and buttons for it. What is remembered is no secret, and nobody misses it.

import { signal, type Signal } from "@preact/signals";

/** A choice that outlasts the page. `known` are the values that it may have, the first one when none was made. */
export const remembered = <V extends string>(name: string, known: readonly [V, ...V[]]): Signal<V> => {
  const key = `taskwire.${name}`;
  let before: string | null = null;
  try {
    before = localStorage.getItem(key);
  } catch {
    // A browser that keeps nothing.
  }
  const choice = signal<V>(known.find((one) => one === before) ?? known[0]);
  choice.subscribe((value) => {
    try {
      if (value !== before) localStorage.setItem(key, (before = value));
    } catch {
      // The choice then ends with the page.
    }
  });
  return choice;
};

interface Props<V extends string> {
  label: string;
  choice: Signal<V>;
  options: readonly (readonly [V, string])[];
}

/** Buttons of which one holds. */
export const Choices = <V extends string>({ label, choice, options }: Props<V>) => (
  <div class="choices" role="group" aria-label={label}>
    {options.map(([value, text]) => (
      <button type="button" key={value} aria-pressed={choice.value === value} onClick={() => (choice.value = value)}>
        {text}
      </button>
    ))}
  </div>
);
