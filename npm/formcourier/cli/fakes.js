// The fake CRMs behind a loopback port. They do no I/O themselves: a request in, a response out.

import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

import { load } from "./wasm.js";

const fakes = load("fakes");

// The value of a secret that the fakes accept.
export const secret = (name) => fakes({ secret: name });

// Whatever changed the fakes is asked again at the next start, from the journal, and they are as they were.
export function startFakes(port, journal) {
  const past = existsSync(journal) ? readFileSync(journal, "utf8").split("\n") : [];
  for (const line of past.filter(Boolean)) fakes(JSON.parse(line));
  const server = createServer(async (request, response) => {
    const [path, query = ""] = request.url.split("?", 2);
    const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)]);
    const { method } = request;
    const { host = "" } = request.headers;
    const body = await text(request);
    const question = { now: Date.now(), method, host, path, query, headers, body };
    if (method !== "GET") appendFileSync(journal, `${JSON.stringify(question)}\n`);
    const answer = fakes(question);
    await new Promise((done) => setTimeout(done, answer.pause));
    // A fake that hangs up.
    if (answer.status === undefined) return request.socket.destroy();
    response.writeHead(answer.status, answer.headers.flat()).end(answer.body);
  });
  return new Promise((done, failed) => server.once("error", failed).listen(port, "127.0.0.1", () => done(server)));
}
