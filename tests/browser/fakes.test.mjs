// The fake CRMs' page: records appear without a reload, and the buttons keep the keyboard's focus.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch } from "./chromium.mjs";
import { startWorker } from "./world.mjs";

let worker, browser;

before(async () => {
  worker = await startWorker();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  worker?.end();
});

const send = (email) => fetch(`${worker.url}/f/contact`, { method: "POST", body: new URLSearchParams({ name: "<b>Ada</b>", email }) });

const SIZES = { phone: { width: 320, height: 640 }, desktop: { width: 1280, height: 900 } };

for (const [size, viewport] of Object.entries(SIZES)) {
  for (const colorScheme of ["light", "dark"]) {
    test(`records and moods: ${size}, ${colorScheme}`, async (t) => {
      const context = await browser.newContext({ viewport, colorScheme });
      t.after(() => context.close());
      const page = await context.newPage();
      await page.goto(worker.fakes);
      const rows = page.locator("#webhook tbody tr");
      const before = await rows.count();
      const emails = [1, 2].map((number) => `${size}-${colorScheme}-${number}@example.com`);

      await send(emails[0]);
      await rows.filter({ hasText: emails[0] }).waitFor();
      assert.equal(await page.locator("#webhook b", { hasText: "Ada" }).count(), 0, "HTML is shown as text");
      const json = rows.first().locator("details");
      assert.equal(await json.getAttribute("open"), null);
      await json.locator("summary").focus();
      await page.keyboard.press("Enter");

      await send(emails[1]);
      await rows.filter({ hasText: emails[1] }).waitFor();
      assert.equal(await rows.count(), before + 2);
      assert.deepEqual(await rows.locator("details").evaluateAll((all) => all.map((one) => one.open)).then((open) => open.slice(0, 2)), [false, true]);
      assert.equal(await page.evaluate(() => document.activeElement.tagName), "SUMMARY");

      // By keyboard: busy, and well again.
      const button = (mood) => page.locator(`[formaction="/mood/webhook/${mood}"]`);
      for (const [mood, effect] of [
        ["busy", "Now it responds with 429 and Retry-After: 10, and does nothing."],
        ["well", "Now it responds as the vendor would."],
      ]) {
        await button(mood).focus();
        await page.keyboard.press("Enter");
        await page.locator("#webhook [role=status]", { hasText: effect }).waitFor();
        assert.equal(await page.evaluate(() => document.activeElement.getAttribute("formaction")), `/mood/webhook/${mood}`);
        assert.deepEqual(await page.locator("#webhook [aria-pressed=true]").allTextContents(), [mood]);
      }
      const widest = await page.locator("body *").evaluateAll((all) => Math.max(...all.map((el) => el.getBoundingClientRect().right)));
      assert.ok(widest <= viewport.width, `${widest} px wide`);
      if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/fakes-${size}-${colorScheme}.png`, fullPage: true });
    });
  }
}
