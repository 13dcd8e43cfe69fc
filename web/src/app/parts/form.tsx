// A form: what is wrong is told where it is wrong, what was typed is never lost, a wait that the server asks for is counted down.
// Owns what its last try said. Inputs keep their own values. Knows no operation.

import { createContext, type ComponentChildren, type ComponentProps } from "preact";
import { useContext, useEffect, useId, useRef, useState } from "preact/hooks";
import { Refused } from "../../sdk/index.js";
import { T } from "../texts.js";
import { useDraft } from "./draft.js";

/** What was typed, by the names of the fields. */
export type Values = Record<string, string>;

/** Empties fields of a form; what was chosen beside them stays. */
export const clear = (form: HTMLFormElement, ...names: string[]): void => {
  for (const name of names) {
    const field = form.elements.namedItem(name);
    if (field instanceof HTMLInputElement) field.value = "";
  }
};

interface Problem {
  message: string;
  /** The name of the field at fault. */
  field?: string | undefined;
  /** Until when another try is useless. */
  until?: number | undefined;
}

const FormContext = createContext<{ problem?: Problem | undefined; busy: boolean }>({ busy: false });

const problemOf = (error: unknown, form: HTMLFormElement): Problem => {
  if (!(error instanceof Refused)) {
    const isLost = error instanceof TypeError || (error as Error).name === "AbortError";
    return { message: isLost ? T.form.noAnswer : error instanceof Error ? error.message : String(error) };
  }
  const { message, field: at, retry_after_ms: wait } = error.failure;
  const field = at?.split(".").at(-1);
  return {
    message,
    field: field && form.elements.namedItem(field) ? field : undefined,
    until: wait ? Date.now() + wait : undefined,
  };
};

/** How many seconds are left. */
const useSecondsUntil = (until: number | undefined): number => {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!until) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [until]);
  return until ? Math.max(0, Math.ceil((until - now) / 1000)) : 0;
};

interface FormProps {
  /** Does it. What it throws is told. */
  submit: (values: Values, form: HTMLFormElement) => Promise<void> | void;
  button: string;
  children?: ComponentChildren;
  /** What is beside the button. */
  beside?: ComponentChildren;
  label?: string;
  class?: string;
  bad?: boolean;
  /** The name under which what is typed outlasts a reload; passwords do not. */
  draft?: string;
}

/** Keeps what is typed in a form, until it is sent. */
const useKept = (draft: string | undefined, element: { current: HTMLFormElement | null }) => {
  const [kept, keep, forget] = useDraft<Values>(`form ${draft}`, {});
  useEffect(() => {
    if (!draft) return;
    for (const [name, value] of Object.entries(kept)) {
      const field = element.current?.elements.namedItem(name);
      if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) field.value = value;
    }
  }, []);
  const remember = () => {
    const fields = [...(element.current?.elements ?? [])].filter(
      (field): field is HTMLInputElement | HTMLSelectElement =>
        field instanceof HTMLSelectElement || (field instanceof HTMLInputElement && /^(text|email|number)$/.test(field.type)),
    );
    // A password that is shown has the type of a text.
    const shown = fields.filter(({ name, autocomplete }) => name && !/password|one-time/.test(autocomplete));
    keep(Object.fromEntries(shown.map(({ name, value }) => [name, value])));
  };
  return draft ? { remember, forget } : { remember: undefined, forget: () => {} };
};

export const Form = ({ submit, button, children, beside, label, class: kind, bad, draft }: FormProps) => {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const element = useRef<HTMLFormElement>(null);
  const { remember, forget } = useKept(draft, element);
  const wait = useSecondsUntil(problem?.until);

  const send = async (event: Event) => {
    event.preventDefault();
    const form = element.current!;
    if (busy || wait) return;
    setBusy(true);
    setProblem(undefined);
    try {
      await submit(Object.fromEntries(new FormData(form)) as Values, form);
      forget();
    } catch (error) {
      setProblem(problemOf(error, form));
    }
    setBusy(false);
  };

  useEffect(() => {
    const at = problem?.field && element.current?.elements.namedItem(problem.field);
    if (at instanceof HTMLElement) at.focus();
  }, [problem]);

  return (
    <FormContext.Provider value={{ problem, busy }}>
      <form ref={element} class={kind} aria-label={label} onInput={remember} onSubmit={(event) => void send(event)}>
        {children}
        <div role="alert">
          {problem && !problem.field && <p class="form-error">{problem.message}</p>}
        </div>
        {wait > 0 && <p class="form-error">{T.form.wait(wait)}</p>}
        <div class="actions">
          <button type="submit" class={bad ? "bad" : "primary"} disabled={wait > 0} aria-busy={busy}>
            {button}
          </button>
          {beside}
        </div>
      </form>
    </FormContext.Provider>
  );
};

interface Labelled {
  name: string;
  label: string;
  hint?: string;
}

/** A label, what it labels, a hint and what is wrong. */
const Labelling = ({ name, label, hint, children }: Labelled & { children: (id: string, about: object) => ComponentChildren }) => {
  const id = useId();
  const { problem } = useContext(FormContext);
  const error = problem?.field === name ? problem.message : undefined;
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(id, { "aria-describedby": described || undefined, "aria-invalid": error ? "true" : undefined })}
      {hint && (
        <p class="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && (
        <p class="field-error" id={`${id}-error`} role="alert">
          {error}
        </p>
      )}
    </div>
  );
};

export const Field = ({ name, label, hint = "", ...input }: Labelled & ComponentProps<"input">) => (
  <Labelling name={name} label={label} hint={hint}>
    {(id, about) => <input {...input} id={id} name={name} {...about} />}
  </Labelling>
);

export const SelectField = ({ name, label, hint = "", children, ...select }: Labelled & ComponentProps<"select">) => (
  <Labelling name={name} label={label} hint={hint}>
    {(id, about) => (
      <select {...select} id={id} name={name} {...about}>
        {children}
      </select>
    )}
  </Labelling>
);

/** A password, which can be shown. `isNew`: one that is chosen now. */
export const PasswordField = ({ isNew, ...props }: Labelled & { isNew?: boolean }) => {
  const [shown, show] = useState(false);
  const type: { type: "text" } | { type: "password" } = shown ? { type: "text" } : { type: "password" };
  const rules = isNew ? { minLength: 8, maxLength: 128 } : {};
  return (
    <Labelling {...props} hint={props.hint ?? (isNew ? T.form.passwordRules : "")}>
      {(id, about) => (
        <span class="with-button">
          <input
            {...type}
            {...rules}
            {...about}
            id={id}
            name={props.name}
            autocomplete={isNew ? "new-password" : "current-password"}
            required
          />
          <button type="button" class="quiet" aria-pressed={shown} aria-label={T.form.showPassword} onClick={() => show(!shown)}>
            {shown ? T.form.hide : T.form.show}
          </button>
        </span>
      )}
    </Labelling>
  );
};
