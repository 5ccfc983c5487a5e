// The snippets of docs/snippets.md and the form of the README, submitted with and without JavaScript.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { build } from "esbuild";
import { launch } from "./chromium.mjs";
import { root, startSite, startWorker } from "./world.mjs";

let worker, site, browser;
const blocks = [];
const components = [];
let looks;

const page = (body) => `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
  <title>A website</title><style>:root { color-scheme: light dark } body { font: 1rem/1.5 system-ui; padding: 1rem; max-width: 40rem }
  input, textarea { display: block; font: inherit; max-width: 100% } ${looks}</style><body>${body}`;

before(async () => {
  worker = await startWorker({ FORM_CONTACT: { destinations: ["hook"], rules: { message: { max_length: 100 } } } });
  site = await startSite({});
  const snippets = (await readFile(`${root}/docs/snippets.md`, "utf8")).replaceAll("https://forms.example.com", worker.url);
  const readme = (await readFile(`${root}/README.md`, "utf8")).replaceAll("http://localhost:8787", worker.url);
  const of = (text, language) => [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map((match) => match[1]);
  [looks] = of(snippets, "css");
  for (const block of [...of(snippets, "html"), ...of(snippets, "astro"), ...of(readme, "html")]) {
    if (block.includes("<form")) blocks.push(block);
  }
  for (const source of of(snippets, "jsx")) {
    const contents = `import { createRoot } from "react-dom/client";\n${source}
      createRoot(document.getElementById("root")).render(<ContactForm />);`;
    const result = await build({
      bundle: true,
      write: false,
      define: { "process.env.NODE_ENV": '"production"' },
      jsx: "automatic",
      mainFields: ["module", "main"],
      stdin: { contents, resolveDir: root, loader: "jsx" },
      logLevel: "error",
    });
    components.push(result.outputFiles[0].text);
  }
  browser = await launch();
});

after(async () => {
  await browser?.close();
  site?.end();
  worker?.end();
});

for (const javaScriptEnabled of [true, false]) {
  test(`every documented form is delivered, JavaScript ${javaScriptEnabled ? "on" : "off"}`, async (t) => {
    // Plain HTML, Hugo, WordPress, Astro, README.
    assert.equal(blocks.length, 5);
    const context = await browser.newContext({ javaScriptEnabled });
    t.after(() => context.close());
    await context.route("**/start", (route) => route.abort());
    const visitor = await context.newPage();
    for (const [place, block] of blocks.entries()) {
      site.pages["/"] = page(block);
      const email = `snippet-${place}-${javaScriptEnabled}@example.com`;
      await visitor.goto(site.url);
      await visitor.fill("[name=name]", "Ada Lovelace");
      await visitor.fill("[name=email]", email);
      await visitor.fill("[name=message]", "Hello");
      await visitor.click("button");
      await visitor.waitForURL(`${worker.url}/f/contact/thanks`);
      const { lead } = await worker.delivered(email);
      assert.deepEqual([lead.name, lead.email, lead.message], ["Ada Lovelace", email, "Hello"]);
      assert.equal(lead.landing_page, javaScriptEnabled && block.includes("formcourier.js") ? `${site.url}/` : undefined);
    }
  });
}

test("the React components are delivered", async (t) => {
  assert.equal(components.length, 2);
  const visitor = await browser.newPage();
  t.after(() => visitor.close());
  await visitor.route("**/start", (route) => route.abort());
  for (const [place, body] of components.entries()) {
    site.pages["/app.js"] = { type: "text/javascript", body };
    site.pages["/"] = page(
      `<div id="root"></div><script src="/app.js"></script><script src="${worker.url}/formcourier.js" defer></script>`,
    );
    await visitor.goto(site.url);
    const email = `react-${place}@example.com`;
    await visitor.fill("[name=name]", "Ada Lovelace");
    await visitor.fill("[name=email]", "ada@localhost..");
    await visitor.locator("form").evaluate((form) => (form.noValidate = true));
    await visitor.click("button");
    await visitor.getByText("Please enter an email address, such as name@example.com.").waitFor();
    await visitor.fill("[name=email]", email);
    await visitor.fill("[name=message]", "x".repeat(101));
    await visitor.click("button");
    await visitor.getByText("Please enter at most 100 characters.").waitFor();
    await visitor.fill("[name=message]", "Hello");
    await visitor.click("button");
    if (place) await visitor.getByRole("status").getByText("Thank you. Your message has arrived.").waitFor();
    else await visitor.waitForURL(`${worker.url}/f/contact/thanks`);
    assert.equal((await worker.delivered(email)).lead.name, "Ada Lovelace");
  }
});

for (const [size, viewport] of [
  ["phone", { width: 360, height: 740 }],
  ["desktop", { width: 1280, height: 900 }],
]) {
  for (const colorScheme of ["light", "dark"]) {
    test(`errors of the enhanced form fit the page: ${size}, ${colorScheme}`, async (t) => {
      site.pages["/"] = page(blocks[0]);
      const context = await browser.newContext({ viewport, colorScheme });
      t.after(() => context.close());
      await context.route("**/start", (route) => route.abort());
      const visitor = await context.newPage();
      await visitor.goto(site.url);
      await visitor.locator("form").evaluate((form) => (form.noValidate = true));
      await visitor.fill("[name=email]", "nobody@");
      await visitor.click("button");
      await visitor.locator(".formcourier-error").waitFor();
      if (process.env.SCREENSHOTS) {
        await visitor.screenshot({ path: `${process.env.SCREENSHOTS}/enhanced-${size}-${colorScheme}.png`, fullPage: true });
      }
      assert.equal(await visitor.evaluate(() => document.documentElement.scrollWidth), viewport.width);
    });
  }
}
