// Shared by the tests of formcourier.js: a Worker, a website of another origin whose pages load the script, and a new visitor
// for each test. The exports change with each test.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach } from "node:test";
import { launch } from "./chromium.mjs";
import { startSite, startWorker } from "./world.mjs";

export let worker, site, browser, context, page;
let thrown;

// Fields of a contact form; `attributes` go to the form.
export const form = (attributes = "", path = "/f/contact") => `
  <form action="${worker.url}${path}" method="post" ${attributes}>
    <label>Name <input name="name" autocomplete="name"></label>
    <label>Email <input name="email" type="email" required></label>
    <label>Phone <input name="phone" type="tel"></label>
    <label>Message <textarea name="message"></textarea></label>
    <input name="code" type="password">
    <input type="hidden" name="campaign" value="autumn">
    <button name="action" value="offer">Send</button>
  </form>`;

export const html = (body) => `<!doctype html><html lang="en"><meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1"><title>A website</title>
  <script src="${worker.url}/formcourier.js" defer></script><body><h1>Contact</h1>${body}`;

before(async () => {
  worker = await startWorker({
    FORM_CONTACT: { destinations: ["hook"], required: ["email"] },
    FORM_SECOND: { destinations: ["hook"], required: ["email", "phone"] },
    FORM_ELSEWHERE: { destinations: ["hook"], allowed_origins: ["https://www.example.com"] },
  });
  site = await startSite({});
  site.pages["/"] = html("<p>Welcome</p>");
  site.pages["/contact"] = html(form());
  site.pages["/stay"] = html(form("data-formcourier-stay novalidate"));
  browser = await launch();
});

after(async () => {
  await browser?.close();
  site?.end();
  worker?.end();
});

beforeEach(async () => {
  context = await browser.newContext({ locale: "en-US" });
  page = await context.newPage();
  thrown = [];
  // Tests are faster than any person, so no stamp: the time check would quarantine them.
  await context.route("**/start", (route) => route.abort());
  page.on("pageerror", (error) => thrown.push(error));
});

afterEach(async () => {
  await context.close();
  assert.deepEqual(thrown, []);
});

export const status = () => page.locator(".formcourier-status");

// The fields of the latest of exactly `count` submissions with this email.
export async function stored(email, count = 1) {
  let found = [];
  for (const end = Date.now() + 10_000; Date.now() < end && found.length < count; ) {
    found = (await worker.received(1)).filter((data) => data.fields.email === email);
  }
  assert.equal(found.length, count, `submissions of ${email}`);
  // Ids are in the order of submission; deliveries may overtake each other.
  return found.sort((a, b) => (a.id < b.id ? -1 : 1)).at(-1).fields;
}

export const posts = () => {
  const seen = [];
  page.on("request", (request) => request.method() === "POST" && seen.push(request));
  return seen;
};
