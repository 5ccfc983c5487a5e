// `test`: sends one marked lead through a form and follows it to the record in the CRM, by the operator API.

import { randomBytes } from "node:crypto";

import { askSecret, isTerminal } from "./ask.js";
import { check, environment } from "./check.js";

const FINAL = ["delivered", "rejected", "exhausted", "quarantined"];
const ADVICE = {
  quarantined: "it looks like spam to the form; release it, or see docs/spam.md",
  rejected: "fix the cause, then release it",
  exhausted: "every attempt failed",
  pending: "formcourier keeps trying for days; run this again, or raise --timeout",
};

export async function run({ url = "http://localhost:8787", env, field = [], timeout = "60" }, [name]) {
  const environments = check("wrangler.toml", { quiet: true });
  const config = environments && environment(environments, env);
  const form = config && (name ? config.forms.find((it) => it.name === name) : config.forms[0]);
  if (!form) {
    if (config) console.error(`There is no form ${name}; there is ${config.forms.map((it) => it.name).join(", ")}.`);
    return 1;
  }
  if (form.turnstile) {
    console.error(`The form ${form.name} has Turnstile, which only a person in a browser passes. Test it on your website.`);
    return 1;
  }
  const base = url.replace(/\/+$/, "");
  const isLocal = ["localhost", "127.0.0.1"].includes(new URL(base).hostname);
  const id = await send(base, form, field, isLocal);
  return id ? follow(base, form, id, await token("ADMIN_TOKEN", isLocal), Number(timeout) * 1000) : 1;
}

// Posts the lead; the id of the submission, or undefined with the reason printed.
async function send(base, form, given, isLocal) {
  const marker = randomBytes(4).toString("hex");
  const fields = {
    name: "Formcourier Test",
    email: `formcourier-test-${marker}@example.com`,
    message: `Test lead ${marker}, sent by "npx formcourier test". You can delete it.`,
  };
  for (const name of form.required) fields[name] ??= /phone|tel/i.test(name) ? "+1 555 0100" : "Test";
  for (const pair of given) fields[pair.split("=", 1)[0]] = pair.slice(pair.indexOf("=") + 1);
  const headers = { Accept: "application/json", "Idempotency-Key": marker };
  if (form.origin) headers.Origin = form.origin;
  if (form.token) headers.Authorization = `Bearer ${await token(form.token, isLocal)}`;
  let response;
  try {
    response = await fetch(`${base}/f/${form.name}`, { method: "POST", headers, body: new URLSearchParams(fields) });
  } catch (error) {
    console.error(`${base} does not answer: ${error.cause?.message ?? error.message}. Is \`npx formcourier dev\` running?`);
    return undefined;
  }
  const reply = await response.json().catch(() => ({}));
  if (reply.ok) {
    console.log(`Sent as ${fields.email} (${marker}) to ${base}/f/${form.name}: submission ${reply.id}`);
    return reply.id;
  }
  console.error(`The form refused it: ${response.status} ${reply.error ?? ""} ${reply.message ?? ""}`);
  for (const error of reply.errors ?? []) console.error(`  ${error.field}: ${error.message} (--field ${error.field}=...)`);
  return undefined;
}

async function follow(base, form, id, adminToken, patience) {
  const end = Date.now() + patience;
  const headers = { Authorization: `Bearer ${adminToken}` };
  for (;;) {
    const response = await fetch(`${base}/api/forms/${form.name}/submissions/${id}`, { headers });
    const view = await response.json().catch(() => ({}));
    if (!response.ok) {
      console.error(`The submission cannot be read: ${response.status} ${view.error ?? ""}`);
      return 1;
    }
    if (view.deliveries.every(({ state }) => FINAL.includes(state)) || Date.now() > end) return report(view.deliveries);
    await new Promise((done) => setTimeout(done, 300));
  }
}

function report(deliveries) {
  for (const { destination, state, record, failure } of deliveries) {
    const ending = record ? `record ${record.id}${record.note ? ` (${record.note})` : ""}` : ADVICE[state];
    const why = failure ? `: ${failure.kind}, ${failure.detail}` : "";
    console.log(`  ${destination}: ${state}${why}; ${ending}`);
  }
  return deliveries.every(({ state }) => state === "delivered") ? 0 : 1;
}

// A secret of the Worker, which this machine does not know: from the environment, or asked for.
async function token(name, isLocal) {
  if (process.env[name]) return process.env[name];
  if (isLocal) return "development";
  return isTerminal() ? askSecret(`${name} (it is not shown): `) : "";
}
