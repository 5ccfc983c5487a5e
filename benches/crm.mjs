// A CRM that answers at once, in its own thread: StateSet's route for leads. The key `busy` gets 429 and a wait of six
// hours, so that nothing is delivered.

import { createServer } from "node:http";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";

/** Starts it: where it listens, and how many leads it has. */
export async function startCrm() {
  const created = new Int32Array(new SharedArrayBuffer(4));
  const thread = new Worker(new URL(import.meta.url), { workerData: created });
  const port = await new Promise((resolve) => thread.once("message", resolve));
  return { port, created: () => Atomics.load(created, 0), stop: () => thread.terminate() };
}

if (!isMainThread) {
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      response.setHeader("content-type", "application/json");
      if (request.headers.authorization === "Bearer busy") {
        response.writeHead(429, { "retry-after": "21600" });
        return response.end('{"error":{"code":"RATE_LIMIT_EXCEEDED","message":"Rate limit exceeded"}}');
      }
      const id = Atomics.add(workerData, 0, 1);
      response.writeHead(201);
      response.end(`{"id":"lead-${id}"}`);
    });
  });
  server.keepAliveTimeout = 600_000;
  server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));
}
