// The Worker's own pages, without any script except in the demo: first page, thank-you, error page; on a phone, by keyboard,
// in both languages.
// `SCREENSHOTS=folder` saves a picture of each.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { launch } from "./chromium.mjs";
import { startSite, startWorker } from "./world.mjs";

let worker, site, browser;

before(async () => {
  worker = await startWorker({
    FORM_CONTACT: { destinations: ["hook"], required: ["email", "phone"] },
    FORM_MOVED: { destinations: ["hook"], required: ["email"] },
    FORM_LISTED: { destinations: ["hook"], allowed_origins: ["https://www.example.com"] },
    FORM_STRICT: { destinations: ["hook"], allowed_origins: ["https://www.example.com"], require_origin: true },
    FORM_WITH_BRAND: { destinations: ["hook"], brand: { name: "Acme & Söhne", color: "#ffcc00", logo: "https://cdn.example.com/logo.svg" } },
    FORM_STAFF: { destinations: ["users"], access: "token", required: ["email"] },
    DESTINATION_USERS: { type: "leadsquared", record: "user", region: "india-mumbai", role: "Sales_User" },
  });
  site = await startSite({});
  const fields = '<input name="name"><input name="email"><textarea name="message"></textarea><button>Send</button>';
  const form = (path) => `<form action="${worker.url}/f/${path}" method="post">${fields}</form>`;
  site.pages["/contact"] = `<!doctype html><title>A website</title><body>${form("contact")}`;
  site.pages["/frame"] = `<!doctype html><title>A website</title><body><iframe src="/contact" width="400" height="600"></iframe>`;
  browser = await launch();
});

after(async () => {
  await browser?.close();
  site?.end();
  worker?.end();
});

// A page without JavaScript, closed when the test ends.
async function open(t, options = {}) {
  const context = await browser.newContext({ javaScriptEnabled: false, locale: "en-US", ...options });
  t.after(() => context.close());
  return context.newPage();
}

async function picture(page, name) {
  if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png`, fullPage: true });
}

test("a plain form leads to the thank-you page, which links back to the website", async (t) => {
  const page = await open(t);
  // A website whose policy sends its full address.
  site.pages["/open"] = site.pages["/contact"].replace("<body>", '<meta name="referrer" content="unsafe-url"><body>').replace("/f/contact", "/f/moved");
  await page.goto(`${site.url}/open`);
  await page.fill("[name=name]", "홍길동");
  await page.fill("[name=email]", "plain@example.com");
  await page.fill("textarea", "Two\nlines & <b>");
  await page.click("button");
  assert.equal(page.url(), `${worker.url}/f/moved/thanks`);
  assert.equal(await page.textContent("h1"), "Thank you");
  assert.deepEqual((await worker.delivered("plain@example.com")).fields, {
    name: "홍길동",
    email: "plain@example.com",
    message: "Two\r\nlines & <b>",
  });
  await page.click("a");
  assert.equal(page.url(), `${site.url}/open`);
});

test("mistakes can be corrected on the error page by keyboard and sent again", async (t) => {
  const page = await open(t);
  await page.goto(`${site.url}/contact`);
  await page.fill("[name=name]", 'Ada "the first" <b>');
  await page.fill("[name=email]", "wrong");
  await page.fill("textarea", "\nTwo\nlines");
  await page.click("button");
  assert.equal(page.url(), `${worker.url}/f/contact`);
  assert.equal(await page.locator("[role=alert]:focus").count(), 1);
  assert.equal(await page.inputValue("[name=name]"), 'Ada "the first" <b>');
  assert.equal(await page.inputValue("textarea"), "\nTwo\nlines");
  for (const [name, message] of [
    ["email", "Please enter an email address, such as name@example.com."],
    ["phone", "Please fill this in."],
  ]) {
    const field = page.locator(`[name=${name}]`);
    assert.equal(await field.getAttribute("aria-invalid"), "true");
    assert.equal(await page.textContent(`#${await field.getAttribute("aria-describedby")}`), message);
    assert.equal(await page.locator(`label[for=${await field.getAttribute("id")}]`).count(), 1);
  }
  // The first link of the alert leads to the first field with an error.
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${worker.url}/f/contact#f1`);
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type("corrected@example.com");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.type("010-1234-5678");
  await page.keyboard.press("Enter");
  // The correction keeps the way back to the website.
  await page.waitForURL(`${worker.url}/f/contact/thanks?_back=${encodeURIComponent(`${site.url}/`)}`);
  assert.equal(await page.getAttribute("a", "href"), `${site.url}/`);
  assert.deepEqual((await worker.delivered("corrected@example.com")).fields, {
    name: 'Ada "the first" <b>',
    email: "corrected@example.com",
    message: "\r\nTwo\r\nlines",
    phone: "010-1234-5678",
  });
});

test("a form in a frame shows its thank-you page and its errors in the frame", async (t) => {
  const page = await open(t);
  await page.goto(`${site.url}/frame`);
  const frame = page.frameLocator("iframe");
  await frame.locator("[name=email]").fill("frame@example.com");
  await frame.locator("button").click();
  await frame.getByRole("heading", { name: "Your message was not sent" }).waitFor();
  await frame.locator("[name=phone]").fill("010-1234-5678");
  await frame.locator("button").click();
  await frame.getByRole("heading", { name: "Thank you" }).waitFor();
});

for (const policy of ["no-referrer", "same-origin"]) {
  test(`visitors of a website with the referrer policy ${policy}, which hides its origin, may post`, async (t) => {
    const page = await open(t);
    site.pages["/quiet"] = site.pages["/contact"].replace("<body>", `<meta name="referrer" content="${policy}"><body>`);
    const origins = [];
    page.on("request", async (request) => request.method() === "POST" && origins.push(request.headerValue("origin")));
    for (const [form, title] of [
      ["listed", "Thank you"],
      ["strict", "Your message was not sent"],
    ]) {
      site.pages["/quiet"] = site.pages["/quiet"].replace(/\/f\/\w+/, `/f/${form}`);
      await page.goto(`${site.url}/quiet`);
      await page.fill("[name=name]", "Ada");
      await page.click("button");
      await page.getByRole("heading", { name: title }).waitFor();
    }
    assert.deepEqual(await Promise.all(origins), ["null", "null"]);
  });
}

for (const javaScriptEnabled of [false, true]) {
  test(`the demo's forms can be sent unchanged, again and again, ${javaScriptEnabled ? "with" : "without"} the script`, async (t) => {
    const page = await open(t, { javaScriptEnabled });
    const before = (await worker.submissions("contact")).length;
    const count = async () => (await worker.submissions("contact")).length - before;
    for (const expected of [1, 2]) {
      await page.goto(worker.url);
      await page.locator('form[action="/f/contact"] button').click();
      await page.waitForURL(`${worker.url}/f/contact/thanks`);
      assert.equal(await count(), expected);
    }
    await page.goto(worker.url);
    const folded = page.locator("#form-moved details").first();
    await folded.locator("summary").click();
    await folded.locator("button").click();
    await page.waitForURL(`${worker.url}/f/moved/thanks`);
    const [latest] = await worker.submissions("contact");
    assert.deepEqual(latest.deliveries.map(({ state }) => state === "quarantined"), [false]);
  });
}

test("the pages of a form with a brand show its name, its color and its logo, and nothing else is loaded", async (t) => {
  const page = await open(t);
  const asked = [];
  await page.route(/^https:/, (route) => {
    asked.push(route.request().url());
    const body = '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40"><rect width="80" height="40" rx="8" fill="#c60"/></svg>';
    return route.fulfill({ contentType: "image/svg+xml", body });
  });
  for (const path of ["/f/with-brand/thanks", "/f/with-brand"]) {
    await page.goto(`${site.url}/contact`);
    await page.setContent(`<form method="post" action="${worker.url}/f/with-brand"><input name="email" value="wrong"><button>Send</button></form>`);
    if (path.endsWith("thanks")) await page.goto(worker.url + path);
    else await page.click("button");
    assert.equal(page.url(), worker.url + path);
    assert.match(await page.title(), / · Acme & Söhne$/);
    assert.equal(await page.textContent(".brand"), "Acme & Söhne");
    assert.equal(await page.locator(".brand img").evaluate((logo) => logo.naturalWidth), 80);
    await picture(page, `brand-${path.split("/").at(-1)}`);
  }
  const button = await page.locator("button").evaluate((button) => [getComputedStyle(button).backgroundColor, getComputedStyle(button).color]);
  assert.deepEqual(button, ["rgb(255, 204, 0)", "rgb(0, 0, 0)"]);
  assert.deepEqual([...new Set(asked)], ["https://cdn.example.com/logo.svg"]);
});

// What these pages weighed before they had a look, and 2 KB.
for (const [path, bytes] of [
  ["/f/contact/thanks", 831],
  ["/f/contact", 911],
]) {
  test(`${path} is light`, async () => {
    const page = await (await fetch(worker.url + path, { headers: { accept: "text/html" } })).text();
    const size = gzipSync(page).length;
    assert.ok(size <= bytes + 2048, `${size} bytes`);
  });
}

for (const colorScheme of ["light", "dark"]) {
  test(`field borders have enough contrast: ${colorScheme}`, async (t) => {
    const page = await open(t, { colorScheme });
    await page.goto(`${site.url}/contact`);
    await page.fill("[name=email]", "wrong");
    await page.click("button");
    const contrasts = await page.locator("input:not([type=hidden]),textarea").evaluateAll((fields) => {
      const light = (color) => {
        const [r, g, b, alpha = 1] = color.match(/[\d.]+/g).map(Number);
        if (alpha !== 1) return NaN;
        const [R, G, B] = [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * R + 0.7152 * G + 0.0722 * B + 0.05;
      };
      const ground = light(getComputedStyle(document.querySelector("main")).backgroundColor);
      const edges = fields.map((field) => light(getComputedStyle(field).borderTopColor));
      return edges.map((edge) => Math.max(edge, ground) / Math.min(edge, ground));
    });
    assert.equal(contrasts.length, 4);
    assert.ok(contrasts.every((contrast) => contrast >= 3), contrasts.join(" "));
  });
}

test("right-to-left labels start on the right and the others on the left", async (t) => {
  const page = await open(t);
  site.pages["/right"] = site.pages["/contact"].replace('name="name"', 'name="الاسم"').replace('name="message"', 'name="notes"');
  await page.goto(`${site.url}/right`);
  await page.fill("textarea", "x");
  await page.click("button");
  const gaps = await page.locator("label").evaluateAll((labels) =>
    labels.map((label) => {
      const text = document.createRange();
      text.selectNodeContents(label);
      const [inner, outer] = [text.getBoundingClientRect(), label.getBoundingClientRect()];
      return [label.textContent, inner.left - outer.left < 2, outer.right - inner.right < 2];
    }),
  );
  assert.deepEqual(gaps.slice(0, 2), [
    ["الاسم", false, true],
    ["Email", true, false],
  ]);
});

test("after a body that is too large, the browser still has the text and the page says so", async (t) => {
  const page = await open(t);
  await page.goto(`${site.url}/contact`);
  await page.fill("[name=email]", "long@example.com");
  await page.fill("textarea", "x".repeat(300_000));
  await page.click("button");
  await page.getByText("Go back in your browser to the form: what you typed may still be there.").waitFor();
  await page.goBack();
  assert.equal((await page.inputValue("textarea")).length, 300_000);
});

const LONG = "averyveryverylongwordwithoutanybreak".repeat(6);

for (const [language, locale] of [
  ["en", "en-US"],
  ["ko", "ko-KR"],
]) {
  for (const [size, viewport] of [
    ["phone", { width: 320, height: 640 }],
    ["desktop", { width: 1280, height: 900 }],
  ]) {
    for (const colorScheme of ["light", "dark"]) {
      test(`pages fit: ${language}, ${size}, ${colorScheme}`, async (t) => {
        const page = await open(t, { locale, viewport, colorScheme });
        const fits = async (name) => {
          await picture(page, `${name}-${language}-${size}-${colorScheme}`);
          assert.equal(await page.getAttribute("html", "lang"), language);
          // The browser's protocol can measure even with JavaScript disabled.
          const [content, view] = [await page.locator("html").boundingBox(), viewport.width];
          const boxes = await page.locator("body *").evaluateAll((all) => all.map((el) => el.getBoundingClientRect().right));
          assert.ok(content.width <= view && Math.max(...boxes) <= view, `${name} is ${Math.max(...boxes)} px wide`);
        };
        await page.goto(worker.url);
        await fits("home");
        await page.goto(`${site.url}/contact`);
        await page.fill("[name=name]", LONG);
        await page.fill("[name=email]", `${LONG.slice(0, 60)}@`);
        await page.fill("textarea", `${LONG}\n두 번째 줄`);
        await page.click("button");
        await fits("error");
        await page.goto(`${worker.url}/f/contact/thanks`, { referer: `${site.url}/contact` });
        await fits("thanks");
      });
    }
  }
}
