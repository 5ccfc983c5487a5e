// formcourier.js on real websites: policies and blockers, frames, buttons that lead elsewhere, fields with unfortunate names,
// slow pages, forms of several steps.

import assert from "node:assert/strict";
import { test } from "node:test";
import { context, form, html, page, posts, site, status, stored, worker } from "./visitor.mjs";

const THANKS = "Thank you. Your message has arrived.";

const sentAs = (request) => new URLSearchParams(request.postData());

// Blocks the script's requests but not the browser's.
const blockScript = () =>
  page.route(`${worker.url}/f/contact`, (route) =>
    route.request().resourceType() === "fetch" ? route.abort("blockedbyclient") : route.fallback(),
  );

test("a form that the browser posted can be sent again after going back", async () => {
  site.pages["/relative"] = html(
    form("data-formcourier-stay").replace("<button", '<button name="action" value="call">Call</button><button'),
  );
  await page.goto(`${site.url}/relative`);
  await page.fill("[name=email]", "back@example.com");
  const before = await page.evaluate(() => document.forms[0].outerHTML);
  let answers = 1;
  const requests = posts();
  await page.route(`${worker.url}/f/contact`, (route) => {
    if (route.request().resourceType() !== "fetch") return route.fulfill({ status: 204 });
    return answers-- > 0 ? route.abort("blockedbyclient") : route.continue();
  });
  await page.getByRole("button", { name: "Call" }).click();
  // The page is still there, as after going back.
  await page.waitForFunction(() => !document.forms[0].hasAttribute("aria-busy"));
  assert.equal(await page.evaluate(() => document.forms[0].outerHTML), before);
  await page.fill("textarea", "One thing more");
  await page.getByRole("button", { name: "Send" }).click();
  await status().getByText(THANKS).waitFor();
  const [fetched, native, again] = requests.map(sentAs);
  assert.deepEqual(native, fetched);
  assert.deepEqual([native.getAll("action"), again.getAll("action")], [["call"], ["offer"]]);
  assert.equal((await stored("back@example.com")).message, "One thing more");
});

test("the captcha's token is sent when the browser posts", async () => {
  await page.route("https://challenges.cloudflare.com/turnstile/v0/api.js?render=explicit", (route) =>
    route.fulfill({
      contentType: "text/javascript",
      body: `window.turnstile = {
        render(box) { box.innerHTML = '<input type="hidden" name="cf-turnstile-response" value="token">'; },
        reset(box) { box.firstChild.value = ""; } };`,
    }),
  );
  site.pages["/checked"] = html(form('data-turnstile-sitekey="1x00000000000000000000AA"'));
  await page.goto(`${site.url}/checked`);
  await page.fill("[name=email]", "checked@example.com");
  await blockScript();
  const requests = posts();
  await page.click("button");
  await page.waitForURL(`${worker.url}/f/contact/thanks`);
  assert.deepEqual(
    requests.map((request) => sentAs(request).get("cf-turnstile-response")),
    ["token", "token"],
  );
  await stored("checked@example.com");
});

test("fields named like methods of a form are only fields, and the message is stored once", async () => {
  site.pages["/unlucky"] = html(
    form('data-formcourier-stay id="formcourier"').replace("<button", '<input type="reset" name="reset"><input name="submit"><button'),
  );
  await page.goto(`${site.url}/unlucky`);
  await page.fill("[name=email]", "unlucky@example.com");
  const requests = posts();
  await page.locator("button").click();
  await status().getByText(THANKS).waitFor();
  assert.equal(await page.inputValue("[name=email]"), "");
  assert.equal(requests.length, 1);
  await stored("unlucky@example.com");
});

test("only the button leads to the Worker", async () => {
  site.pages["/button"] = html(`<form action="/search"><input name="email">
    <button formaction="${worker.url}/f/contact" formmethod="post" name="kind" value="offer">Send</button></form>`);
  await page.goto(`${site.url}/button`);
  await page.fill("[name=email]", "button@example.com");
  let requests = posts();
  await page.click("button");
  await page.waitForURL(`${worker.url}/f/contact/thanks`);
  assert.deepEqual(
    requests.map((request) => request.resourceType()),
    ["fetch"],
  );
  assert.equal((await stored("button@example.com")).kind, "offer");
  await page.goto(`${site.url}/button`);
  await page.fill("[name=email]", "native-button@example.com");
  await blockScript();
  requests = posts();
  await page.click("button");
  await page.waitForURL(`${worker.url}/f/contact/thanks`);
  assert.deepEqual(
    requests.map((request) => request.resourceType()),
    ["fetch", "document"],
  );
  assert.equal((await stored("native-button@example.com")).kind, "offer");
});

test("the thank-you page opens in the target of the form", async () => {
  site.pages["/hidden"] = html(`<iframe name="elsewhere"></iframe>${form('target="elsewhere"')}`);
  await page.goto(`${site.url}/hidden`);
  await page.fill("[name=email]", "frame@example.com");
  await page.click("button");
  await page.frameLocator("iframe").getByRole("heading", { name: "Thank you" }).waitFor();
  await status().getByText(THANKS).waitFor();
  assert.equal(page.url(), `${site.url}/hidden`);
  assert.equal(await page.inputValue("[name=email]"), "");

  site.pages["/window"] = html(form('target="_blank"'));
  await page.goto(`${site.url}/window`);
  await page.fill("[name=email]", "window@example.com");
  const opened = context.waitForEvent("page");
  await page.click("button");
  await (await opened).getByRole("heading", { name: "Thank you" }).waitFor();
  assert.equal(page.url(), `${site.url}/window`);

  await page.evaluate(() => (window.open = () => null));
  await page.fill("[name=email]", "forbidden@example.com");
  await page.click("button");
  await page.waitForURL(`${worker.url}/f/contact/thanks`);
});

test("going back to a sent form shows that it was sent, and it can be sent again", async () => {
  site.pages["/here"] = html(form("", "/f/contact").replace("<input", '<input type="hidden" name="_next" value="/here#thanks"><input'));
  await page.goto(`${site.url}/here`);
  await page.fill("[name=email]", "here@example.com");
  await page.click("button");
  // A jump within the page keeps it, as going back does.
  await page.waitForURL(`${site.url}/here#thanks`);
  assert.equal(await status().textContent(), THANKS);
  await page.waitForFunction(() => !document.querySelector("button").disabled);
  await stored("here@example.com");
});

test("an error on another step of the form is announced with its name", async () => {
  site.pages["/steps"] = html(form("novalidate", "/f/second").replace("<label>Phone", '<label style="display: none">Phone'));
  await page.goto(`${site.url}/steps`);
  await page.fill("[name=email]", "steps@example.com");
  await page.click("button");
  await status().getByText("Please check what is marked and send it again. phone: Please fill this in.").waitFor();
  // It is also shown at the field, for when its step opens.
  assert.equal(await page.getAttribute("[name=phone]", "aria-invalid"), "true");
});

test("a visit that touches no form asks the Worker for nothing; the first field that is entered fetches the stamp", async () => {
  const asked = [];
  context.on("request", (request) => request.url().startsWith(worker.url) && asked.push(request.url().slice(worker.url.length)));
  await page.goto(`${site.url}/contact`);
  await page.locator(".formcourier-status").waitFor({ state: "attached" });
  await page.mouse.wheel(0, 500);
  await page.waitForLoadState("networkidle");
  // A static asset, which the platform serves without the Worker.
  assert.deepEqual(asked, ["/formcourier.js"]);
  await page.focus("[name=email]");
  await page.fill("[name=message]", "Hello");
  await page.waitForLoadState("networkidle");
  assert.deepEqual(asked, ["/formcourier.js", "/f/contact/start"]);
});

test("no stamp for a form that was filled in before the script loaded, and none for a button", async () => {
  const asked = [];
  context.on("request", (request) => request.url().endsWith("/start") && asked.push(request.url()));
  let go;
  const loads = new Promise((done) => (go = done));
  await page.route("**/formcourier.js", (route) => loads.then(() => route.continue()));
  await page.goto(`${site.url}/contact`, { waitUntil: "commit" });
  await page.fill("[name=email]", "early@example.com");
  go();
  await page.locator(".formcourier-status").waitFor({ state: "attached" });
  await page.focus("[name=message]");
  const other = await context.newPage();
  await other.goto(`${site.url}/contact`);
  await other.locator(".formcourier-status").waitFor({ state: "attached" });
  await other.focus("button");
  await other.waitForLoadState("networkidle");
  assert.deepEqual(asked, []);
});

test("text changed after each of two lost responses is a new message each time", async () => {
  await page.goto(`${site.url}/stay`);
  await page.fill("[name=email]", "twice@example.com");
  // Stored, response lost; rejected because its key is known; stored with a new key, response lost again.
  const lose = [true, false, true];
  await page.route(`${worker.url}/f/contact`, async (route) => {
    if (!lose.shift()) return route.continue();
    await route.fetch();
    await context.setOffline(true);
    await route.abort("connectionreset");
  });
  await page.click("button");
  for (const words of ["One thing more", "And one more"]) {
    await status().getByText("You are offline").waitFor();
    await page.fill("textarea", words);
    await context.setOffline(false);
    await page.waitForFunction(() => !document.querySelector(".formcourier-status").textContent.startsWith("You are offline"));
  }
  await status().getByText(THANKS).waitFor();
  assert.equal((await stored("twice@example.com", 3)).message, "And one more");
});
