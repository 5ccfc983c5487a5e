// The unmodified @formspree/core in Node, pointed at this Worker.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createClient, isSubmissionError } from "@formspree/core";
import { startWorker } from "../browser/world.mjs";

let worker;

before(async () => {
  worker = await startWorker({
    FORM_CONTACT: { destinations: ["hook"], required: ["email", "message"] },
    FORM_MOVED: { destinations: ["hook"], redirect: "https://www.example.com/thanks?from=form" },
    FORM_BROKEN: { destinations: ["nowhere"] },
  });
});

after(() => worker?.end());

const submit = (form, data) => createClient().submitForm(form, data, { endpoint: worker.url });

const formData = (fields) => {
  const data = new FormData();
  for (const [name, value] of fields) data.append(name, value);
  return data;
};

// The fields that reached the CRM for this email.
const delivered = async (email) => (await worker.delivered(email)).fields;

test("an object, sent as JSON, is a success with the thank-you page as next", async () => {
  const result = await submit("contact", { email: "json@example.com", message: "안녕하세요", topic: ["a", "b"] });
  assert.deepEqual({ ...result }, { kind: "success", next: `${worker.url}/f/contact/thanks` });
  assert.deepEqual(await delivered("json@example.com"), { email: "json@example.com", message: "안녕하세요", topic: ["a", "b"] });
});

test("a client with a project posts to /p/{project}/f/{form} and is accepted", async () => {
  const result = await createClient({ project: "1234567890" }).submitForm("contact", { email: "project@example.com", message: "hi" }, { endpoint: worker.url });
  assert.deepEqual({ ...result }, { kind: "success", next: `${worker.url}/f/contact/thanks` });
  assert.deepEqual(await delivered("project@example.com"), { email: "project@example.com", message: "hi" });
});

test("FormData, sent as multipart, is a success", async () => {
  const data = formData([
    ["email", "parts@example.com"],
    ["message", "Two\r\nlines"],
    ["topic", "a"],
    ["topic", "b"],
  ]);
  const result = await submit("contact", data);
  assert.deepEqual({ ...result }, { kind: "success", next: `${worker.url}/f/contact/thanks` });
  assert.deepEqual(await delivered("parts@example.com"), { email: "parts@example.com", message: "Two\r\nlines", topic: ["a", "b"] });
});

test("next is the form's full redirect", async () => {
  const result = await submit("moved", { email: "moved@example.com" });
  assert.deepEqual({ ...result }, { kind: "success", next: "https://www.example.com/thanks?from=form" });
});

test("all field errors come at once, with codes that the client knows", async () => {
  const result = await submit("contact", { email: "not an address" });
  assert.equal(isSubmissionError(result), true);
  assert.deepEqual(result.getFormErrors(), []);
  assert.deepEqual(result.getAllFieldErrors(), [
    ["message", [{ code: "REQUIRED_FIELD_MISSING", message: "Please fill this in." }]],
    ["email", [{ code: "TYPE_EMAIL", message: "Please enter an email address, such as name@example.com." }]],
  ]);
  const empty = await submit("contact", formData([["email", "a@example.com"], ["message", " "]]));
  assert.deepEqual(empty.getFieldErrors("message"), [{ code: "REQUIRED_FIELD_EMPTY", message: "Please fill this in." }]);
});

test("errors of the whole form have no field", async () => {
  for (const [form, data, code, message] of [
    ["nobody", { email: "a@example.com" }, "FORM_NOT_FOUND", "There is no form at this address. Please check it, or reach the website's owner in another way."],
    ["contact", { email: "" }, "EMPTY", "Nothing was filled in. Please fill in the form and send it again."],
    ["broken", { email: "a@example.com" }, "INACTIVE", "This form is out of order at the moment. Please try again later."],
  ]) {
    const result = await submit(form, data);
    assert.deepEqual({ form: result.getFormErrors(), fields: result.getAllFieldErrors() }, { form: [{ code, message }], fields: [] });
  }
});

test("a file is rejected at its field", async () => {
  const data = formData([
    ["email", "file@example.com"],
    ["message", "Hello"],
  ]);
  data.append("plan", new Blob(["x"], { type: "text/plain" }), "plan.txt");
  const result = await submit("contact", data);
  assert.deepEqual(result.getFieldErrors("plan"), [
    { code: "UNSPECIFIED", message: "This form does not take files. Please send it without the file." },
  ]);
});

test("spam gets a success and is quarantined", async () => {
  const result = await submit("contact", { email: "spam@example.com", message: "Buy", _gotcha: "filled by a bot" });
  assert.deepEqual({ ...result }, { kind: "success", next: `${worker.url}/f/contact/thanks` });
  const [newest] = await worker.submissions("contact");
  assert.deepEqual([newest.reasons, newest.deliveries[0].state], [["honeypot:_gotcha"], "quarantined"]);
});
