// Unmodified form libraries and the sample scripts of form services in a real Chromium. Each shows the error of a wrong email,
// then the thanks after a correction, and a double click makes exactly one lead.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { build } from "esbuild";
import { launch } from "../browser/chromium.mjs";
import { root, startSite, startWorker } from "../browser/world.mjs";

const EMAIL = "Please enter an email address, such as name@example.com.";
const THANKS = "Thank you. Your message has arrived.";
const THANKS_PAGE = "Thank you";

const FIELDS = '<input name="email"><textarea name="message"></textarea><button>Send</button>';
const form = (attributes, fields = FIELDS) => `<form id="form" ${attributes}>${fields}</form><p id="result" role="status"></p>`;

// For scripts that handle the submit themselves. `ACTION` is the form's address.
const onSubmit = (work) => `
  const form = document.getElementById("form"), result = document.getElementById("result");
  const show = (text) => (result.textContent = text);
  const errors = (answer) => answer.errors.map((error) => error.message).join(" ");
  form.addEventListener("submit", async (event) => { event.preventDefault(); ${work} });`;

const entries = "Object.fromEntries(new FormData(form))";

// name: what is tested. host: "own" if the Worker has a route on the website's host, else the Worker is on another site.
// body and script: the page. error and thanks: the texts that it shows; without `error` the client cannot show one.
const CLIENTS = [
  {
    name: "a form for Netlify with its action changed",
    body: (action) =>
      form(
        `action="${action}" name="contact" method="POST" data-netlify="true" netlify-honeypot="bot-field"`,
        `<input type="hidden" name="form-name" value="contact"><p hidden><input name="bot-field"></p>${FIELDS}`,
      ),
    thanks: THANKS_PAGE,
  },
  {
    name: "Netlify's sample script, reading the reply",
    body: () => form('name="contact" data-netlify="true"', `<input type="hidden" name="form-name" value="contact">${FIELDS}`),
    script: onSubmit(`fetch(ACTION, {
        method: "POST",
        headers: { "Content-Type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams(new FormData(form)).toString(),
      }).then(async (response) => show(response.ok ? "Thank you for your submission" : errors(await response.json())));`),
    thanks: "Thank you for your submission",
  },
  {
    name: "Formspree's sample script",
    body: (action) => form(`action="${action}" method="POST"`),
    script: onSubmit(`fetch(event.target.action, { method: form.method, body: new FormData(event.target), headers: { Accept: "application/json" } })
      .then((response) => {
        if (response.ok) { show("Thanks for your submission!"); form.reset(); }
        else response.json().then((data) => show(Object.hasOwn(data, "errors") ? data.errors.map((error) => error.message).join(", ") : "Oops!"));
      }).catch(() => show("Oops!"));`),
    thanks: "Thanks for your submission!",
  },
  {
    name: "Web3Forms' sample script",
    path: "web3forms",
    body: () => form("", `<input type="hidden" name="access_key" value="00000000-0000-4000-8000-000000000000">${FIELDS}`),
    script: onSubmit(`show("Please wait...");
      fetch(ACTION, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify(${entries}),
      }).then(async (response) => show((await response.json()).message)).catch(() => show("Something went wrong!"));`),
    // It shows no field's own message.
    error: "Please check what is marked and send it again.",
    thanks: THANKS,
  },
  {
    name: "Formcarry's sample script",
    body: () => form(""),
    script: onSubmit(`fetch(ACTION, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } })
      .then((response) => response.json())
      .then((response) => show(response.code === 200 ? "We received your submission, thank you!" : errors(response)))
      .catch((error) => show(error.message ? error.message : error));`),
    thanks: "We received your submission, thank you!",
  },
  {
    name: "@formcarry/react",
    body: () => '<div id="root"></div>',
    script: `import { createElement as h } from "react";
      import { createRoot } from "react-dom/client";
      import { useForm } from "@formcarry/react";
      function Contact() {
        const { state, submit } = useForm({ id: "contact" });
        if (state.submitted) return h("p", null, "Thank you! We received your submission.");
        return h("form", { onSubmit: submit },
          h("input", { name: "email" }), h("textarea", { name: "message" }), h("button", null, "Send"),
          state.error && h("p", null, state.error.errors.map((error) => error.message).join(" ")));
      }
      createRoot(document.getElementById("root")).render(h(Contact));`,
    // Its address is fixed; the test answers there in place of Formcarry.
    instead: "https://formcarry.com/s/contact",
    thanks: "Thank you! We received your submission.",
  },
  {
    name: "react-hook-form, its Form component",
    body: () => '<div id="root"></div>',
    script: `import { createElement as h, useState } from "react";
      import { createRoot } from "react-dom/client";
      import { Form, useForm } from "react-hook-form";
      function Contact() {
        const { register, control, setError, formState: { errors } } = useForm({ defaultValues: { topics: ["seo", "ads"] } });
        const [sent, setSent] = useState(false);
        if (sent) return h("p", null, "Sent.");
        const onError = async ({ response }) => {
          for (const { field, message } of (await response.json()).errors) setError(field, { message });
        };
        return h(Form, { action: ACTION, control, onSuccess: () => setSent(true), onError },
          h("input", register("email")), errors.email && h("p", null, errors.email.message),
          h("textarea", register("message")), h("button", null, "Send"));
      }
      createRoot(document.getElementById("root")).render(h(Contact));`,
    more: { topics: ["seo", "ads"] },
    thanks: "Sent.",
  },
  {
    name: "axios, JSON",
    body: () => form(""),
    script: `import axios from "axios"; ${onSubmit(`axios.post(ACTION, ${entries})
      .then(({ data }) => show(data.message)).catch((error) => show(error.response ? errors(error.response.data) : error.message));`)}`,
    thanks: THANKS,
  },
  {
    name: "axios, a form with credentials",
    body: () => form(""),
    script: `import axios from "axios"; ${onSubmit(`axios.postForm(ACTION, form, { withCredentials: true })
      .then(({ data }) => show(data.message)).catch((error) => show(error.response ? errors(error.response.data) : error.message));`)}`,
    thanks: THANKS,
  },
  {
    name: "jQuery, serialize",
    body: () => form(""),
    script: `import $ from "jquery"; $("#form").on("submit", function (event) {
      event.preventDefault();
      $.ajax({ type: "POST", url: ACTION, data: $(this).serialize(), dataType: "json" })
        .done((data) => $("#result").text(data.message))
        .fail((xhr) => $("#result").text(xhr.responseJSON ? xhr.responseJSON.errors.map((error) => error.message).join(" ") : "failed"));
    });`,
    thanks: THANKS,
  },
  {
    name: "ky",
    body: () => form(""),
    script: `import ky from "ky"; ${onSubmit(`try { show((await ky.post(ACTION, { json: ${entries} }).json()).message); }
      catch (error) { show(error.response ? errors(await error.response.json()) : error.message); }`)}`,
    thanks: THANKS,
  },
  {
    name: "superagent",
    body: () => form(""),
    script: `import request from "superagent"; ${onSubmit(`request.post(ACTION).type("form").send(${entries})
      .then((response) => show(response.body.message), (error) => show(error.response ? errors(error.response.body) : error.message));`)}`,
    thanks: THANKS,
  },
  {
    name: "Alpine with fetch",
    body: () => `<form x-data="{ text: '', async send() {
        const reply = await fetch(ACTION, { method: 'POST', body: new FormData($el), headers: { Accept: 'application/json' } });
        const answer = await reply.json();
        this.text = answer.ok ? answer.message : answer.errors[0].message;
      } }" @submit.prevent="send">${FIELDS}<p x-text="text"></p></form>`,
    script: 'import Alpine from "alpinejs"; Alpine.start();',
    thanks: THANKS,
  },
  {
    name: "htmx, hx-post",
    host: "own",
    body: (action) => `<main>${form(`hx-post="${action}" hx-target="main" hx-select="main" hx-swap="outerHTML"`)}</main>`,
    script: 'import "htmx.org";',
    thanks: THANKS_PAGE,
  },
  {
    name: "htmx, hx-boost",
    host: "own",
    body: (action) => `<div hx-boost="true">${form(`action="${action}" method="post"`)}</div>`,
    script: 'import "htmx.org";',
    thanks: THANKS_PAGE,
  },
  {
    name: "htmx, hx-post to another site",
    body: (action) => `<main>${form(`hx-post="${action}" hx-target="main" hx-select="main" hx-swap="outerHTML"`)}</main>`,
    script: 'import htmx from "htmx.org"; htmx.config.selfRequestsOnly = false;',
    thanks: THANKS_PAGE,
  },
  {
    name: "unpoly",
    host: "own",
    body: (action) => `<main>${form(`action="${action}" method="post" up-submit up-target="main" up-fail-target="main"`)}</main>`,
    script: 'import "unpoly";',
    thanks: THANKS_PAGE,
  },
  {
    name: "Turbo Drive",
    host: "own",
    body: (action) => form(`action="${action}" method="post"`),
    script: 'import "@hotwired/turbo";',
    thanks: THANKS_PAGE,
  },
  {
    name: "a Turbo frame",
    host: "own",
    body: (action) => `<turbo-frame id="contact">${form(`action="${action}" method="post"`)}</turbo-frame>`,
    // The pages have no frame; this is how Turbo's handbook shows such a page.
    script: `import "@hotwired/turbo"; document.addEventListener("turbo:frame-missing", (event) => {
      event.preventDefault();
      event.detail.visit(event.detail.response);
    });`,
    thanks: THANKS_PAGE,
  },
  ...[
    ["JSON", 'new Blob([JSON.stringify(values)], { type: "application/json" })'],
    ["JSON as a string", "JSON.stringify(values)"],
    ["a form", "new FormData(form)"],
  ].map(([kind, data]) => ({
    name: `sendBeacon, ${kind}`,
    body: () => form(""),
    script: onSubmit(`const values = ${entries}; show(navigator.sendBeacon(ACTION, ${data}) ? "Queued" : "Not queued");`),
    error: null,
    thanks: "Queued",
  })),
];

let worker, site, ownHost, browser;

before(async () => {
  const start = startWorker({
    FORM_CONTACT: { destinations: ["hook"], required: ["email"] },
    FORM_WEB3FORMS: { destinations: ["hook"], required: ["email"], dialect: "web3forms" },
  });
  const scripts = await Promise.all(CLIENTS.map((client) => bundle(client.script ?? "")));
  worker = await start;
  const pages = {};
  for (const [place, { host, path = "contact", body }] of CLIENTS.entries()) {
    const action = `${host === "own" ? "" : worker.url}/f/${path}`;
    pages[`/${place}`] = `<!doctype html><html lang="en"><meta charset="utf-8"><title>A website</title>
      <meta name="htmx-config" content='{"responseHandling":[{"code":"204","swap":false},{"code":"...","swap":true}]}'>
      <body>${body(action)}<script>var ACTION = "${action}";</script><script src="/${place}.js"></script>`;
    pages[`/${place}.js`] = { type: "text/javascript", body: scripts[place] };
  }
  site = await startSite(pages);
  ownHost = await startSite(pages, worker);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  site?.end();
  ownHost?.end();
  worker?.end();
});

async function bundle(contents) {
  const result = await build({
    bundle: true,
    write: false,
    format: "iife",
    define: { "process.env.NODE_ENV": '"production"' },
    stdin: { contents, resolveDir: root },
    logLevel: "error",
  });
  return result.outputFiles[0].text;
}

describe("clients", { concurrency: 4 }, () => {
  for (const [place, client] of CLIENTS.entries()) {
    const { name, host, path = "contact", error = EMAIL, thanks, more = {}, instead } = client;
    test(name, async (t) => {
      const page = await browser.newPage({ locale: "en-US" });
      t.after(() => page.close());
      page.setDefaultTimeout(15_000);
      const thrown = [];
      page.on("pageerror", (problem) => thrown.push(problem));
      const open = new Set();
      page.on("request", (request) => request.method() === "POST" && open.add(request));
      for (const event of ["requestfinished", "requestfailed"]) page.on(event, (request) => open.delete(request));
      if (instead) {
        await page.route(instead, async (route) => route.fulfill({ response: await route.fetch({ url: `${worker.url}/f/${path}` }) }));
      }

      const email = `client-${place}@example.com`;
      await page.goto(`${(host ? ownHost : site).url}/${place}`);
      await page.fill("[name=message]", "안녕하세요");
      if (error) {
        await page.fill("[name=email]", "wrong");
        await page.click("button");
        await page.getByText(error).first().waitFor();
      }
      await page.fill("[name=email]", email);
      await page.dblclick("button");
      await page.getByText(thanks).first().waitFor();

      assert.deepEqual((await worker.delivered(email)).fields, { email, message: "안녕하세요", ...more });
      for (const end = Date.now() + 5000; open.size && Date.now() < end; ) await page.waitForTimeout(50);
      const leads = (await worker.submissions(path)).filter((one) => JSON.stringify(one.fields).includes(`"${email}"`));
      assert.equal(leads.length, 1);
      assert.deepEqual(thrown, []);
    });
  }
});
