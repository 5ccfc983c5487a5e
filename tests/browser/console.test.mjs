// The console in a real browser against the real Worker and the fake CRMs: every page at desktop and phone width, light and
// dark; what an operator does there; and that nothing a visitor wrote is more than text.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { launch } from "./chromium.mjs";
import { root, startSite, startWorker, TEXTS } from "./world.mjs";

const AXE = readFileSync(`${root}/console/node_modules/axe-core/axe.min.js`, "utf8");
// SCREENSHOTS=folder keeps a picture of every page.
const pictures = process.env.SCREENSHOTS;
if (pictures) mkdirSync(pictures, { recursive: true });

const HOSTILE = {
  name: `<img src=x onerror="window.hacked = 1">`,
  email: "hostile@example.com",
  message: `"><script>window.hacked = 1</script> ' \` \${1} </textarea> \u202Edesrever\u202C أهلا`,
  "<b>field</b>": "=HYPERLINK(\"http://example.com\")",
};

let worker, browser, context, page, faults;

before(async () => {
  worker = await startWorker({
    // Without the content check, which would quarantine the hostile values.
    FORM_CONTACT: { destinations: ["hook"], required: ["email"], spam: "off" },
    FORM_QUOTE: { destinations: ["hook", "salesmap"], spam: "off" },
    DESTINATION_SALESMAP: { type: "salesmap", retry: ["100ms"] },
    DESTINATION_HOOK: {
      type: "webhook", url: "https://hooks.example.com/catch", retry: ["100ms", "100ms"], timeout: "2s",
      record_url: "https://crm.example.com/leads/{id}",
    },
  });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  worker?.end();
});

// A browser that is signed in. Whatever a page reports about itself is a fault.
async function open(options = {}) {
  const opened = await browser.newContext({ locale: "en-US", viewport: { width: 1280, height: 800 }, ...options });
  opened.setDefaultTimeout(10_000);
  const cookie = await signIn();
  await opened.addCookies([{ name: "formcourier", value: cookie, url: worker.url }]);
  await opened.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`));
  });
  return opened;
}

let cookie;
async function signIn() {
  if (cookie) return cookie;
  const headers = { "content-type": "application/json", origin: worker.url };
  const body = JSON.stringify({ token: TEXTS.ADMIN_TOKEN });
  const reply = await fetch(`${worker.url}/console/session`, { method: "POST", headers, body });
  assert.equal(reply.status, 204, await reply.text());
  return (cookie = /formcourier=([^;]*)/.exec(reply.headers.get("set-cookie"))[1]);
}

function watch(one) {
  one.on("pageerror", (error) => faults.push(String(error)));
  // A refusal that a test asks for is a message of the browser too.
  one.on("console", (message) => message.type() === "error" && !/the server responded with a status of 4/.test(message.text()) && faults.push(message.text()));
  return one;
}

beforeEach(async () => {
  faults = [];
  context = await open();
  page = watch(await context.newPage());
});

afterEach(async () => {
  await context.close();
  assert.deepEqual(faults, []);
});

const go = (hash) => page.goto(`${worker.url}/console/${hash}`);
const api = async (path, options = {}) => {
  const reply = await fetch(`${worker.url}${path}`, { ...options, headers: { authorization: `Bearer ${TEXTS.ADMIN_TOKEN}`, ...options.headers } });
  return reply.headers.get("content-type")?.includes("json") ? reply.json() : reply.text();
};
const mood = (name, fake = "webhook") => fetch(`${worker.fakes}/mood/${fake}/${name}`, { method: "POST", redirect: "manual" });

// Posts a lead as a script of the website does; its id.
async function send(form, fields) {
  const body = new URLSearchParams({ name: "Ada Lovelace", message: "Hello", ...fields });
  const reply = await fetch(`${worker.url}/f/${form}`, { method: "POST", headers: { accept: "application/json" }, body });
  const { ok, id, message } = await reply.json();
  assert.ok(ok, message);
  return id;
}

// Waits until every delivery of a lead is in this state.
async function settled(form, id, state = "delivered") {
  let states = [];
  for (const end = Date.now() + 20_000; Date.now() < end; await new Promise((done) => setTimeout(done, 50))) {
    states = (await api(`/api/forms/${form}/submissions/${id}`)).deliveries.map((delivery) => delivery.state);
    if (states.every((one) => one === state)) return;
  }
  assert.fail(`${id} is ${states}, not ${state}`);
}

const notice = (text) => page.locator(".notices").getByText(text).waitFor();
const heading = (name) => page.getByRole("heading", { name, level: 1 }).waitFor();

// Serious faults of accessibility, as axe-core finds them.
async function inspect(one, name) {
  // Evaluated as a script of the debugger, which no policy of the page concerns.
  await one.evaluate(AXE);
  const { violations } = await one.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  assert.deepEqual(serious.map(({ id, nodes }) => [name, id, nodes[0].html, nodes[0].failureSummary]), []);
  const overflow = await one.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `${name} is ${overflow} px too wide`);
  assert.equal(await one.evaluate(() => window.hacked), undefined, name);
}

const VIEWS = [
  ["desktop light", { viewport: { width: 1280, height: 800 }, colorScheme: "light" }],
  ["desktop dark", { viewport: { width: 1280, height: 800 }, colorScheme: "dark", locale: "ko-KR" }],
  ["phone light", { viewport: { width: 360, height: 720 }, colorScheme: "light", locale: "ko-KR" }],
  ["phone dark", { viewport: { width: 360, height: 720 }, colorScheme: "dark" }],
];

test("every page holds hostile values as text, in both languages, widths and colors, and axe finds no serious fault", async () => {
  await mood("refusing");
  const rejected = await send("contact", HOSTILE);
  await settled("contact", rejected, "rejected");
  await mood("well");
  const suspected = await send("contact", { email: "bot@example.com", _gotcha: "filled" });
  const id = await send("quote", HOSTILE);
  await settled("quote", id);
  const pages = [
    ["overview", "", ".numbers"],
    ["inbox", "#/inbox", ".list li"],
    ["lead", `#/lead/quote/${id}`, ".timeline li"],
    ["rejected", `#/lead/contact/${rejected}`, ".timeline li"],
    ["suspected", `#/lead/contact/${suspected}`, ".card.warn"],
    ["forms", "#/forms", "article"],
    ["form", "#/forms/quote", ".code"],
    ["people", "#/people", ".filters"],
    ["missing", "#/nowhere", ".empty"],
  ];
  for (const [view, options] of VIEWS) {
    const own = await open(options);
    const one = watch(await own.newPage());
    await one.goto(`${worker.url}/console/`);
    for (const [name, hash, marker] of pages) {
      await one.evaluate((hash) => (location.hash = hash), hash || "#/");
      await one.locator(marker).first().waitFor();
      if (name === "form") {
        await one.locator(".fields input[type=email]").fill("hostile@example.com");
        await one.locator(".fields textarea").fill(HOSTILE.message);
        await one.getByRole("button", { name: /^(Preview|미리보기)$/ }).click();
        await one.locator(".result section").first().waitFor();
      }
      if (name === "people") {
        await one.locator("input[type=email]").fill(HOSTILE.email);
        await one.keyboard.press("Enter");
        await one.locator(".list li").first().waitFor();
      }
      await inspect(one, `${name}, ${view}`);
      if (pictures) await one.screenshot({ path: `${pictures}/${name}-${view.replace(" ", "-")}.png`, fullPage: true });
    }
    await one.evaluate((hash) => (location.hash = hash), `#/lead/quote/${id}`);
    await one.locator(".timeline li").filter({ hasText: options.locale ? "→ 전달됨" : "→ delivered" }).first().waitFor();
    const fields = one.locator(".pairs").first();
    for (const [name, value] of Object.entries(HOSTILE)) {
      await fields.getByText(value.split("\n")[0], { exact: true }).waitFor();
      await fields.getByText(name, { exact: true }).waitFor();
    }
    await own.close();
  }
  await api("/api/erase", { method: "POST", body: JSON.stringify({ email: HOSTILE.email }) });
  await api(`/api/forms/contact/submissions/${suspected}`, { method: "DELETE" });
});

test("a wrong token is refused with what to do, the right one opens the overview, and signing out ends the session", async () => {
  await context.clearCookies();
  await go("");
  await page.getByLabel("Token").fill("a wrong one");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("That is not the token").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "token");
  await inspect(page, "login");
  if (pictures) await page.screenshot({ path: `${pictures}/login-desktop-light.png` });
  await page.getByLabel("Token").fill(TEXTS.ADMIN_TOKEN);
  await page.keyboard.press("Enter");
  await heading("Overview");
  const [session] = await context.cookies();
  assert.deepEqual([session.httpOnly, session.sameSite], [true, "Strict"]);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Token").waitFor();
  // Signing out ends every session of the operator, not only this browser's.
  cookie = undefined;
  await page.reload();
  await page.getByLabel("Token").waitFor();
});

test("a session that has ended leads to the login, and the language and the place in the page are a key press away", async () => {
  await go("#/inbox");
  await heading("Inbox");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "MAIN");
  await page.getByRole("button", { name: "한국어" }).press("Enter");
  await heading("문의함");
  assert.equal(await page.getAttribute("html", "lang"), "ko");
  await page.getByRole("button", { name: "English" }).press("Enter");
  await heading("Inbox");
  await context.clearCookies();
  await page.getByRole("link", { name: "Forms" }).click();
  await page.getByLabel("Token").waitFor();
});

test("without ADMIN_TOKEN the console says how to open it", async (t) => {
  const closed = await startWorker({}, { ADMIN_TOKEN: "" });
  t.after(() => closed.end());
  await page.goto(`${closed.url}/console/`);
  await page.getByText("npx wrangler secret put ADMIN_TOKEN").waitFor();
  await inspect(page, "closed");
});

test("a rejected lead is on top of the overview, is sent again with a button, and then all is delivered", async () => {
  await mood("refusing");
  const id = await send("contact", { email: "again@example.com" });
  await settled("contact", id, "rejected");
  await mood("well");
  await go("");
  await page.getByRole("heading", { name: "1 lead of contact did not reach hook" }).waitFor();
  await page.getByRole("listitem").filter({ hasText: "did not reach" }).getByRole("button", { name: "Send again" }).click();
  await notice("1 delivery sent again.");
  await settled("contact", id);
  await page.reload();
  await page.getByText("Every lead is delivered.").waitFor();
});

test("a paused destination shows why and resumes with a button", async () => {
  await mood("busy");
  const id = await send("contact", { email: "paused@example.com" });
  await go("");
  const pause = page.getByRole("listitem").or(page.locator(".pause")).filter({ hasText: "hook is paused" }).first();
  for (let tries = 0; tries < 20 && !(await pause.isVisible()); tries++) {
    await page.waitForTimeout(300);
    await page.reload();
    await heading("Overview");
  }
  await pause.getByText("too many calls").waitFor();
  await mood("well");
  await pause.getByRole("button", { name: "Resume now" }).click();
  await notice("hook is tried again.");
  await settled("contact", id);
});

test("the inbox filters, searches, loads more at its end, and acts on a selection", async () => {
  // In parts: the fake platform has no rate limit, but the same visitor's same message within a minute is one.
  const many = await Promise.all(Array.from({ length: 55 }, (_, place) => send("contact", { email: `many${place}@example.com`, message: `Number ${place}` })));
  await settled("contact", many.at(-1));
  const bot = await send("contact", { email: "bot2@example.com", _gotcha: "filled" });
  await go("#/inbox");
  const rows = page.locator(".list > li");
  await rows.first().waitFor();
  assert.equal(await rows.count(), 50);
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await page.waitForFunction(() => document.querySelectorAll(".list > li").length > 55);

  await page.getByLabel("State").selectOption("quarantined");
  await page.waitForFunction(() => document.querySelectorAll(".list > li").length === 1);
  assert.match(page.url(), /state=quarantined/);
  await rows.getByText("filled in a field that people do not see").waitFor();
  // With the keyboard alone: select it, and send it.
  await rows.getByRole("checkbox").focus();
  await page.keyboard.press("Space");
  await page.getByText("1 selected").waitFor();
  await page.getByRole("toolbar").getByRole("button", { name: "Deliver" }).focus();
  await page.keyboard.press("Enter");
  await notice("1 delivery sent.");
  await page.getByText("No lead matches these filters.").waitFor();
  await settled("contact", bot);

  // What is typed while a slow list arrives stays.
  await page.route("**/api/submissions?*", (route) => setTimeout(() => route.continue(), 500), { times: 1 });
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await page.getByLabel("Text").fill("Number 42");
  await rows.first().waitFor();
  assert.equal(await page.getByLabel("Text").inputValue(), "Number 42");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll(".list > li").length === 1);
  assert.doesNotMatch(page.url(), /Number/, "what is searched for is not in the address");

  await page.getByLabel("Text").fill("Number");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll(".list > li").length === 50);
  await page.getByLabel("Select all that are shown").check();
  await page.getByRole("toolbar").getByRole("button", { name: "Erase" }).click();
  await page.getByRole("dialog").getByText("Erase 50 leads?").waitFor();
  await inspect(page, "dialog");
  await page.keyboard.press("Escape");
  assert.equal((await api(`/api/forms/contact/submissions/${many[0]}`)).id, many[0]);
  await page.getByRole("toolbar").getByRole("button", { name: "Erase" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Erase" }).click();
  await notice("50 leads erased.");
  await page.waitForFunction(() => document.querySelectorAll(".list > li").length === 5);
  await page.getByLabel("Text").fill("");
  await page.keyboard.press("Enter");
});

test("after an outage, everything that failed since a time is sent again", async () => {
  await mood("refusing");
  const failed = [await send("contact", { email: "outage1@example.com" }), await send("contact", { email: "outage2@example.com", message: "Two" })];
  for (const id of failed) await settled("contact", id, "rejected");
  await mood("well");
  await go("#/inbox");
  await page.getByRole("button", { name: "Send again everything that failed since" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("From").waitFor();
  await dialog.getByRole("combobox", { name: "Form", exact: true }).selectOption("contact");
  await dialog.getByRole("button", { name: "Send again" }).click();
  await notice("2 deliveries sent again.");
  for (const id of failed) await settled("contact", id);
});

test("a lead shows what was sent, what the CRM gets, each call and the record; marking and erasing work", async () => {
  await mood("down");
  const id = await send("contact", { email: "one@example.com", budget: "5000" });
  await go(`#/lead/contact/${id}`);
  await page.locator(".timeline li").first().waitFor();
  await page.getByText("503").first().waitFor();
  await page.getByRole("button", { name: "Spam" }).click();
  await notice("1 delivery quarantined.");
  await page.getByText("Suspected as spam, because it was marked as spam here").waitFor();
  await mood("well");
  await page.getByRole("button", { name: "Send again" }).click();
  await settled("contact", id);
  await page.reload();
  await page.getByText("Delivered", { exact: true }).waitFor();
  const record = (await api(`/api/forms/contact/submissions/${id}`)).deliveries[0].record.id;
  if (record) await page.getByText(record, { exact: true }).waitFor();
  const link = page.getByRole("link", { name: "Open in the CRM" });
  assert.equal(await link.getAttribute("href"), `https://crm.example.com/leads/${encodeURIComponent(record)}`);
  assert.deepEqual([await link.getAttribute("target"), await link.getAttribute("rel")], ["_blank", "noopener noreferrer"]);
  const done = page.getByRole("region", { name: "What was done" });
  await done.getByText("marked as spam").waitFor();
  await done.getByText("released for delivery").waitFor();
  await page.getByRole("button", { name: "Erase" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Erase" }).click();
  await heading("Inbox");
  await go(`#/lead/contact/${id}`);
  await page.getByText("This lead is not here.").waitFor();
});

test("a form's snippet works as pasted, its preview sends nothing, and its test lead can be followed to the record", async (t) => {
  const id = await send("quote", { email: "seen@example.com", budget: "9000" });
  await settled("quote", id);
  await go("#/forms/quote");
  const snippet = await page.locator(".code code").first().textContent();
  assert.match(snippet, /name="budget"/);
  const site = await startSite({ "/": `<!doctype html><title>A website</title>${snippet}` });
  t.after(() => site.end());
  const visitor = await context.newPage();
  // A test is faster than a person, so no stamp: the time check would quarantine what it sends.
  await context.route("**/start", (route) => route.abort());
  await visitor.goto(site.url);
  await visitor.fill("[name=email]", "pasted@example.com");
  await visitor.fill("[name=budget]", "77");
  await visitor.click("button");
  await visitor.waitForURL(/thanks/);
  assert.equal((await worker.delivered("pasted@example.com")).fields.budget, "77");

  const before = (await api("/api/submissions?form=quote")).submissions.length;
  await page.getByLabel("Email").fill("previewed@example.com");
  await page.getByRole("button", { name: "Preview" }).click();
  const request = page.getByRole("region", { name: /^salesmap, / });
  await request.waitFor();
  const text = await request.textContent();
  assert.match(text, /^POST https:\/\//);
  assert.match(text, /previewed@example\.com/);
  assert.match(text, /<SALESMAP_TOKEN>/);
  assert.ok(!text.includes(TEXTS.SALESMAP_TOKEN + '"'));
  assert.equal((await api("/api/submissions?form=quote")).submissions.length, before);

  await page.getByLabel("Email").fill("");
  await page.getByRole("button", { name: "Send a test lead" }).click();
  await page.getByRole("link", { name: "Follow it" }).click();
  await page.getByRole("heading", { name: /^Formcourier Test · formcourier-test-/, level: 1 }).waitFor();
  await page.locator(".tag", { hasText: "Delivered" }).first().waitFor();
});

test("what a form refuses is shown at the preview", async () => {
  await go("#/forms/contact");
  await page.getByLabel("Message").fill("Hello");
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByRole("alert").getByText("The form refuses this").waitFor();
  await page.getByRole("alert").getByText("email", { exact: true }).waitFor();
});

test("a person is listed before anything goes, and is then erased everywhere", async () => {
  const email = "forget@example.com";
  await settled("contact", await send("contact", { email }));
  await settled("quote", await send("quote", { email, message: "Another" }));
  await go("#/people");
  await page.getByLabel("Email address").fill(email);
  await page.keyboard.press("Enter");
  await page.getByText("2 leads of this person").waitFor();
  await page.getByRole("button", { name: "Erase all 2" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Erase" }).click();
  await notice("2 leads erased.");
  assert.deepEqual((await api(`/api/person?email=${encodeURIComponent(email)}`)).submissions, []);
  await page.getByText("point-in-time recovery").waitFor();
});

test("the CSV of a filter is downloaded with the session, and holds no formula", async () => {
  const id = await send("contact", { ...HOSTILE, email: "csv@example.com" });
  await settled("contact", id);
  await go("#/inbox?form=contact");
  await page.locator(".list > li").first().waitFor();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: /CSV$/ }).click()]);
  const csv = readFileSync(await download.path(), "utf8");
  assert.ok(csv.startsWith("\uFEFF"), "a byte order mark");
  assert.ok(csv.includes("csv@example.com"));
  assert.ok(!/(^|,)"?[=+@]/m.test(csv), "a formula");
  await api(`/api/forms/contact/submissions/${id}`, { method: "DELETE" });
});

test("posts turned away raise an alert that says what to change, and are counted; it is dismissed with a button", async (t) => {
  const strict = await startWorker({ FORM_CONTACT: { destinations: ["hook"], allowed_origins: ["https://www.example.com"] } });
  t.after(() => strict.end());
  for (let posts = 0; posts < 8; posts++) {
    const headers = { origin: "https://new.example.com", accept: "application/json" };
    const body = new URLSearchParams({ email: `away${posts}@example.com` });
    assert.equal((await fetch(`${strict.url}/f/contact`, { method: "POST", headers, body })).status, 403);
  }
  // They are noted ten seconds later, together.
  const headers = { authorization: `Bearer ${TEXTS.ADMIN_TOKEN}` };
  for (const end = Date.now() + 30_000; Date.now() < end; await new Promise((done) => setTimeout(done, 500))) {
    if ((await (await fetch(`${strict.url}/api/alerts`, { headers })).json()).alerts.length) break;
  }
  await page.goto(`${strict.url}/console/`);
  await page.getByLabel("Token").fill(TEXTS.ADMIN_TOKEN);
  await page.keyboard.press("Enter");
  const alert = page.getByRole("listitem").filter({ hasText: "https://new.example.com is not in `allowed_origins`" });
  await alert.getByRole("heading", { name: "Alert: contact" }).waitFor();
  await page.getByText("from a website that is not in allowed_origins").waitFor();
  await inspect(page, "alert");
  await alert.getByRole("button", { name: "Dismiss" }).click();
  await notice("The alert is dismissed.");
  await alert.waitFor({ state: "detached" });
});

test("sample leads bring a local console to life", async (t) => {
  const fresh = await startWorker();
  t.after(() => fresh.end());
  await page.goto(`${fresh.url}/console/`);
  await page.getByLabel("Token").fill(TEXTS.ADMIN_TOKEN);
  await page.keyboard.press("Enter");
  await page.getByText("No lead has arrived yet.").waitFor();
  await inspect(page, "fresh");
  await page.getByRole("button", { name: "Send sample leads" }).click();
  await notice("10 sample leads sent.");
  await page.getByRole("link", { name: "Inbox" }).click();
  await page.getByText("10 leads", { exact: true }).waitFor();
  await inspect(page, "samples");
  await page.goto(`${fresh.url}/console/`);
  await page.getByRole("heading", { name: /suspected spam messages? in contact/ }).waitFor();
  if (pictures) await page.screenshot({ path: `${pictures}/samples-desktop-light.png`, fullPage: true });
  // Of each state one; with the tests' short schedule, what waits ends as exhausted.
  const states = async () => new Set((await fresh.submissions("contact")).map(({ deliveries: [{ state }] }) => state));
  for (const end = Date.now() + 10_000; (await states()).has("pending") && Date.now() < end; ) await page.waitForTimeout(100);
  assert.deepEqual([...(await states())].sort(), ["delivered", "exhausted", "quarantined", "rejected"]);
  // A lead that was never sent is not sent "again".
  await page.goto(`${fresh.url}/console/#/inbox?state=quarantined`);
  await page.getByRole("link", { name: /Winner/ }).click();
  await page.getByRole("button", { name: "Deliver", exact: true }).click();
  await notice("1 delivery sent.");
});

test("the Worker's own pages have no serious fault of accessibility either", async (t) => {
  const site = await startSite({
    "/": `<form action="${worker.url}/f/contact" method="post"><input name="email" value="wrong"><button>Send</button></form>`,
  });
  t.after(() => site.end());
  for (const [view, options] of VIEWS) {
    const own = await open(options);
    const one = watch(await own.newPage());
    for (const [name, path] of [["home", "/"], ["thanks", "/f/contact/thanks"], ["unknown form", "/f/nobody"]]) {
      await one.goto(worker.url + path);
      await inspect(one, `${name}, ${view}`);
    }
    // The error page, with what the visitor typed.
    await one.goto(site.url);
    await one.click("button");
    await one.getByRole("alert").first().waitFor();
    await inspect(one, `refused, ${view}`);
    await own.close();
  }
});
