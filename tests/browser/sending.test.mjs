// How formcourier.js sends: with and without the thank-you page, over bad networks, past blockers, and never twice.

import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, context, form, html, page, posts, site, status, stored, worker } from "./visitor.mjs";

test("a form is sent in the background, then the thank-you page opens", async () => {
  await page.goto(`${site.url}/?utm_source=letter&gclid=g1&secret=no`, { referer: "https://search.example/?q=private" });
  await page.goto(`${site.url}/contact?other=1`);
  await page.fill("[name=name]", "Ada Lovelace");
  await page.fill("[name=email]", "go@example.com");
  await page.fill("textarea", "Two\nlines");
  const requests = posts();
  await page.click("button");
  await page.waitForURL(`${worker.url}/f/contact/thanks`);
  assert.equal(await page.textContent("h1"), "Thank you");
  assert.deepEqual(
    requests.map((request) => request.resourceType()),
    ["fetch"],
  );
  assert.deepEqual(await stored("go@example.com"), {
    name: "Ada Lovelace",
    email: "go@example.com",
    phone: "",
    message: "Two\r\nlines",
    code: "",
    campaign: "autumn",
    action: "offer",
    utm_source: "letter",
    gclid: "g1",
    referrer: "https://search.example/",
    landing_page: `${site.url}/`,
  });
  assert.deepEqual(await context.cookies(), []);
});

test("with data-formcourier-stay the page stays and confirms the message", async () => {
  await page.goto(`${site.url}/stay`);
  await page.evaluate(() => document.addEventListener("formcourier:sent", (event) => (window.sent = event.detail)));
  await page.fill("[name=email]", "stay@example.com");
  await page.click("button");
  await status().getByText("Thank you. Your message has arrived.").waitFor();
  assert.equal(await status().getAttribute("role"), "status");
  assert.equal(await page.inputValue("[name=email]"), "");
  assert.equal(await page.isEnabled("button"), true);
  assert.equal((await page.evaluate(() => window.sent)).next, `${worker.url}/f/contact/thanks`);
  await stored("stay@example.com");
});

test("a page that handles formcourier:sent itself stays open", async () => {
  await page.goto(`${site.url}/contact`);
  await page.evaluate(() =>
    document.addEventListener("formcourier:sent", (event) => {
      event.preventDefault();
      document.querySelector("h1").textContent = event.detail.message;
    }),
  );
  await page.fill("[name=email]", "own@example.com");
  await page.click("button");
  await page.getByRole("heading", { name: "Thank you. Your message has arrived." }).waitFor();
  assert.equal(page.url(), `${site.url}/contact`);
  await stored("own@example.com");
});

test("an offline message is sent once the network is back", async () => {
  await page.goto(`${site.url}/stay`);
  await page.fill("[name=email]", "offline@example.com");
  await context.setOffline(true);
  await page.click("button");
  await status().getByText("You are offline. Your message will be sent as soon as you are back.").waitFor();
  assert.equal(await page.isEnabled("button"), true);
  await context.setOffline(false);
  await status().getByText("Thank you. Your message has arrived.").waitFor();
  await stored("offline@example.com");
});

test("after a lost response the message is sent again and stored once", async () => {
  await page.goto(`${site.url}/stay`);
  await page.fill("[name=email]", "lost@example.com");
  let lost = 0;
  await page.route(`${worker.url}/f/contact`, async (route) => {
    if (lost++) return route.continue();
    await route.fetch();
    await context.setOffline(true);
    await route.abort("connectionreset");
  });
  await page.click("button");
  await status().getByText("You are offline").waitFor();
  await context.setOffline(false);
  await status().getByText("Thank you. Your message has arrived.").waitFor();
  await stored("lost@example.com");
  assert.equal((await worker.submissions("contact")).filter((one) => JSON.stringify(one).includes("lost@example.com")).length, 1);
});

test("text changed after a lost response is a new message", async () => {
  await page.goto(`${site.url}/stay`);
  await page.fill("[name=email]", "changed@example.com");
  let lost = 0;
  await page.route(`${worker.url}/f/contact`, async (route) => {
    if (lost++) return route.continue();
    await route.fetch();
    await context.setOffline(true);
    await route.abort("connectionreset");
  });
  await page.click("button");
  await status().getByText("You are offline").waitFor();
  await page.fill("textarea", "One thing more");
  await context.setOffline(false);
  await status().getByText("Thank you. Your message has arrived.").waitFor();
  assert.equal((await stored("changed@example.com", 2)).message, "One thing more");
});

test("a busy Worker gets the message again after Retry-After", async () => {
  await page.goto(`${site.url}/stay`);
  await page.fill("[name=email]", "busy@example.com");
  const answers = [429, 503];
  await page.route(`${worker.url}/f/contact`, (route) => {
    const status = answers.shift();
    if (!status) return route.continue();
    const headers = { "access-control-allow-origin": "*", "access-control-expose-headers": "Retry-After", "retry-after": "1" };
    return route.fulfill({ status, headers, contentType: "application/json", body: '{"ok":false,"error":"BUSY","errors":[]}' });
  });
  await page.click("button");
  await status().getByText("It could not be sent yet. Trying again in a moment.").waitFor();
  await status().getByText("Thank you. Your message has arrived.").waitFor();
  assert.deepEqual(answers, []);
  await stored("busy@example.com");
});

test("a website that may not post shows the reason on its page", async () => {
  site.pages["/elsewhere"] = html(form("", "/f/elsewhere"));
  await page.goto(`${site.url}/elsewhere`);
  await page.fill("[name=email]", "elsewhere@example.com");
  await page.click("button");
  await status().getByText("This website is not allowed to send to this form.").waitFor();
  assert.equal(page.url(), `${site.url}/elsewhere`);
});

test("if the script's request is blocked, the browser posts the form with the same key", async () => {
  await page.goto(`${site.url}/contact`);
  await page.fill("[name=email]", "blocked@example.com");
  const requests = posts();
  await page.route(`${worker.url}/f/contact`, (route) =>
    route.request().resourceType() === "fetch" ? route.abort("blockedbyclient") : route.continue(),
  );
  await page.click("button");
  await page.waitForURL(`${worker.url}/f/contact/thanks`);
  assert.deepEqual(
    requests.map((request) => request.resourceType()),
    ["fetch", "document"],
  );
  const [first, second] = requests.map((request) => new URLSearchParams(request.postData()).get("_id"));
  assert.equal(first, second);
  await stored("blocked@example.com");
  await page.goto(`${site.url}/`);
  assert.equal(await page.evaluate(() => localStorage.length), 0);
});

test("a policy that forbids the script to connect does not block the form", async () => {
  site.pages["/policy"] = html(form()).replace(
    "<title>",
    `<meta http-equiv="Content-Security-Policy" content="connect-src 'self'"><title>`,
  );
  await page.goto(`${site.url}/policy`);
  await page.fill("[name=name]", "Ada");
  await page.fill("[name=email]", "policy@example.com");
  await page.click("button");
  await page.waitForURL(`${worker.url}/f/contact/thanks`);
  assert.equal((await stored("policy@example.com")).action, "offer");
});

test("a double click sends once, and the button is disabled meanwhile", async () => {
  await page.goto(`${site.url}/stay`);
  await page.fill("[name=email]", "double@example.com");
  const requests = posts();
  let release;
  await page.route(`${worker.url}/f/contact`, (route) => new Promise((done) => (release = () => done(route.continue()))));
  await page.dblclick("button");
  await page.evaluate(() => document.forms[0].requestSubmit());
  assert.equal(await page.isDisabled("button"), true);
  assert.equal(await page.getAttribute("form", "aria-busy"), "true");
  // A screen reader may never announce what is inside a busy element.
  assert.equal(await status().getAttribute("aria-busy"), "false");
  assert.equal(await status().textContent(), "Sending…");
  release();
  await status().getByText("Thank you. Your message has arrived.").waitFor();
  assert.equal(requests.length, 1);
  assert.equal(await page.getAttribute("form", "aria-busy"), null);
  await stored("double@example.com");
});

test("multipart forms, field names that shadow properties, and the pressed button are sent as they are", async () => {
  site.pages["/odd"] = html(`<form action="${worker.url}/f/contact" method="post" enctype="multipart/form-data" data-formcourier-stay>
    <input name="id" value="7"><input name="submit" value="s"><input name="method" value="m"><input name="email" value="odd@example.com">
    <input type="checkbox" name="topic" value="a" checked><input type="checkbox" name="topic" value="b" checked>
    <button name="kind" value="offer">Offer</button><button name="kind" value="call">Call</button></form>`);
  await page.goto(`${site.url}/odd`);
  const requests = posts();
  await page.getByRole("button", { name: "Call" }).click();
  await status().getByText("Thank you. Your message has arrived.").waitFor();
  assert.match(await requests[0].headerValue("content-type"), /^multipart\/form-data/);
  const { landing_page: _, ...fields } = await stored("odd@example.com");
  assert.deepEqual(fields, { id: "7", submit: "s", method: "m", email: "odd@example.com", topic: ["a", "b"], kind: "call" });
});
