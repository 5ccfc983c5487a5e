// Shared components. Visitors' input is always rendered as text, in an element with its own text direction.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get, type State } from "./api";
import { longTime, shortTime } from "./format";
import { words } from "./words";

/** What a visitor or a vendor wrote, within a line. */
export const Value = ({ of }: { of: string }) => <bdi class="value">{of}</bdi>;

export const Time = ({ at }: { at: string }) => (
  <time dateTime={at} title={longTime(at)}>
    {shortTime(at)}
  </time>
);

const TONES: Record<State, string> = { pending: "", delivered: "good", rejected: "bad", exhausted: "bad", quarantined: "warn" };

export const StateTag = ({ state, children }: { state: State; children?: ComponentChildren }) => (
  <span class={`tag ${TONES[state]}`} title={words.stateHints[state]}>
    {children}
    {children && " "}
    {words.states[state]}
  </span>
);

export const Empty = ({ title, children }: { title: string; children?: ComponentChildren }) => (
  <div class="card empty">
    <p class="strong">{title}</p>
    {children}
  </div>
);

/** A table of names and values. */
export const Pairs = ({ of, label }: { of: [string, ComponentChildren][]; label: string }) => (
  <dl class="pairs" aria-label={label}>
    {of.map(([name, value], place) => (
      <div key={place}>
        <dt>
          <Value of={name} />
        </dt>
        <dd dir="auto">{value}</dd>
      </div>
    ))}
  </dl>
);

/** A command or a snippet, with a button that copies it. */
export const Code = ({ children, label }: { children: string; label: string }) => (
  <div class="code">
    {/* Reachable by keyboard, because it may scroll. */}
    <pre tabIndex={0} role="region" aria-label={label}>
      <code>{children}</code>
    </pre>
    <button type="button" class="plain" onClick={() => void copy(children)}>
      {words.copy}
    </button>
  </div>
);

async function copy(text: string) {
  await navigator.clipboard.writeText(text).then(
    () => say(words.copied),
    () => say(text),
  );
}

// ---- Loading ---------------------------------------------------------------------------------------------------------

export const explain = (error: unknown) =>
  error instanceof ApiError ? error.message || (error.status ? words.failed(error.status) : words.offline) : String(error);

interface Loaded<T> {
  data?: T;
  error?: unknown;
  reload: () => void;
}

/** The answer to a GET, loaded again when the path changes, and every so many seconds, if any, while the page is visible. */
export function useLoad<T>(path: string, interval: (data?: T) => number = () => 0): Loaded<T> {
  const [loaded, setLoaded] = useState<{ path: string; data?: T; error?: unknown }>({ path });
  const [turn, setTurn] = useState(0);
  const reload = () => setTurn((turn) => turn + 1);
  useEffect(() => {
    const stop = new AbortController();
    get<T>(path, stop.signal).then(
      (data) => setLoaded({ path, data }),
      (error) => stop.signal.aborted || setLoaded((old) => ({ path, data: old.path === path ? old.data : undefined, error })),
    );
    return () => stop.abort();
  }, [path, turn]);
  const seconds = interval(loaded.data);
  useEffect(() => {
    if (!seconds) return;
    const timer = setInterval(() => document.hidden || reload(), seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds]);
  return loaded.path === path ? { ...loaded, reload } : { reload };
}

/** What to show instead of a page that is not loaded. */
export const Waiting = ({ error, retry }: { error?: unknown; retry: () => void }) =>
  error ? (
    <div class="card empty" role="alert">
      <p>{explain(error)}</p>
      <button type="button" onClick={retry}>
        {words.retry}
      </button>
    </div>
  ) : (
    <p class="hint" role="status">
      {words.loading}
    </p>
  );

export const Unreachable = ({ forms }: { forms?: string[] }) =>
  forms?.length ? (
    <p class="card warn" role="status">
      {words.unreachable(forms.join(", "))}
    </p>
  ) : null;

// ---- Actions ---------------------------------------------------------------------------------------------------------

let announce = (_text: string) => {};

/** Says how an action went, to the eye and to a screen reader. */
export const say = (text: string) => announce(text);

export function Notices() {
  const [text, setText] = useState("");
  useEffect(() => {
    announce = setText;
  }, []);
  useEffect(() => {
    const timer = setTimeout(() => setText(""), 8000);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div class="notices" role="status">
      {text && <p>{text}</p>}
    </div>
  );
}

/** A button that works until its action is done, and says how it went. */
export function Action({ run, children, kind = "plain", disabled }: {
  run: () => Promise<string | void>;
  children: ComponentChildren;
  kind?: "plain" | "main" | "danger";
  disabled?: boolean;
}) {
  const [busy, setBusy] = useState(false);
  const click = async () => {
    if (busy) return;
    setBusy(true);
    try {
      const text = await run();
      if (text) say(text);
    } catch (error) {
      say(explain(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    // Not disabled while busy: it would lose the focus.
    <button type="button" class={kind} disabled={disabled} aria-busy={busy} onClick={() => void click()}>
      {children}
    </button>
  );
}

interface Question {
  title: string;
  text: string;
  action: string;
  kind?: "main" | "danger";
  children?: ComponentChildren;
}

let pose = (_question: Question): Promise<boolean> => Promise.resolve(false);

/** Asks in a dialog; true if the person wants it. */
export const confirm = (question: Question) => pose(question);

export function Dialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const [asked, setAsked] = useState<(Question & { answer: (is: boolean) => void }) | null>(null);
  useEffect(() => {
    pose = (question) => new Promise((answer) => setAsked({ ...question, answer }));
  }, []);
  useEffect(() => {
    if (asked) dialog.current?.showModal();
  }, [asked]);
  const close = (is: boolean) => {
    asked?.answer(is);
    setAsked(null);
    dialog.current?.close();
  };
  return (
    <dialog ref={dialog} aria-labelledby="question" onCancel={() => close(false)}>
      {asked && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            close(true);
          }}
        >
          <h2 id="question">{asked.title}</h2>
          <p>{asked.text}</p>
          {asked.children}
          <div class="row end">
            <button type="button" class="plain" onClick={() => close(false)}>
              {words.cancel}
            </button>
            <button class={asked.kind ?? "main"}>{asked.action}</button>
          </div>
        </form>
      )}
    </dialog>
  );
}

// ---- Fields ----------------------------------------------------------------------------------------------------------

export function Choice({ label, value, options, onChange }: {
  label: string;
  value: string;
  options: [value: string, text: string][];
  onChange: (value: string) => void;
}) {
  return (
    <label>
      {label}
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        <option value="">{words.any}</option>
        {options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
