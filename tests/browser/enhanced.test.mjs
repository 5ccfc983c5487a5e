// formcourier.js on a website of another origin, in a real Chromium.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { launch } from "./chromium.mjs";
import { startSite, startWorker } from "./world.mjs";

let worker, site, browser, context, page, thrown;

// Fields of a contact form; `attributes` go to the form.
const form = (attributes = "", path = "/f/contact") => `
  <form action="${worker.url}${path}" method="post" ${attributes}>
    <label>Name <input name="name" autocomplete="name"></label>
    <label>Email <input name="email" type="email" required></label>
    <label>Phone <input name="phone" type="tel"></label>
    <label>Message <textarea name="message"></textarea></label>
    <input name="code" type="password">
    <input type="hidden" name="campaign" value="autumn">
    <button name="action" value="offer">Send</button>
  </form>`;

const html = (body) => `<!doctype html><html lang="en"><meta charset="utf-8">
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
  // Tests are quicker than any person: without this the time trap would suspect them.
  await context.route("**/start", (route) => route.abort());
  page.on("pageerror", (error) => thrown.push(error));
});

afterEach(async () => {
  await context.close();
  assert.deepEqual(thrown, []);
});

const status = () => page.locator(".formcourier-status");

// The fields of the latest submission with this email, once there are `count` of them; never more.
async function stored(email, count = 1) {
  let found = [];
  for (const end = Date.now() + 10_000; Date.now() < end && found.length < count; ) {
    found = (await worker.received(1)).filter((data) => data.fields.email === email);
  }
  assert.equal(found.length, count, `submissions of ${email}`);
  return found.at(-1).fields;
}

const posts = () => {
  const seen = [];
  page.on("request", (request) => request.method() === "POST" && seen.push(request));
  return seen;
};

test("a form is sent in the background, and the visitor goes on to the thank-you page", async () => {
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

test("with data-formcourier-stay the page stays and says that the message has arrived", async () => {
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

test("a page that handles formcourier:sent itself is not left", async () => {
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

test("each error stands at its field, is announced, and the first wrong field gets the focus", async () => {
  site.pages["/second"] = html(form("novalidate", "/f/second").replace('name="phone"', 'name="phone" aria-describedby="hint"'));
  await page.goto(`${site.url}/second`);
  await page.evaluate(() => document.addEventListener("formcourier:failed", (event) => (window.failed = event.detail)));
  await page.fill("[name=email]", "not an address");
  await page.fill("[name=name]", "Ada");
  await page.click("button");
  const email = page.locator("[name=email]");
  await page.locator(".formcourier-error").first().waitFor();
  const note = async (field) => {
    const ids = (await field.getAttribute("aria-describedby")).split(" ");
    return page.locator(`[id="${ids.at(-1)}"]`);
  };
  assert.equal(await email.getAttribute("aria-invalid"), "true");
  assert.equal(await (await note(email)).textContent(), "Please enter an email address, such as name@example.com.");
  const phone = page.locator("[name=phone]");
  assert.equal(await (await note(phone)).textContent(), "Please fill this in.");
  assert.match(await phone.getAttribute("aria-describedby"), /^hint formcourier-\d$/);
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("name")), "email");
  assert.equal(await status().getAttribute("role"), "alert");
  assert.equal(await status().textContent(), "Please check what is marked and send it again.");
  assert.equal(await page.isEnabled("button"), true);
  assert.deepEqual(await page.evaluate(() => [window.failed.status, window.failed.error]), [422, "INVALID"]);
  assert.equal(await page.locator("[name=name]").getAttribute("aria-invalid"), null);

  // Typing takes the mark away; what was described before still is.
  await phone.fill("010-1234-5678");
  assert.equal(await phone.getAttribute("aria-invalid"), null);
  assert.equal(await phone.getAttribute("aria-describedby"), "hint");
  await email.fill("mended@example.com");
  assert.equal(await page.locator(".formcourier-error").count(), 0);
  await page.click("button");
  await page.waitForURL(`${worker.url}/f/second/thanks`);
  await stored("mended@example.com");
});

test("an error of a field that is nowhere to be seen is told in the live region", async () => {
  site.pages["/short"] = html(`<form action="${worker.url}/f/second" method="post"><input name="email"><button>Send</button></form>`);
  await page.goto(`${site.url}/short`);
  await page.fill("[name=email]", "short@example.com");
  await page.click("button");
  await status().getByText("Please check what is marked and send it again. Please fill this in.").waitFor();
});

test("the browser's own checks come first, and an empty form is refused as empty", async () => {
  await page.goto(`${site.url}/contact?utm_source=letter`);
  const requests = posts();
  await page.click("button");
  assert.equal(await page.evaluate(() => document.querySelector("[name=email]").matches(":invalid:focus")), true);
  assert.equal(requests.length, 0);
  site.pages["/bare"] = html(`<form action="${worker.url}/f/contact" method="post"><input name="email"><button>Send</button></form>`);
  await page.goto(`${site.url}/bare?utm_source=letter`);
  await page.click("button");
  await status().getByText("Nothing was filled in. Please fill in the form and send it again.").waitFor();
});

test("offline, the message waits; it goes by itself when the network is back", async () => {
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

test("when the answer is lost the message is sent again, and stored once", async () => {
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

test("text changed after a lost answer is a message of its own", async () => {
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

test("busy: it is sent again when Retry-After has passed", async () => {
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

test("a website that may not post is told so on its page", async () => {
  site.pages["/elsewhere"] = html(form("", "/f/elsewhere"));
  await page.goto(`${site.url}/elsewhere`);
  await page.fill("[name=email]", "elsewhere@example.com");
  await page.click("button");
  await status().getByText("This website is not allowed to send to this form.").waitFor();
  assert.equal(page.url(), `${site.url}/elsewhere`);
});

test("what blocks the script and not the form gives way to the browser's own post, with the same key", async () => {
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
});

test("a policy that forbids the script to connect does not stop the form", async () => {
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

test("a draft survives a reload and is gone when it is stored; secrets are never in it", async () => {
  await page.goto(`${site.url}/contact`);
  await page.fill("[name=name]", "Ada");
  await page.fill("[name=email]", "draft@example.com");
  await page.fill("textarea", "A long\nstory");
  await page.fill("[name=code]", "hunter2");
  const kept = await page.evaluate(() => JSON.stringify(localStorage));
  assert.ok(kept.includes("draft@example.com"));
  assert.ok(!kept.includes("hunter2") && !kept.includes("autumn"), kept);
  await page.goto(`${site.url}/`);
  await page.goto(`${site.url}/contact`);
  assert.equal(await page.inputValue("[name=name]"), "Ada");
  assert.equal(await page.inputValue("textarea"), "A long\nstory");
  assert.equal(await page.inputValue("[name=code]"), "");
  await page.click("button");
  await page.waitForURL(`${worker.url}/f/contact/thanks`);
  await stored("draft@example.com");
  await page.goto(`${site.url}/contact`);
  assert.equal(await page.evaluate(() => localStorage.length), 0);
  assert.equal(await page.inputValue("[name=name]"), "");
});

test("a draft is forgotten after a day, on reset, and where the form says so", async () => {
  await page.goto(`${site.url}/contact`);
  await page.fill("[name=name]", "Ada");
  await page.evaluate(() => {
    const [key, draft] = Object.entries(localStorage)[0];
    localStorage.setItem(key, JSON.stringify({ ...JSON.parse(draft), at: Date.now() - 25 * 3600e3 }));
  });
  await page.reload();
  assert.equal(await page.inputValue("[name=name]"), "");
  assert.equal(await page.evaluate(() => localStorage.length), 0);
  await page.fill("[name=name]", "Ada");
  await page.evaluate(() => document.forms[0].reset());
  assert.equal(await page.evaluate(() => localStorage.length), 0);
  site.pages["/forgetful"] = html(form('data-formcourier-draft="off"'));
  await page.goto(`${site.url}/forgetful`);
  await page.fill("[name=name]", "Ada");
  assert.equal(await page.evaluate(() => localStorage.length), 0);
});

test("the keyboard is enough", async () => {
  await page.goto(`${site.url}/stay`);
  await page.keyboard.press("Tab");
  await page.keyboard.type("Ada");
  await page.keyboard.press("Tab");
  await page.keyboard.type("wrong");
  await page.keyboard.press("Enter");
  await page.locator(".formcourier-error").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.name), "email");
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type("keys@example.com");
  for (const _ of ["phone", "message", "code", "button"]) await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "BUTTON");
  await page.keyboard.press("Space");
  await status().getByText("Thank you. Your message has arrived.").waitFor();
  // The button was disabled for a moment and has the focus again.
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "BUTTON");
  assert.equal((await stored("keys@example.com")).name, "Ada");
});

test("a double click sends once, and the button is locked meanwhile", async () => {
  await page.goto(`${site.url}/stay`);
  await page.fill("[name=email]", "double@example.com");
  const requests = posts();
  let release;
  await page.route(`${worker.url}/f/contact`, (route) => new Promise((done) => (release = () => done(route.continue()))));
  await page.dblclick("button");
  await page.evaluate(() => document.forms[0].requestSubmit());
  assert.equal(await page.isDisabled("button"), true);
  assert.equal(await page.getAttribute("form", "aria-busy"), "true");
  assert.equal(await status().textContent(), "Sending…");
  release();
  await status().getByText("Thank you. Your message has arrived.").waitFor();
  assert.equal(requests.length, 1);
  assert.equal(await page.getAttribute("form", "aria-busy"), null);
  await stored("double@example.com");
});

test("several forms on a page, and one that is added later, do not mix", async () => {
  site.pages["/two"] = html(form("data-formcourier-stay") + form("data-formcourier-stay"));
  await page.goto(`${site.url}/two`);
  await page.evaluate(() => {
    const third = document.forms[0].cloneNode(true);
    third.querySelector(".formcourier-status").remove();
    document.body.append(third);
  });
  for (const place of [0, 1, 2]) await page.locator("[name=email]").nth(place).fill(`form${place}@example.com`);
  await page.locator("button").nth(2).click();
  await status().nth(2).getByText("Thank you. Your message has arrived.").waitFor();
  assert.deepEqual(await page.locator("[name=email]").evaluateAll((all) => all.map((one) => one.value)), [
    "form0@example.com",
    "form1@example.com",
    "",
  ]);
  await page.locator("button").nth(1).click();
  await status().nth(1).getByText("Thank you. Your message has arrived.").waitFor();
  await page.reload();
  assert.equal(await page.locator("[name=email]").nth(0).inputValue(), "form0@example.com");
  assert.equal(await page.locator("[name=email]").nth(1).inputValue(), "");
  await stored("form1@example.com");
  await stored("form2@example.com");
});

test("multipart, field names that hide properties, and the button that was pressed", async () => {
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

test("other forms, and those that say so, are left alone", async () => {
  site.pages["/other"] = html(`<form action="/search" method="get"><input name="q"><button>Search</button></form>
    ${form('data-formcourier="off"')}`);
  site.pages["/search"] = "<h1>Found</h1>";
  await page.goto(`${site.url}/other`);
  assert.equal(await status().count(), 0);
  await page.fill("[name=email]", "off@example.com");
  const requests = posts();
  await page.getByRole("button", { name: "Send" }).click();
  await page.waitForURL(`${worker.url}/f/contact/thanks`);
  assert.deepEqual(
    requests.map((request) => request.resourceType()),
    ["document"],
  );
  await page.goto(`${site.url}/other`);
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("heading", { name: "Found" }).waitFor();
});

test("the time trap's stamp is asked for once in a visit, and not when a draft is there", async () => {
  let asked = 0;
  await page.route(`${worker.url}/f/contact/start`, (route) => {
    asked++;
    return route.fulfill({ headers: { "access-control-allow-origin": "*" }, json: { _start: "stamp" } });
  });
  const stamped = page.waitForResponse(`${worker.url}/f/contact/start`);
  await page.goto(`${site.url}/stay`);
  await stamped;
  await page.goto(`${site.url}/contact`);
  await page.goto(`${site.url}/stay`);
  await page.fill("[name=email]", "stamp@example.com");
  const requests = posts();
  await page.click("button");
  await status().getByText("Thank you. Your message has arrived.").waitFor();
  const sent = new URLSearchParams(requests[0].postData());
  assert.equal(sent.get("_start"), "stamp");
  assert.match(sent.get("_id"), /^\w+-\w+-\w+-\w+$/);
  assert.equal(asked, 1);
  await page.fill("[name=name]", "Ada");
  await page.evaluate(() => sessionStorage.clear());
  await page.reload();
  assert.equal(await page.inputValue("[name=name]"), "Ada");
  await page.fill("[name=email]", "unstamped@example.com");
  await page.click("button");
  await status().getByText("Thank you. Your message has arrived.").waitFor();
  assert.equal(new URLSearchParams(requests[1].postData()).get("_start"), null);
  assert.equal(asked, 1);
});

test("Turnstile is rendered when the form asks for it, and renewed after a failed submit", async () => {
  let refusals = 1;
  const tokens = [];
  await page.route("https://challenges.cloudflare.com/turnstile/v0/api.js?render=explicit", (route) =>
    route.fulfill({
      contentType: "text/javascript",
      body: `let count = 0; const solve = (box) => setTimeout(() => box.querySelector("input").value = "token-" + ++count, 50);
        window.turnstile = {
          render(box, options) { window.rendered = options; box.innerHTML = '<input type="hidden" name="cf-turnstile-response">'; solve(box); },
          reset(box) { box.querySelector("input").value = ""; solve(box); } };`,
    }),
  );
  await page.route(`${worker.url}/f/contact`, (route) => {
    tokens.push(new URLSearchParams(route.request().postData()).get("cf-turnstile-response"));
    if (!refusals--) return route.continue();
    const message = "Please try the check again.";
    return route.fulfill({
      status: 403,
      headers: { "access-control-allow-origin": "*" },
      json: { ok: false, error: "CAPTCHA", message, errors: [{ code: "CAPTCHA", field: "", message }] },
    });
  });
  site.pages["/turnstile"] = html(form('data-formcourier-stay data-turnstile-sitekey="1x00000000000000000000AA" data-turnstile-action="contact"'));
  await page.goto(`${site.url}/turnstile`);
  await page.fill("[name=email]", "turnstile@example.com");
  await page.click("button");
  await status().getByText("Please try the check again.").waitFor();
  await page.click("button");
  await status().getByText("Thank you. Your message has arrived.").waitFor();
  assert.deepEqual(tokens, ["token-1", "token-2"]);
  assert.deepEqual(await page.evaluate(() => window.rendered), { sitekey: "1x00000000000000000000AA", action: "contact" });
  await stored("turnstile@example.com");
});

test("Korean visitors are answered in Korean", async () => {
  const korean = await browser.newContext({ locale: "ko-KR" });
  const other = await korean.newPage();
  await other.goto(`${site.url}/stay`);
  await other.fill("[name=email]", "틀림");
  await other.click("button");
  await other.getByText("이메일 주소를 정확히 입력해 주세요. 예: name@example.com").waitFor();
  await other.fill("[name=email]", "korean@example.com");
  await korean.setOffline(true);
  await other.click("button");
  await other.getByText("오프라인 상태입니다. 다시 연결되면 바로 보내겠습니다.").waitFor();
  await korean.setOffline(false);
  await other.getByText("감사합니다. 메시지가 접수되었습니다.").waitFor();
  await korean.close();
});
