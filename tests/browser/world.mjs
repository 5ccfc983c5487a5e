// For one test file: a Worker under the real workerd with the fake CRMs, and a website of another origin.

import { spawn } from "node:child_process";
import { createServer, request as forward } from "node:http";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

// The fake webhook receives every submission as the visitor sent it.
export const TEXTS = {
  ADMIN_TOKEN: "admin-token-of-the-tests",
  HOOK_SIGNING_SECRET: "whsec_Zm9ybWNvdXJpZXIgaW4gZGV2ZWxvcG1lbnQ=",
  SALESMAP_TOKEN: "development",
  DEMO: "on",
};

const VARS = {
  FORM_CONTACT: { destinations: ["hook"], required: ["email"] },
  DESTINATION_HOOK: { type: "webhook", url: "https://hooks.example.com/catch", retry: ["100ms", "100ms"], timeout: "2s" },
};

// Starts the Worker; `vars` add to the contact form, `texts` to the secrets. Call `end` when done.
export async function startWorker(vars = {}, texts = {}) {
  const child = spawn(`${root}/target/debug/world`, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (question) => {
    child.stdin.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error("the fake world exited; run `make build` and `cargo build -p fakes` first");
    return JSON.parse(value);
  };
  const ports = await ask({ vars: { ...VARS, ...vars }, texts: { ...TEXTS, ...texts } });
  const url = `http://127.0.0.1:${ports.worker}`;
  // One question at a time: answers come in order.
  let turn = Promise.resolve();
  const inTurn = (question) => (turn = turn.then(() => ask(question)));
  return {
    url,
    fakes: `http://127.0.0.1:${ports.fakes}`,
    ask: inTurn,
    // What the webhook received, once there are `count` submissions.
    async received(count, patience = 10_000) {
      const end = Date.now() + patience;
      let records = [];
      while (Date.now() < end) {
        records = await inTurn({ records: "webhook" });
        if (records.length >= count) break;
        await new Promise((done) => setTimeout(done, 30));
      }
      return records.map((record) => record.data);
    },
    // The only submission with this email, once the webhook received it.
    async delivered(email) {
      for (const end = Date.now() + 10_000; Date.now() < end; ) {
        const found = (await this.received(1)).filter((data) => data.fields.email === email);
        if (found.length > 1) throw new Error(`${email} was delivered ${found.length} times`);
        if (found.length) return found[0];
      }
      throw new Error(`${email} was not delivered`);
    },
    async submissions(form) {
      const headers = { authorization: `Bearer ${TEXTS.ADMIN_TOKEN}` };
      const reply = await fetch(`${url}/api/submissions?form=${form}`, { headers });
      return (await reply.json()).submissions;
    },
    end: () => child.stdin.end(),
  };
}

// A website: serves `pages[path]`, HTML or { type, body }. With `worker`, the Worker has the route /f/* on its host.
export async function startSite(pages, worker) {
  const server = createServer((request, response) => {
    if (worker && request.url.startsWith("/f/")) {
      const { method, headers } = request;
      const onward = forward(worker.url + request.url, { method, headers }, (reply) => {
        response.writeHead(reply.statusCode, reply.headers);
        reply.pipe(response);
      });
      // The browser may close a connection that it no longer needs.
      onward.on("error", () => response.destroy());
      request.pipe(onward);
      return;
    }
    const page = pages[new URL(request.url, "http://site").pathname];
    const { type = "text/html; charset=utf-8", body = page } = typeof page === "object" ? page : {};
    response.writeHead(page === undefined ? 404 : 200, { "content-type": type });
    response.end(page === undefined ? "nothing here" : body);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  // `localhost` instead of 127.0.0.1, so that it is another site than the Worker.
  return {
    url: `http://localhost:${server.address().port}`,
    pages,
    end() {
      server.close();
      server.closeAllConnections();
    },
  };
}
