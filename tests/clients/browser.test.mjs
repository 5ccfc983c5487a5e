// The unmodified @formspree/ajax and @formspree/react in a real Chromium, pointed at this Worker from another origin.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { build } from "esbuild";
import { launch } from "../browser/chromium.mjs";
import { root, startSite, startWorker } from "../browser/world.mjs";

let worker, site, browser, page, thrown;

const PAGE = (body, script) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>A website</title><body>${body}
  <script>var WORKER = "${worker.url}"; var FORM = new URLSearchParams(location.search).get("form") || "contact";</script>
  <script src="${script}"></script>`;

// As their README shows it.
const AJAX_FORM = `<div data-fs-success></div><div data-fs-error></div>
  <form id="contact-form" novalidate>
    <label>Email <input type="email" name="email" data-fs-field></label><span data-fs-error="email"></span>
    <label>Message <textarea name="message" data-fs-field></textarea></label><span data-fs-error="message"></span>
    <input name="_gotcha" style="position:absolute;left:-9999px" tabindex="-1" autocomplete="off">
    <button type="submit" data-fs-submit-btn>Send</button>
  </form>`;

const AJAX = `import { initForm } from "@formspree/ajax";
  window.initForm = initForm;
  initForm({ formElement: "#contact-form", formId: FORM, origin: WORKER, data: { source: "website", empty: () => undefined } });`;

// The package's own bundle for a script tag, which is started by a queue.
const AJAX_TAG = `window.formspree = window.formspree || function () { (formspree.q = formspree.q || []).push(arguments); };
  formspree("initForm", { formElement: "#contact-form", formId: FORM, origin: WORKER });`;

const REACT = `import { createElement as h } from "react";
  import { createRoot } from "react-dom/client";
  import { useForm, ValidationError } from "@formspree/react";
  function Contact() {
    const [state, submit] = useForm(FORM, { endpoint: WORKER, data: { source: "website" } });
    if (state.succeeded) return h("p", null, "Thanks! Next: " + state.result.next);
    return h("form", { onSubmit: submit, noValidate: true },
      h("input", { name: "email", "aria-label": "Email" }),
      h(ValidationError, { field: "email", prefix: "Email:", errors: state.errors, className: "email-error" }),
      h("textarea", { name: "message", "aria-label": "Message" }),
      h(ValidationError, { field: "message", errors: state.errors, className: "message-error" }),
      h("input", { name: "_gotcha", hidden: true }),
      h(ValidationError, { errors: state.errors, className: "form-error" }),
      h("button", { disabled: state.submitting }, "Send"));
  }
  createRoot(document.getElementById("root")).render(h(Contact));`;

const bundle = async (contents) => {
  const result = await build({
    bundle: true,
    write: false,
    format: "iife",
    define: { "process.env.NODE_ENV": '"production"' },
    // The `browser` field of @formspree/ajax names its script for a tag, which exports nothing.
    mainFields: ["module", "main"],
    stdin: { contents, resolveDir: root },
    logLevel: "error",
  });
  return { type: "text/javascript", body: result.outputFiles[0].text };
};

before(async () => {
  const start = startWorker({
    FORM_CONTACT: { destinations: ["hook"], required: ["email", "message"] },
    FORM_MOVED: { destinations: ["hook"], redirect: "https://www.example.com/thanks" },
  });
  const [ajax, react] = await Promise.all([bundle(AJAX), bundle(REACT)]);
  worker = await start;
  const tag = await readFile(`${root}/node_modules/@formspree/ajax/dist/global.js`, "utf8");
  site = await startSite({
    "/ajax": PAGE(AJAX_FORM, "/ajax.js"),
    "/ajax.js": ajax,
    "/tag": PAGE(AJAX_FORM, "/tag.js"),
    "/tag.js": { type: "text/javascript", body: `${AJAX_TAG}\n${tag}` },
    "/react": PAGE('<div id="root"></div>', "/react.js"),
    "/react.js": react,
  });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  site?.end();
  worker?.end();
});

beforeEach(async () => {
  page = await browser.newPage({ locale: "en-US" });
  thrown = [];
  page.on("pageerror", (error) => thrown.push(error));
});

afterEach(async () => {
  await page.close();
  assert.deepEqual(thrown, []);
});

async function fill(fields) {
  for (const [name, value] of Object.entries(fields)) {
    if (name === "_gotcha") await page.locator("[name=_gotcha]").evaluate((el, text) => (el.value = text), value);
    else await page.fill(`[name=${name}]`, value);
  }
  await page.dblclick("button");
}

// A double click makes one lead.
async function delivered(email) {
  const { fields } = await worker.delivered(email);
  await page.waitForLoadState("networkidle");
  const all = await Promise.all(["contact", "moved"].map((form) => worker.submissions(form)));
  assert.equal(all.flat().filter((one) => JSON.stringify(one.fields).includes(`"${email}"`)).length, 1);
  return fields;
}

async function quarantined(email) {
  const found = (await worker.submissions("contact")).find((one) => JSON.stringify(one.fields).includes(email));
  assert.deepEqual([found.reasons, found.deliveries[0].state], [["honeypot:_gotcha"], "quarantined"]);
}

const error = (field) => page.locator(`[data-fs-error="${field}"]`);

for (const path of ["/ajax", "/tag"]) {
  test(`@formspree/ajax at ${path}: success`, async () => {
    await page.goto(site.url + path);
    const email = `${path.slice(1)}@example.com`;
    const preflight = page.waitForResponse((response) => response.request().method() === "POST");
    await fill({ email, message: "안녕하세요" });
    const sent = (await preflight).request();
    await page.locator("[data-fs-success]").getByText("Thank you!").waitFor();
    // These two headers cause a preflight, which the Worker allows.
    assert.match(await sent.headerValue("formspree-client"), /^@formspree\/ajax @formspree\/core@/);
    assert.ok(await sent.headerValue("formspree-session-data"));
    const source = path === "/ajax" ? { source: "website" } : {};
    assert.deepEqual(await delivered(email), { email, message: "안녕하세요", ...source });
    assert.equal(await page.inputValue("textarea"), "");
  });
}

test("@formspree/ajax: errors are shown at their fields", async () => {
  await page.goto(`${site.url}/ajax`);
  await fill({ email: "not an address" });
  await error("message").getByText("Please fill this in.").waitFor();
  assert.equal(await error("email").textContent(), "Please enter an email address, such as name@example.com.");
  assert.equal(await page.getAttribute("[name=email]", "aria-invalid"), "true");
  assert.equal(await page.getAttribute("textarea", "aria-invalid"), "true");
  assert.equal(await page.isEnabled("button"), true);
  await fill({ email: "again@example.com", message: "Corrected" });
  await page.locator("[data-fs-success]").getByText("Thank you!").waitFor();
  assert.equal(await error("email").textContent(), "");
  await delivered("again@example.com");
});

test("@formspree/ajax: an unknown form", async () => {
  await page.goto(`${site.url}/ajax?form=nobody`);
  await fill({ email: "nobody@example.com", message: "Hello" });
  await error("").getByText("There is no form at this address.").waitFor();
});

test("@formspree/ajax: spam gets a success", async () => {
  await page.goto(`${site.url}/ajax`);
  await fill({ email: "ajax-spam@example.com", message: "Buy", _gotcha: "a bot" });
  await page.locator("[data-fs-success]").getByText("Thank you!").waitFor();
  await quarantined("ajax-spam@example.com");
});

test("@formspree/react: success, with the thank-you page or the form's redirect as next", async () => {
  await page.goto(`${site.url}/react`);
  await fill({ email: "react@example.com", message: "Hello" });
  await page.getByText(`Thanks! Next: ${worker.url}/f/contact/thanks`).waitFor();
  assert.deepEqual(await delivered("react@example.com"), { email: "react@example.com", message: "Hello", source: "website" });
  await page.goto(`${site.url}/react?form=moved`);
  await fill({ email: "moved@example.com" });
  await page.getByText("Thanks! Next: https://www.example.com/thanks").waitFor();
});

test("@formspree/react: errors are shown at their fields, then success", async () => {
  await page.goto(`${site.url}/react`);
  await fill({ email: "not an address" });
  await page.locator(".message-error").getByText("Please fill this in.").waitFor();
  assert.equal(
    await page.locator(".email-error").textContent(),
    "Email: Please enter an email address, such as name@example.com.",
  );
  assert.equal(await page.locator(".form-error").count(), 0);
  await fill({ email: "corrected@example.com", message: "Corrected" });
  await page.getByText("Thanks!").waitFor();
  await delivered("corrected@example.com");
});

test("@formspree/react: an unknown form, and spam", async () => {
  await page.goto(`${site.url}/react?form=nobody`);
  await fill({ email: "nobody@example.com", message: "Hello" });
  await page.locator(".form-error").getByText("There is no form at this address.").waitFor();
  await page.goto(`${site.url}/react`);
  await fill({ email: "react-spam@example.com", message: "Buy", _gotcha: "a bot" });
  await page.getByText("Thanks!").waitFor();
  await quarantined("react-spam@example.com");
});
