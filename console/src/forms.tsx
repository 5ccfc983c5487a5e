// The forms: what to paste into a website, which fields arrive and where they go, a preview, and a test lead.

import { useState } from "preact/hooks";
import { ApiError, call, type Form as FormData, type Forms as AllForms, type Preview } from "./api";
import { reason, rows } from "./format";
import { Action, Code, Empty, explain, Pairs, Unreachable, useLoad, Value, Waiting } from "./parts";
import { to } from "./route";
import { type Field, fields, SNIPPETS } from "./snippets";
import { words } from "./words";

export function Forms() {
  const { data, error, reload } = useLoad<AllForms>("/api/forms");
  return (
    <>
      <h1>{words.forms}</h1>
      {!data && <Waiting error={error} retry={reload} />}
      {data && <Unreachable forms={data.unreachable} />}
      {data?.forms.length === 0 && (
        <Empty title={words.noForms}>
          <p>{words.noFormsText}</p>
        </Empty>
      )}
      {data?.forms.map((form) => (
        <article key={form.form} class="card" aria-label={form.form}>
          <h2>
            <a href={to(["forms", form.form])}>{form.form}</a> <Ready form={form} />
          </h2>
          <p class="hint">
            {form.endpoint} → {form.destinations.map(({ destination }) => destination).join(", ")}
          </p>
          <Wrong form={form} />
        </article>
      ))}
    </>
  );
}

const Ready = ({ form: { ready } }: { form: FormData }) => (
  <span class={`tag ${ready ? "good" : "bad"}`}>{ready ? words.ready : words.notReady}</span>
);

/** What keeps a form from working, with the fix. */
const Wrong = ({ form }: { form: FormData }) => (
  <>
    {form.mistakes.map(({ var: name, key, message }) => (
      <div key={name + key + message} class="bad">
        <p>
          <strong>{words.mistake(key ? `${name}, ${key}` : name)}</strong>: <span lang="en">{message}</span>
        </p>
        <p class="hint">{words.mistakeText}</p>
      </div>
    ))}
    {form.missing_secrets.map((name) => (
      <div key={name} class="bad">
        <p>
          <strong>{words.missingSecret(name)}</strong>. {words.missingSecretText}
        </p>
        <Code label={name}>{`npx wrangler secret put ${name}`}</Code>
      </div>
    ))}
  </>
);

function Snippets({ endpoint, of }: { endpoint: string; of: Field[] }) {
  const [chosen, setChosen] = useState(0);
  return (
    <section class="card" aria-labelledby="snippet">
      <h2 id="snippet">{words.snippet}</h2>
      <p class="row" role="group" aria-labelledby="snippet">
        {SNIPPETS.map(([name], place) => (
          <button key={name} type="button" class="choice" aria-pressed={place === chosen} onClick={() => setChosen(place)}>
            {name}
          </button>
        ))}
      </p>
      <Code label={words.snippet}>{SNIPPETS[chosen]![1](endpoint, of)}</Code>
    </section>
  );
}

/** Fills in the fields of a test lead, unless the person has. */
function testLead(values: Record<string, string>): URLSearchParams {
  const marker = crypto.randomUUID().slice(0, 8);
  const email = `formcourier-test-${marker}@example.com`;
  const message = `Test lead ${marker}, sent from the console. You can delete it.`;
  const filled = Object.entries(values).filter(([, value]) => value);
  return new URLSearchParams({ name: "Formcourier Test", email, message, ...Object.fromEntries(filled), _id: marker });
}

function Try({ form, of }: { form: string; of: Field[] }) {
  const [values, setValues] = useState<Record<string, string>>({});
  const [preview, setPreview] = useState<Preview>();
  const [refusal, setRefusal] = useState<ApiError>();
  const [sent, setSent] = useState("");
  const path = encodeURIComponent(form);
  const attempt = (work: () => Promise<string | undefined>) => async () => {
    setPreview(undefined);
    setRefusal(undefined);
    setSent("");
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status < 400 || error.status >= 500) throw error;
      setRefusal(error);
    }
  };
  return (
    <section class="card" aria-labelledby="try">
      <h2 id="try">{words.tryIt}</h2>
      <p class="hint">{words.tryText}</p>
      <form class="fields" onSubmit={(event) => event.preventDefault()}>
        {of.map(({ name, label, type }) => {
          const shared = {
            name,
            value: values[name] ?? "",
            onInput: ({ currentTarget: { value } }: { currentTarget: { value: string } }) => setValues({ ...values, [name]: value }),
          };
          return (
            <label key={name} class={type === "textarea" ? "wide" : ""}>
              {label}
              {type === "textarea" ? <textarea {...shared} /> : <input type={type as "text"} autocomplete="off" {...shared} />}
            </label>
          );
        })}
      </form>
      <p class="row">
        <Action
          kind="main"
          run={attempt(async () => {
            const given = Object.entries(values).filter(([, value]) => value);
            setPreview(await call<Preview>("POST", `/api/forms/${path}/preview`, new URLSearchParams(given)));
            return undefined;
          })}
        >
          {words.preview}
        </Action>
        <Action
          run={attempt(async () => {
            const reply = await call<{ id: string }>("POST", `/f/${path}`, testLead(values));
            setSent(reply.id);
            return words.testSent;
          })}
        >
          {words.testLead}
        </Action>
      </p>
      <p class="hint">{words.testLeadText}</p>
      {sent && (
        <p class="good">
          {words.testSent} <a href={to(["lead", form, sent])}>{words.follow}</a>
        </p>
      )}
      {refusal && (
        <div class="bad" role="alert">
          <p>
            {words.refusedWith} {explain(refusal)}
          </p>
          <ul>
            {refusal.errors
              .filter(({ field }) => field)
              .map(({ field, message }) => (
                <li key={field + message}>
                  <Value of={field} />: {message}
                </li>
              ))}
          </ul>
        </div>
      )}
      {preview && <Result of={preview} />}
    </section>
  );
}

function Result({ of: { lead, reasons, destinations } }: { of: Preview }) {
  const text = (body: unknown) => (typeof body === "string" ? body : JSON.stringify(body, null, 2));
  return (
    <div class="result" role="status">
      {reasons.length > 0 && (
        <p class="warn">
          {words.wouldSuspect} {reasons.map(reason).join("; ")}
        </p>
      )}
      <h3>{words.mapped}</h3>
      <Pairs label={words.mapped} of={rows(lead)} />
      {destinations.map(({ destination, requests, failure }) => (
        <section key={destination} aria-label={destination}>
          <h3>{words.wouldSend(destination)}</h3>
          <p class="hint">{requests.length ? words.step1 : words.wouldSendNothing}</p>
          {failure && (
            <p class="bad">
              {words.failures[failure.kind] ?? failure.kind}: <Value of={failure.detail} />
            </p>
          )}
          {requests.map(({ step, method, url, headers, body }) => (
            <Code key={step} label={`${destination}, ${step}`}>
              {[
                `${method} ${url}`,
                ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
                ...(body == null || body === "" ? [] : ["", text(body)]),
              ].join("\n")}
            </Code>
          ))}
        </section>
      ))}
    </div>
  );
}

export function Form({ name }: { name: string }) {
  const { data, error, reload } = useLoad<AllForms>("/api/forms");
  const form = data?.forms.find((one) => one.form === name);
  if (!form) {
    return (
      <>
        <h1>{name}</h1>
        {data ? <Empty title={words.notFound} /> : <Waiting error={error} retry={reload} />}
      </>
    );
  }
  const shown = fields(form.fields.map((field) => field.name));
  return (
    <>
      <p>
        <a href={to(["forms"])}>← {words.forms}</a>
      </p>
      <h1>
        {name} <Ready form={form} />
      </h1>
      <Wrong form={form} />
      <div class="columns">
        <div>
          <Snippets endpoint={form.endpoint} of={shown} />
          <section class="card" aria-labelledby="seen">
            <h2 id="seen">{words.fieldsSeen}</h2>
            {form.fields.length === 0 ? (
              <p class="hint">{words.noFieldsSeen}</p>
            ) : (
              <table>
                <thead>
                  <tr>
                    <th scope="col">{words.field}</th>
                    <th scope="col">{words.goesTo}</th>
                  </tr>
                </thead>
                <tbody>
                  {form.fields.map((field) => (
                    <tr key={field.name}>
                      <td>
                        <Value of={field.name} />
                      </td>
                      <td>{field.goes_to.join(", ")}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )}
          </section>
        </div>
        <Try form={name} of={shown} />
      </div>
    </>
  );
}
