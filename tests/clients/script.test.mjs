// /formcourier.js is a static asset, and stays small.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { startWorker } from "../browser/world.mjs";

test("the script is less than 4 KB compressed and sets no cookie", async (t) => {
  const worker = await startWorker();
  t.after(() => worker.end());
  const reply = await fetch(`${worker.url}/formcourier.js`);
  const body = await reply.text();
  assert.ok(gzipSync(body, { level: 6 }).length < 4096, `${gzipSync(body).length} bytes`);
  assert.ok(!body.includes("cookie"));
  assert.equal(reply.headers.get("content-type"), "text/javascript; charset=utf-8");
  assert.equal(reply.headers.get("set-cookie"), null);
});
