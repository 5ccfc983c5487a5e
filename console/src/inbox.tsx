// The inbox: every lead, newest first, across all forms, with filters, and actions on many at once.

import { useEffect, useRef, useState } from "preact/hooks";
import { call, type Forms, get, type Page, post, query, STATES, type Submission, submissionPath } from "./api";
import { reason, summary } from "./format";
import { Action, Choice, confirm, Empty, explain, say, StateTag, Time, Unreachable, useLoad, Value, Waiting } from "./parts";
import { to } from "./route";
import { words } from "./words";

export const FILTERS = ["form", "state", "destination", "since", "until"] as const;
export type Filters = Record<(typeof FILTERS)[number] | "q", string>;

/** What waits for a person after a failure. */
export const FAILED = "rejected,exhausted";

const PAGE = 50;

/** The text that is searched for. It may be personal, so it is not in the address. */
let searched = "";

const names = (forms: Forms | undefined) => (forms?.forms ?? []).map(({ form }) => form);
const destinations = (forms: Forms | undefined, form: string) => [
  ...new Set((forms?.forms ?? []).filter((one) => !form || one.form === form).flatMap((one) => one.destinations.map((it) => it.destination))),
];
const pairs = (all: string[]): [string, string][] => all.map((one) => [one, one]);

/** Form, state, destination and days, as fields. Days are the viewer's. */
export function FilterFields({ filters, forms, onChange }: {
  filters: Filters;
  forms: Forms | undefined;
  onChange: (changed: Partial<Filters>) => void;
}) {
  return (
    <>
      <Choice label={words.form} value={filters.form} options={pairs(names(forms))} onChange={(form) => onChange({ form })} />
      <Choice
        label={words.state}
        value={filters.state}
        options={[[FAILED, words.notDelivered], ...STATES.map((state): [string, string] => [state, words.states[state]])]}
        onChange={(state) => onChange({ state })}
      />
      <Choice
        label={words.destination}
        value={filters.destination}
        options={pairs(destinations(forms, filters.form))}
        onChange={(destination) => onChange({ destination })}
      />
      {(["since", "until"] as const).map((name) => (
        <label key={name}>
          {name === "since" ? words.from : words.to}
          <input type="date" value={filters[name]} onChange={(event) => onChange({ [name]: event.currentTarget.value })} />
        </label>
      ))}
    </>
  );
}

/** The API's parameters: the first and the last day from their first to their last moment. */
export function parameters({ since, until, ...rest }: Filters) {
  // The address may hold anything.
  const moment = (day: string, time: string) => (/^\d{4}-\d\d-\d\d$/.test(day) ? new Date(`${day}T${time}`).toISOString() : "");
  return { ...rest, since: moment(since, "00:00:00.000"), until: moment(until, "23:59:59.999") };
}

const key = ({ form, id }: Submission) => `${form} ${id}`;

/** The leads that match, page by page. */
function useList(filters: Filters) {
  const [list, setList] = useState<Submission[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [unreachable, setUnreachable] = useState<string[]>([]);
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(true);
  const asked = useRef(0);
  const load = async (before: string | null) => {
    const turn = ++asked.current;
    setBusy(true);
    try {
      const page = await get<Page>(`/api/submissions${query({ ...parameters(filters), before, limit: PAGE })}`);
      if (turn !== asked.current) return;
      setList((old) => (before ? old.concat(page.submissions) : page.submissions));
      setNext(page.next);
      setUnreachable(page.unreachable ?? []);
      setError(undefined);
    } catch (error) {
      if (turn === asked.current) setError(error);
    } finally {
      if (turn === asked.current) setBusy(false);
    }
  };
  const wanted = JSON.stringify(filters);
  useEffect(() => {
    setList([]);
    setNext(null);
    void load(null);
  }, [wanted]);
  return { list, next, unreachable, error, busy, reload: () => load(null), more: () => void load(next) };
}

/** Asks for what comes next when the end of the list is near. */
function More({ onMore }: { onMore: () => void }) {
  const button = useRef<HTMLButtonElement>(null);
  const latest = useRef(onMore);
  latest.current = onMore;
  useEffect(() => {
    const watch = new IntersectionObserver(([entry]) => entry?.isIntersecting && latest.current(), { rootMargin: "400px" });
    if (button.current) watch.observe(button.current);
    return () => watch.disconnect();
  }, []);
  return (
    <button ref={button} type="button" class="plain wide" onClick={onMore}>
      {words.more}
    </button>
  );
}

/** A lead in a list; with `onChoose`, it can be selected. */
export function Row({ lead, isChosen, onChoose, note }: {
  lead: Submission;
  isChosen?: boolean;
  onChoose?: (is: boolean) => void;
  note?: string;
}) {
  const { who, says } = summary(lead);
  const many = lead.deliveries.length > 1;
  return (
    <li class={isChosen ? "chosen" : ""}>
      {onChoose && (
        <input type="checkbox" checked={isChosen} aria-label={words.select(who)} onChange={(event) => onChoose(event.currentTarget.checked)} />
      )}
      <div class="says">
        <a class="strong" href={to(["lead", lead.form, lead.id])}>
          <Value of={who} />
        </a>
        <p class="excerpt" dir="auto">
          {says}
        </p>
        {lead.reasons?.length ? <p class="hint">{lead.reasons.map(reason).join(", ")}</p> : null}
        {note && (
          <p class="hint" dir="auto">
            {note}
          </p>
        )}
      </div>
      <p class="hint when">
        <span>
          <Time at={lead.received_at} />
        </span>{" "}
        <span>{lead.form}</span>
      </p>
      <p class="tags">
        {lead.deliveries.map(({ destination, state }) => (
          <StateTag key={destination} state={state}>
            {many && destination}
          </StateTag>
        ))}
      </p>
    </li>
  );
}

/** Does something to each lead in turn; what happened, in a sentence. */
async function each(leads: Submission[], act: (lead: Submission) => Promise<number>, done: (n: number) => string): Promise<string> {
  let [sum, good, bad, why] = [0, 0, 0, ""];
  for (const lead of leads) {
    try {
      sum += await act(lead);
      good++;
    } catch (error) {
      bad++;
      why = explain(error);
    }
  }
  return bad ? words.partly(good, bad, why) : done(sum);
}

/** Nothing of these was ever sent: what an operator does is not "again". */
const isUnsent = (leads: Submission[]) => leads.every(({ deliveries }) => deliveries.every(({ timeline }) => timeline.length === 0));

export const releaseLabel = (leads: Submission[]) => (isUnsent(leads) ? words.deliver : words.sendAgain);

export const release = (leads: Submission[]) =>
  each(leads, async (lead) => {
    const { released, note } = await post<{ released: number; note?: string }>(`${submissionPath(lead)}/release`);
    if (note) say(note);
    return released;
  }, isUnsent(leads) ? words.sent : words.released);

export const spam = (leads: Submission[]) =>
  each(leads, async (lead) => (await post<{ quarantined: number }>(`${submissionPath(lead)}/spam`)).quarantined, words.spammed);

/** Asks first; `undefined` if the person thinks better of it. */
export async function erase(leads: Submission[]): Promise<string | undefined> {
  const title = words.eraseTitle(leads.length);
  if (!(await confirm({ title, text: words.eraseText, action: words.erase, kind: "danger" }))) return undefined;
  return each(leads, async (lead) => (await call<{ erased: number }>("DELETE", submissionPath(lead))).erased, words.erasedLeads);
}

/** `2026-11-28T14:05`, as a field of local time takes it. */
const local = (at: Date) => new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

interface Since {
  since: string;
  form: string;
  destination: string;
}

/** What the dialog asks for; it changes `wanted`. */
function SinceFields({ wanted }: { wanted: Since }) {
  const { data: forms } = useLoad<Forms>("/api/forms");
  const [, setTurn] = useState(0);
  const change = (changed: Partial<Since>) => {
    Object.assign(wanted, changed);
    setTurn((turn) => turn + 1);
  };
  return (
    <>
      <label>
        {words.from}
        <input type="datetime-local" required value={wanted.since} onInput={(event) => change({ since: event.currentTarget.value })} />
      </label>
      <Choice label={words.form} value={wanted.form} options={pairs(names(forms))} onChange={(form) => change({ form })} />
      <Choice
        label={words.destination}
        value={wanted.destination}
        options={pairs(destinations(forms, wanted.form))}
        onChange={(destination) => change({ destination })}
      />
    </>
  );
}

async function releaseSince({ form, destination }: Filters): Promise<string | undefined> {
  const wanted: Since = { since: local(new Date(Date.now() - 86_400_000)), form, destination };
  const go = await confirm({
    title: words.failedSinceTitle,
    text: words.failedSinceText,
    action: words.sendAgain,
    children: <SinceFields wanted={wanted} />,
  });
  if (!go) return undefined;
  const given = Object.entries({ ...wanted, since: new Date(wanted.since).toISOString() }).filter(([, value]) => value);
  const { released, note } = await post<{ released: number; note?: string }>("/api/release", Object.fromEntries(given));
  return [words.released(released), note].filter(Boolean).join(" ");
}

export function Inbox({ filters: given }: { filters: URLSearchParams }) {
  const [q, setQ] = useState(searched);
  // What is being typed, so that a list that arrives meanwhile does not reset the field.
  const [typed, setTyped] = useState(searched);
  const filters = { q, ...Object.fromEntries(FILTERS.map((name) => [name, given.get(name) ?? ""])) } as Filters;
  const { data: forms } = useLoad<Forms>("/api/forms");
  const { list, next, unreachable, error, busy, reload, more } = useList(filters);
  const [chosen, setChosen] = useState<Set<string>>(new Set());
  const change = (changed: Partial<Filters>) => {
    setChosen(new Set());
    const { q: _, ...rest } = { ...filters, ...changed };
    location.hash = to(["inbox"], rest);
  };
  const search = (text: string) => {
    setChosen(new Set());
    searched = text.trim();
    setQ(searched);
    setTyped(searched);
  };
  const selection = list.filter((lead) => chosen.has(key(lead)));
  const act = (work: (leads: Submission[]) => Promise<string | undefined>) => async () => {
    const text = await work(selection);
    if (text === undefined) return;
    setChosen(new Set());
    await reload();
    return text;
  };
  const isFiltered = Object.values(filters).some(Boolean);
  const downloads = query(parameters(filters));
  return (
    <>
      <div class="row between">
        <h1>{words.inbox}</h1>
        <Action
          run={async () => {
            const text = await releaseSince(filters);
            if (text) await reload();
            return text;
          }}
        >
          {words.failedSince}
        </Action>
      </div>
      <form
        class="filters card"
        role="search"
        aria-label={words.filter}
        onSubmit={(event) => {
          event.preventDefault();
          search(typed);
        }}
      >
        <label>
          {words.text}
          <input
            type="search"
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
            onChange={(event) => search(event.currentTarget.value)}
          />
        </label>
        <FilterFields filters={filters} forms={forms} onChange={change} />
      </form>
      <Unreachable forms={unreachable} />
      <div class="bar" role="toolbar" aria-label={words.inbox}>
        <label class="check">
          <input
            type="checkbox"
            checked={list.length > 0 && selection.length === list.length}
            disabled={list.length === 0}
            onChange={(event) => setChosen(new Set(event.currentTarget.checked ? list.map(key) : []))}
          />
          <span class="sr">{words.selectAll}</span>
        </label>
        <span role="status">
          {selection.length > 0 ? words.selected(selection.length) : busy && !list.length ? "" : next ? words.shownMore(list.length) : words.shown(list.length)}
        </span>
        {selection.length > 0 ? (
          <>
            <Action run={act(release)}>{releaseLabel(selection)}</Action>
            <Action run={act(spam)}>{words.spam}</Action>
            <Action run={act(erase)} kind="danger">
              {words.erase}
            </Action>
          </>
        ) : (
          <span class="downloads">
            {isFiltered && (
              <button
                type="button"
                class="quiet"
                onClick={() => {
                  search("");
                  change({ form: "", state: "", destination: "", since: "", until: "" });
                }}
              >
                {words.clear}
              </button>
            )}
            <a href={`/api/submissions.csv${downloads}`} download aria-label={`${words.downloads}: ${words.csv}`}>
              {words.csv}
            </a>
            <a href={`/api/submissions.ndjson${downloads}`} download aria-label={`${words.downloads}: ${words.ndjson}`}>
              {words.ndjson}
            </a>
          </span>
        )}
      </div>
      {list.length > 0 && (
        <ul class="list">
          {list.map((lead) => (
            <Row
              key={key(lead)}
              lead={lead}
              isChosen={chosen.has(key(lead))}
              onChoose={(is) => {
                const now = new Set(chosen);
                if (is) now.add(key(lead));
                else now.delete(key(lead));
                setChosen(now);
              }}
            />
          ))}
        </ul>
      )}
      {error !== undefined || (busy && list.length === 0) ? (
        <Waiting error={error} retry={() => void (next ? more() : reload())} />
      ) : next ? (
        // A part of a long search may be empty, and the list go on.
        !busy && <More key={next} onMore={more} />
      ) : list.length > 0 ? null : (
        <Empty title={isFiltered ? words.nothingFound : words.noLeads}>
          {!isFiltered && (
            <>
              <p>{words.noLeadsText}</p>
              <a class="button" href={to(["forms"])}>
                {words.getSnippet}
              </a>
            </>
          )}
        </Empty>
      )}
    </>
  );
}
