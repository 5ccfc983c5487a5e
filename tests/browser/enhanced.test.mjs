// formcourier.js and the visitor: errors at their fields, drafts, the keyboard, several forms, Turnstile, the time trap.

import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, context, form, html, page, posts, site, status, stored, worker } from "./visitor.mjs";

test("errors are shown at their fields and announced, and the first wrong field gets the focus", async () => {
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

  // Typing clears the mark; the description that was there before stays.
  await phone.fill("010-1234-5678");
  assert.equal(await phone.getAttribute("aria-invalid"), null);
  assert.equal(await phone.getAttribute("aria-describedby"), "hint");
  await email.fill("corrected@example.com");
  assert.equal(await page.locator(".formcourier-error").count(), 0);
  await page.click("button");
  await page.waitForURL(`${worker.url}/f/second/thanks`);
  await stored("corrected@example.com");
});

test("an error without a visible field is announced in the live region", async () => {
  site.pages["/short"] = html(`<form action="${worker.url}/f/second" method="post"><input name="email"><button>Send</button></form>`);
  await page.goto(`${site.url}/short`);
  await page.fill("[name=email]", "short@example.com");
  await page.click("button");
  await status().getByText("Please check what is marked and send it again. phone: Please fill this in.").waitFor();
});

test("the browser's own checks come first, and an empty form is rejected", async () => {
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

test("a draft survives a reload, is deleted once stored, and never holds secrets", async () => {
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

test("drafts of all pages are deleted after a day, and one on reset; a form can switch drafts off", async () => {
  await page.goto(`${site.url}/contact`);
  await page.fill("[name=name]", "Ada");
  const age = (hours) =>
    page.evaluate((hours) => {
      for (const [key, draft] of Object.entries(localStorage)) {
        localStorage.setItem(key, JSON.stringify({ ...JSON.parse(draft), at: Date.now() - hours * 3600e3 }));
      }
    }, hours);
  await age(23);
  await page.goto(`${site.url}/`);
  assert.equal(await page.evaluate(() => localStorage.length), 1);
  await age(25);
  await page.evaluate(() => localStorage.setItem("formcourier /broken", "{"));
  await page.evaluate(() => localStorage.setItem("cart", "of the website"));
  await page.reload();
  assert.deepEqual(await page.evaluate(() => Object.keys(localStorage)), ["cart"]);
  await page.evaluate(() => localStorage.clear());
  await page.goto(`${site.url}/contact`);
  assert.equal(await page.inputValue("[name=name]"), "");
  await page.fill("[name=name]", "Ada");
  await page.evaluate(() => document.forms[0].reset());
  assert.equal(await page.evaluate(() => localStorage.length), 0);
  site.pages["/forgetful"] = html(form('data-formcourier-draft="off"'));
  await page.goto(`${site.url}/forgetful`);
  await page.fill("[name=name]", "Ada");
  assert.equal(await page.evaluate(() => localStorage.length), 0);
});

test("the form works with the keyboard alone", async () => {
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

test("several forms on a page, and one added later, do not interfere", async () => {
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

test("other forms, and forms that opt out, are left alone", async () => {
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

test("the time trap's stamp is fetched once per visit, and not when there is a draft", async () => {
  let asked = 0;
  await page.route(`${worker.url}/f/contact/start`, (route) => {
    asked++;
    return route.fulfill({ headers: { "access-control-allow-origin": "*" }, json: { _start: "stamp" } });
  });
  const stamped = page.waitForResponse(`${worker.url}/f/contact/start`);
  await page.goto(`${site.url}/stay`);
  await page.focus("[name=email]");
  await stamped;
  // A page that is left before it has read the stamp asks again.
  await page.waitForFunction(() => Object.keys(sessionStorage).some((key) => key.endsWith("/f/contact/start")));
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

test("a submission faster than a person is thanked and quarantined; a later one is delivered", async () => {
  await context.unroute("**/start");
  const stamped = page.waitForResponse(`${worker.url}/f/contact/start`);
  await page.goto(`${site.url}/stay`);
  await page.focus("[name=email]");
  await (await stamped).finished();
  // The three seconds count from the stamp.
  const opened = Date.now();
  await page.waitForFunction(() => sessionStorage.length === 2);
  const send = async (email) => {
    await page.fill("[name=email]", email);
    await page.click("button");
    await status().getByText("Thank you. Your message has arrived.").waitFor();
  };
  await send("robot@example.com");
  await page.waitForTimeout(3100 - (Date.now() - opened));
  await send("person@example.com");
  await stored("person@example.com");
  const robot = (await worker.submissions("contact")).find((one) => JSON.stringify(one.fields).includes("robot@"));
  assert.deepEqual([robot.reasons, robot.deliveries[0].state], [["too_fast"], "quarantined"]);
});

test("a correction within three seconds is delivered", async () => {
  await context.unroute("**/start");
  site.pages["/quick"] = html(form("data-formcourier-stay novalidate"));
  const stamped = page.waitForResponse(`${worker.url}/f/contact/start`);
  await page.goto(`${site.url}/quick`);
  await page.focus("[name=email]");
  await (await stamped).finished();
  await page.waitForFunction(() => sessionStorage.length === 2);
  const requests = posts();
  await page.fill("[name=email]", "quick@");
  await page.click("button");
  await page.locator(".formcourier-error").waitFor();
  await page.fill("[name=email]", "quick@example.com");
  await page.click("button");
  await status().getByText("Thank you. Your message has arrived.").waitFor();
  assert.deepEqual(
    requests.map((request) => new URLSearchParams(request.postData()).has("_start")),
    [true, false],
  );
  await stored("quick@example.com");
});

test("Turnstile is rendered if the form asks for it, and reset after a failed submit", async () => {
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

test("Korean visitors get Korean messages", async () => {
  const korean = await browser.newContext({ locale: "ko-KR" });
  const other = await korean.newPage();
  await other.goto(`${site.url}/stay`);
  await other.fill("[name=email]", "틀림");
  await other.click("button");
  await other.getByText("이메일 주소를 정확히 입력해 주세요. 예: name@example.com").waitFor();
  // The page is declared as English, so a screen reader needs the language.
  const languages = await other.locator(".formcourier-error,.formcourier-status").evaluateAll((all) => all.map((el) => el.lang));
  assert.deepEqual(languages, ["ko", "ko"]);
  await other.fill("[name=email]", "korean@example.com");
  await korean.setOffline(true);
  await other.click("button");
  await other.getByText("오프라인 상태입니다. 다시 연결되면 바로 보내겠습니다.").waitFor();
  await korean.setOffline(false);
  await other.getByText("감사합니다. 메시지가 접수되었습니다.").waitFor();
  await korean.close();
});
