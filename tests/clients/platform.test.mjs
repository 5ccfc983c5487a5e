// What the Worker reads of a vendor's response and of a visitor's request, in Node: its fetch inflates bodies as the platform's
// does.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { exchange, readBody } from "../../src/edge/platform.js";

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

test("a request's body is read up to the limit, whatever length it declares", async () => {
  const streamed = (text) => new Blob([text]).stream();
  const failing = new ReadableStream({ pull: (controller) => controller.error(new Error("gone")) });
  // body, declared length -> bytes read, or why not
  for (const [body, length, expected] of [
    ["12345", "5", 5],
    ["123456", "6", "too_large"],
    ["123456", "1", "too_large"],
    ["12345", "five", 5],
    ["123456", "five", "too_large"],
    [streamed("12345"), undefined, 5],
    [streamed("123456"), undefined, "too_large"],
    [undefined, undefined, 0],
    [undefined, "0", 0],
    [failing, undefined, "malformed"],
  ]) {
    const headers = length === undefined ? {} : { "content-length": length };
    const request = new Request("https://forms.example.com/", { method: "POST", headers, body, duplex: "half" });
    const read = await readBody(request, 5);
    assert.equal(typeof read === "string" ? read : read.length, expected, `${body} ${length}`);
  }
});
