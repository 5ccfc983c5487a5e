// /formcourier.js is built from its source and stays small.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { transform } from "esbuild";
import { root, startWorker } from "../browser/world.mjs";

const served = await readFile(`${root}/src/pages/formcourier.min.js`, "utf8");

test("the served script is the minified source", async () => {
  const source = await readFile(`${root}/src/pages/formcourier.js`, "utf8");
  const { code } = await transform(source, { minify: true, charset: "utf8" });
  assert.equal(served, code, "run `make build` and commit src/pages/formcourier.min.js");
});

test("the script is less than 4 KB compressed and sets no cookie", async (t) => {
  const worker = await startWorker();
  t.after(() => worker.end());
  const reply = await fetch(`${worker.url}/formcourier.js`);
  const body = await reply.text();
  assert.equal(body, served);
  assert.ok(gzipSync(body, { level: 6 }).length < 4096, `${gzipSync(body).length} bytes`);
  assert.equal(reply.headers.get("content-type"), "text/javascript; charset=utf-8");
  assert.equal(reply.headers.get("access-control-allow-origin"), "*");
  assert.equal(reply.headers.get("set-cookie"), null);
  const again = await fetch(`${worker.url}/formcourier.js`, { headers: { "if-none-match": reply.headers.get("etag") } });
  assert.equal(again.status, 304);
  assert.equal((await fetch(`${worker.url}/formcourier.js`, { method: "HEAD" })).headers.get("etag"), reply.headers.get("etag"));
  assert.ok(!body.includes("cookie"));
});
