// The overview: what needs a person first, then where every form and destination stands, then the last 30 days.

import { useEffect, useState } from "preact/hooks";
import { type Alert, type Counts, type Destination, type Form, type Forms, type Pause, post, query, STATES, type Stats } from "./api";
import { Chart } from "./chart";
import { sendSamples } from "./demo";
import { duration, number, shortTime } from "./format";
import { FAILED } from "./inbox";
import { Action, Choice, Code, Empty, Unreachable, useLoad, Waiting } from "./parts";
import { to } from "./route";
import { words } from "./words";

/** How often an open overview is loaded again. */
const everyMinute = () => 60;

const stuck = ({ rejected, exhausted }: Counts) => rejected + exhausted;

function resume({ destination }: Destination, reload: () => void) {
  return async () => {
    const { resumed } = await post<{ resumed: boolean }>(`/api/destinations/${encodeURIComponent(destination)}/resume`);
    reload();
    return resumed ? words.resumed(destination) : words.notPaused(destination);
  };
}

function PauseText({ pause: { kind, since, until, next_check_at: check, detail, needs_person: person } }: { pause: Pause }) {
  const about = [words.failures[kind] ?? kind, words.since(shortTime(since))];
  if (check) about.push(words.nextCheck(shortTime(check)));
  else if (until) about.push(words.pausedUntil(shortTime(until)));
  return (
    <>
      <p>{about.join(" · ")}</p>
      {detail && (
        <p class="hint" dir="auto">
          {detail}
        </p>
      )}
      <p class="hint">{person ? words.personNeeded : words.healsItself}</p>
    </>
  );
}

/** Whether the page says the same of a form or a destination by itself, with a button. */
function isSaid({ form, condition, destination }: Alert, { forms }: Forms): boolean {
  const about = forms.find((one) => one.form === form);
  const account = about?.destinations.find((one) => one.destination === destination);
  const [kind] = condition.split(":");
  if (kind === "quarantined") return (about?.counts.quarantined ?? 0) > 0;
  if (kind === "stuck") return account !== undefined && stuck(account.counts) > 0;
  return (kind === "credentials" || kind === "limited") && Boolean(account?.pause);
}

/** Everything that waits for a person, the worst first. */
function Needs({ data, alerts, reload }: { data: Forms; alerts: Alert[]; reload: () => void }) {
  const needs = [
    ...data.mistakes.concat(data.forms.flatMap((form) => form.mistakes)).map(({ var: name, key, message }) => (
      <li key={name + key + message} class="bad">
        <h3>{words.mistake(key ? `${name}, ${key}` : name)}</h3>
        <p lang="en">{message}</p>
        <p class="hint">{words.mistakeText}</p>
      </li>
    )),
    ...[...new Set(data.forms.flatMap((form) => form.missing_secrets))].map((name) => (
      <li key={name} class="bad">
        <h3>{words.missingSecret(name)}</h3>
        <p>{words.missingSecretText}</p>
        <Code label={name}>{`npx wrangler secret put ${name}`}</Code>
      </li>
    )),
    ...pauses(data, (pause) => pause.needs_person).map((destination) => (
      <li key={destination.destination} class="bad">
        <h3>{words.paused(destination.destination)}</h3>
        <PauseText pause={destination.pause!} />
        <Action run={resume(destination, reload)}>{words.resume}</Action>
      </li>
    )),
    ...data.forms.flatMap((form) =>
      form.destinations
        .filter(({ counts }) => stuck(counts) > 0)
        .map(({ destination, counts }) => (
          <li key={form.form + destination} class="bad line">
            <h3>{words.stuck(stuck(counts), destination, form.form)}</h3>
            <p class="row">
              <a class="button plain" href={to(["inbox"], { form: form.form, destination, state: FAILED })}>
                {words.look}
              </a>
              <Action
                run={async () => {
                  const { released } = await post<{ released: number }>("/api/release", { form: form.form, destination });
                  reload();
                  return words.released(released);
                }}
              >
                {words.sendAgain}
              </Action>
            </p>
          </li>
        )),
    ),
    ...data.forms
      .filter(({ counts }) => counts.quarantined > 0)
      .map(({ form, counts }) => (
        <li key={`${form} quarantine`} class="warn line">
          <h3>{words.suspects(counts.quarantined, form)}</h3>
          <p>
            <a class="button plain" href={to(["inbox"], { form, state: "quarantined" })}>
              {words.look}
            </a>
          </p>
        </li>
      )),
    ...alerts.filter((alert) => !isSaid(alert, data)).map(({ id, form, text, since }) => (
      <li key={id} class="warn">
        <h3>
          {words.alert}: {form}
          {since && <span class="hint"> {words.since(shortTime(since))}</span>}
        </h3>
        <p lang="en">{text}</p>
        <Action
          run={async () => {
            await post(`/api/alerts/${encodeURIComponent(id)}/dismiss`);
            reload();
            return words.dismissed;
          }}
        >
          {words.dismiss}
        </Action>
      </li>
    )),
  ];
  const pending = data.forms.reduce((sum, { counts }) => sum + counts.pending, 0);
  const received = data.forms.some(({ counts }) => counts.received > 0);
  if (needs.length === 0) {
    if (!received) return null;
    return (
      <p class="card all good" role="status">
        <span aria-hidden="true">✓</span> {pending ? `${words.allDone} ${words.onTheirWay(pending)}` : words.allDelivered}
      </p>
    );
  }
  return (
    <section aria-labelledby="needs">
      <h2 id="needs">
        {words.needsYou} <span class="tag bad">{needs.length}</span>
      </h2>
      <ul class="needs">{needs}</ul>
    </section>
  );
}

/** The paused destinations, each once, although several forms may share it. */
function pauses({ forms }: Forms, which: (pause: Pause) => boolean): Destination[] {
  const all = forms.flatMap((form) => form.destinations).filter(({ pause }) => pause && which(pause));
  return [...new Map(all.map((one) => [one.destination, one])).values()];
}

/** Counts that add up to what was received, each a link to its leads. */
function Numbers({ counts, form, destination }: { counts: Counts; form: string; destination: string }) {
  const shown = STATES.filter((state) => counts[state] > 0 || state !== "quarantined");
  return (
    <dl class="numbers">
      <div>
        <dt>{words.received}</dt>
        <dd>
          <a href={to(["inbox"], { form, destination })}>{number(counts.received)}</a>
        </dd>
      </div>
      {shown.map((state) => (
        <div key={state} class={counts[state] ? state : "none"}>
          <dt title={words.stateHints[state]}>{words.states[state]}</dt>
          <dd>
            {counts[state] ? <a href={to(["inbox"], { form, state, destination })}>{number(counts[state])}</a> : number(0)}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function FormCard({ form, reload }: { form: Form; reload: () => void }) {
  const { counts, destinations } = form;
  return (
    <article class="card" aria-label={form.form}>
      <h3>
        <a href={to(["forms", form.form])}>{form.form}</a>
      </h3>
      <p class="hint">
        {form.website ?? form.endpoint}
        {` · ${words.shown(counts.received)}`}
        {(["erased", "purged"] as const).map((name) => counts[name] > 0 && ` · ${words[name]}: ${number(counts[name])}`)}
        {form.last_received_at && ` · ${words.lastReceived(shortTime(form.last_received_at))}`}
        {form.oldest_pending_at && ` · ${words.oldestPending(shortTime(form.oldest_pending_at))}`}
      </p>
      {destinations.map((one) => (
        <div key={one.destination} class="destination">
          <h4>
            {one.destination}{" "}
            <span class="hint">
              {one.connector} {one.record}
              {one.guarantee && ` · ${words.guarantees[one.guarantee] ?? one.guarantee}`}
            </span>
          </h4>
          <Numbers counts={one.counts} form={form.form} destination={one.destination} />
          {one.pause && !one.pause.needs_person && (
            <div class="pause warn">
              <strong>{words.paused(one.destination)}</strong>
              <PauseText pause={one.pause} />
              <Action run={resume(one, reload)}>{words.resume}</Action>
            </div>
          )}
        </div>
      ))}
    </article>
  );
}

/** `turn` counts what was done on the page, which changes the days. */
function History({ forms, turn }: { forms: Form[]; turn: number }) {
  const [form, setForm] = useState("");
  const { data, error, reload } = useLoad<Stats>(`/api/stats${query({ form, days: 30 })}`, everyMinute);
  useEffect(() => {
    if (turn) reload();
  }, [turn]);
  const refused = Object.entries(
    (data?.days ?? []).reduce<Record<string, number>>((sum, day) => {
      for (const [code, n] of Object.entries(day.refused ?? {})) sum[code] = (sum[code] ?? 0) + n;
      return sum;
    }, {}),
  );
  return (
    <section class="card" aria-labelledby="history">
      <div class="row between middle">
        <h2 id="history">{words.days30}</h2>
        {forms.length > 1 && (
          <Choice label={words.form} value={form} options={forms.map(({ form }) => [form, form])} onChange={setForm} />
        )}
      </div>
      {data ? (
        <>
          {data.median_ms !== null && <p>{words.median(duration(data.median_ms))}</p>}
          <Chart days={data.days} />
          {refused.length > 0 && (
            <>
              <h3>{words.refused}</h3>
              <p class="hint">{words.refusedHint}</p>
              <ul>
                {refused.map(([code, n]) => (
                  <li key={code}>
                    {number(n)} {words.refusals[code] ?? code}
                  </li>
                ))}
              </ul>
            </>
          )}
        </>
      ) : (
        <Waiting error={error} retry={reload} />
      )}
    </section>
  );
}

/** On this machine, sample leads make a living console. */
const isLocal = /^(localhost|127\.0\.0\.1|\[::1\])$/.test(location.hostname);

function Samples({ forms, reload }: { forms: Form[]; reload: () => void }) {
  return (
    <section class="card row between middle">
      <p class="hint">{words.demoText}</p>
      <Action
        run={async () => {
          const sent = await sendSamples(forms.filter(({ ready }) => ready).map(({ form }) => form));
          setTimeout(reload, 2000);
          return words.demoSent(sent);
        }}
      >
        {words.demo}
      </Action>
    </section>
  );
}

export function Overview() {
  const forms = useLoad<Forms>("/api/forms", everyMinute);
  const alerts = useLoad<{ alerts: Alert[] }>("/api/alerts", everyMinute);
  const [turn, setTurn] = useState(0);
  const reload = () => {
    forms.reload();
    alerts.reload();
    setTurn((turn) => turn + 1);
  };
  const { data, error } = forms;
  const isNew = data?.forms.every(({ counts }) => counts.received === 0);
  const samples = isLocal && data && data.forms.length > 0 && <Samples forms={data.forms} reload={reload} />;
  return (
    <>
      <h1>{words.overview}</h1>
      {(!data || error !== undefined) && <Waiting error={error} retry={reload} />}
      {data && (
        <>
          <Unreachable forms={data.unreachable} />
          <Needs data={data} alerts={alerts.data?.alerts ?? []} reload={reload} />
          {data.forms.length === 0 && (
            <Empty title={words.noForms}>
              <p>{words.noFormsText}</p>
            </Empty>
          )}
          {data.forms.length > 0 && isNew && (
            <Empty title={words.noLeads}>
              <p>{words.noLeadsText}</p>
              <a class="button" href={to(["forms", data.forms[0]!.form])}>
                {words.getSnippet}
              </a>
            </Empty>
          )}
          {isNew && samples}
          {data.forms.map((form) => (
            <FormCard key={form.form} form={form} reload={reload} />
          ))}
          {data.forms.length > 0 && <History forms={data.forms} turn={turn} />}
          {!isNew && samples}
        </>
      )}
    </>
  );
}

