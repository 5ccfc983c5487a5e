// One lead: what was sent, what the CRM gets, and everything that happened on the way.

import { ApiError, type Delivery, type Detail, submissionPath } from "./api";
import { callTime, duration, longTime, reason, rows, shortTime, summary } from "./format";
import { erase, release, releaseLabel, spam } from "./inbox";
import { Action, Empty, Pairs, StateTag, Time, useLoad, Value, Waiting } from "./parts";
import { to } from "./route";
import { words } from "./words";

/** A lead that is on its way is loaded again every few seconds. */
const whileOnItsWay = (data?: Detail) => (data?.deliveries.some(({ state }) => state === "pending") ? 5 : 0);

function DeliveryCard({ delivery }: { delivery: Delivery }) {
  const { destination, state, record, failure, in_doubt: doubt, attempts, next_at: next, timeline } = delivery;
  return (
    <section class="card" aria-label={destination}>
      <h3 class="row">
        {destination} <StateTag state={state} />
      </h3>
      <p class="hint">
        {words.stateHints[state]} {attempts > 0 && words.attempts(attempts)}
        {next && ` · ${words.nextAttempt(shortTime(next))}`}
      </p>
      {doubt && <p class="warn">{words.inDoubt(doubt)}</p>}
      {failure && (
        <p class="bad">
          {words.failures[failure.kind] ?? failure.kind}
          {failure.detail && (
            <>
              : <Value of={failure.detail} />
            </>
          )}
        </p>
      )}
      {record && (
        <p>
          {words.record} <code>{record.id || "–"}</code>{" "}
          {record.url && (
            <a href={record.url} target="_blank" rel="noopener noreferrer">
              {words.openRecord}
            </a>
          )}
        </p>
      )}
      {record?.note && (
        <p class="hint">
          {words.recordNote}: <Value of={record.note} />
        </p>
      )}
      {record?.message_missing && <p class="warn">{words.messageMissing}</p>}
      <h4>{words.timeline}</h4>
      {timeline.length === 0 && <p class="hint">{words.noAttempt}</p>}
      <ol class="timeline">
        {timeline.map(({ at, ms, step, status, outcome, detail }, place) => (
          <li key={place}>
            <time dateTime={at} title={longTime(at)}>
              {callTime(at)}
            </time>{" "}
            <strong>{step}</strong> <span class="hint">{[status, duration(ms)].filter(Boolean).join(" · ")}</span> → {words.outcomes[outcome] ?? outcome}
            {detail && (
              <p class="hint">
                {words.vendorSays}: <Value of={detail} />
              </p>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}

export function Lead({ form, id }: { form: string; id: string }) {
  const path = submissionPath({ form, id });
  const { data, error, reload } = useLoad<Detail>(path, whileOnItsWay);
  const back = (
    <p>
      <a href={to(["inbox"])}>← {words.backToInbox}</a>
    </p>
  );
  if (!data) {
    const isGone = error instanceof ApiError && error.status === 404;
    return (
      <>
        {back}
        <h1>{words.lead}</h1>
        {isGone ? <Empty title={words.gone} /> : <Waiting error={error} retry={reload} />}
      </>
    );
  }
  const states = new Set(data.deliveries.map(({ state }) => state));
  const act = (work: () => Promise<string | undefined>) => async () => {
    const text = await work();
    if (text !== undefined) reload();
    return text;
  };
  const about = [
    [words.page, data.page],
    [words.country, data.country],
    [words.locale, data.locale],
  ].filter((pair): pair is [string, string] => Boolean(pair[1]));
  return (
    <>
      {back}
      <h1 dir="auto">{summary(data).who}</h1>
      <p class="hint">
        <a href={to(["inbox"], { form })}>{form}</a> · {words.arrived(longTime(data.received_at))} · <code>{id}</code>
      </p>
      {data.reasons?.length ? (
        <p class="card warn">
          {words.suspected} {data.reasons.map(reason).join("; ")}
        </p>
      ) : null}
      <p class="row">
        {["rejected", "exhausted", "quarantined"].some((state) => states.has(state as Delivery["state"])) && (
          <Action kind="main" run={act(() => release([data]))}>
            {releaseLabel([data])}
          </Action>
        )}
        {["rejected", "exhausted", "pending"].some((state) => states.has(state as Delivery["state"])) && (
          <Action run={act(() => spam([data]))}>{words.spam}</Action>
        )}
        <Action
          kind="danger"
          run={async () => {
            const text = await erase([data]);
            if (text !== undefined) location.hash = to(["inbox"]);
            return text;
          }}
        >
          {words.erase}
        </Action>
      </p>
      <div class="columns">
        <div>
          <section class="card" aria-labelledby="fields">
            <h2 id="fields">{words.fields}</h2>
            <Pairs label={words.fields} of={data.fields} />
            {about.length > 0 && <Pairs label={words.lead} of={about} />}
            {data.repeats ? <p class="hint">{words.repeats(data.repeats)}</p> : null}
          </section>
          <section class="card" aria-labelledby="mapped">
            <h2 id="mapped">{words.mapped}</h2>
            <Pairs label={words.mapped} of={rows(data.lead)} />
          </section>
        </div>
        <div>
          <h2 class="sr">{words.deliveries}</h2>
          {data.deliveries.map((delivery) => (
            <DeliveryCard key={delivery.destination} delivery={delivery} />
          ))}
          {data.audit.length > 0 && (
            <section class="card" aria-labelledby="audit">
              <h2 id="audit">{words.audit}</h2>
              <ul>
                {data.audit.map(({ at, actor, action }, place) => (
                  <li key={place}>
                    <Time at={at} /> · {words.actions[action] ?? action} · <Value of={actor} />
                  </li>
                ))}
              </ul>
            </section>
          )}
        </div>
      </div>
    </>
  );
}
