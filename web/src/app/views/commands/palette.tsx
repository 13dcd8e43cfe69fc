// The command palette: goes to anything, and does what has a name. A combobox with a list (WAI-ARIA Authoring Practices).

import { useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { useActing } from "../../acting.js";
import { useSession } from "../../hooks.js";
import { Dialog } from "../../parts/dialog.js";
import { Icon } from "../../parts/icons.js";
import { Keys } from "../../parts/keys.js";
import { go } from "../../places.js";
import { T } from "../../texts.js";
import { tell } from "../../toasts.js";
import { entriesOf, type Entry, type Question } from "./entries.js";
import { useFound } from "./finding.js";

/** Looks for the text in descriptions and comments too. */
const searchEntry = (text: string): Entry => ({
  key: "search",
  kind: "view",
  label: T.commands.searchFor(text),
  icon: "search",
  run: () => go({ scene: { at: "search", text } }),
});

/** What is offered for what was typed; all commands for nothing. */
const useEntries = (typed: string): Entry[] => {
  const acting = useActing();
  const { store } = useSession();
  // Those that are there when the palette opens: it lives for a few key presses.
  const { first, all } = useMemo(() => {
    const { first, more } = entriesOf(store.state, acting, tell);
    return { first, all: [...first, ...more] };
  }, [store]);
  const found = useFound(store, all, typed);
  const text = typed.trim();
  return text ? [...found, searchEntry(text)] : first;
};

const Option = ({ entry, id, active, choose }: { entry: Entry; id: string; active: boolean; choose: () => void }) => {
  const element = useRef<HTMLLIElement>(null);
  useLayoutEffect(() => {
    if (active) element.current?.scrollIntoView({ block: "nearest" });
  }, [active]);
  return (
    <li ref={element} id={id} role="option" aria-selected={active} onMouseDown={(event) => event.preventDefault()} onClick={choose}>
      <Icon name={entry.icon} size={17} />
      <span class="nav-label">{entry.label}</span>
      {entry.where && <span class="quiet-text palette-where">{entry.where}</span>}
      {entry.keys ? <Keys keys={entry.keys} /> : <span class="quiet-text">{T.commands.kinds[entry.kind]}</span>}
    </li>
  );
};

const Ask = ({ question, back, done }: { question: Question; back: () => void; done: () => void }) => {
  const id = useId();
  const [answer, set] = useState("");
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => input.current?.focus(), []);
  const send = (event: Event) => {
    event.preventDefault();
    if (!answer.trim()) return;
    done();
    question.run(answer.trim());
  };
  const press = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    back();
  };
  return (
    <form class="palette-ask" onSubmit={send}>
      <label for={id}>{question.label}</label>
      <input id={id} ref={input} maxLength={100} value={answer} onInput={(event) => set(event.currentTarget.value)} onKeyDown={press} />
      <p class="field-hint">{T.commands.enter}</p>
    </form>
  );
};

const Find = ({ choose }: { choose: (entry: Entry) => void }) => {
  const [typed, type] = useState("");
  const [active, setActive] = useState(0);
  const entries = useEntries(typed);
  const id = useId();
  const place = Math.min(active, entries.length - 1);
  const press = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    const { length } = entries;
    const steps: Record<string, number> = { ArrowDown: place + 1, ArrowUp: place - 1 + length, PageDown: Math.min(place + 8, length - 1), PageUp: Math.max(place - 8, 0) };
    const next = steps[event.key];
    if (next !== undefined) setActive(next % length);
    else if (event.key === "Enter") choose(entries[place]!);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <input
        class="palette-input"
        role="combobox"
        aria-label={T.commands.title}
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={`${id}-${place}`}
        aria-autocomplete="list"
        autofocus
        autocomplete="off"
        spellcheck={false}
        placeholder={T.commands.placeholder}
        value={typed}
        onInput={(event) => (type(event.currentTarget.value), setActive(0))}
        onKeyDown={press}
      />
      <ul class="palette-list" role="listbox" id={`${id}-list`} aria-label={T.commands.results}>
        {entries.map((entry, i) => (
          <Option key={entry.key} entry={entry} id={`${id}-${i}`} active={i === place} choose={() => choose(entry)} />
        ))}
      </ul>
      <span class="sr-only" role="status">
        {typed && T.commands.found(entries.length)}
      </span>
    </>
  );
};

export default function Palette({ close }: { close: () => void }) {
  const [question, askFor] = useState<Question>();
  const choose = (entry: Entry) => {
    if ("asks" in entry) return askFor(entry.asks);
    // It may open another overlay: the palette closes before.
    close();
    entry.run();
  };
  return (
    <Dialog title={T.commands.title} close={close} bare>
      {question ? <Ask question={question} back={() => askFor(undefined)} done={close} /> : <Find choose={choose} />}
    </Dialog>
  );
}
