// What the Worker reads of a vendor's response, in Node: its fetch inflates bodies as the platform's does.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { exchange } from "../../src/edge/platform.js";

const LIMIT = 1024 * 1024;
const large = "x".repeat(64 * LIMIT);
const bodies = {
  "/short": [{}, '{"id":"1"}'],
  "/short-gzip": [{ "Content-Encoding": "gzip" }, gzipSync('{"id":"1"}')],
  "/large": [{}, large],
  "/bomb": [{ "Content-Encoding": "gzip" }, gzipSync(large)],
};
const server = createServer((request, response) => {
  const [headers, body] = bodies[request.url];
  response.writeHead(200, { ...headers, "Content-Length": Buffer.byteLength(body) }).end(body);
});

before(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

after(() => {
  server.close();
  server.closeAllConnections();
});

const read = async (path) => JSON.parse(await exchange(`http://127.0.0.1:${server.address().port}${path}`, "{}", LIMIT, 10_000));

test("a response within the limit is whole, compressed or not", async () => {
  for (const path of ["/short", "/short-gzip"]) {
    const [status, , body] = await read(path);
    assert.deepEqual([status, body], [200, '{"id":"1"}'], path);
  }
});

test("of a longer one only the beginning is read, also when its compressed length is within the limit", async () => {
  for (const path of ["/large", "/bomb"]) {
    const [, , body] = await read(path);
    assert.ok(body.length > 0 && body.length < 2 * LIMIT, `${path}: ${body.length}`);
  }
});
