// The Worker as the platform loads it: one class per entry point, around the Rust module. The classes extend the
// platform's own, which is what RPC needs.

import { DurableObject, WorkerEntrypoint, env } from "cloudflare:workers";
import * as rust from "../../build/bindgen/index.js";
import { Watchdog, readBody, sleep } from "./platform.js";

/** A body of up to this length is read before Rust runs, which saves a crossing and a wait. */
const SHORT_BYTES = 64 * 1024;

// The native `queueMicrotask` goes through C++, which costs far more than a promise of V8. Rust's executor queues a task per
// wake-up.
const settled = Promise.resolve();
globalThis.queueMicrotask = (task) => {
  settled.then(task);
};

// How deep the stack traces of panics are.
Error.stackTraceLimit = 100;
// A panic replaces the Wasm instance and counts `instanceId` up; what belonged to the old instance is gone.
const state = rust.__worker_init_state();

export default class extends WorkerEntrypoint {
  async fetch(request) {
    const { method, url, cf, headers } = request;
    const head = JSON.stringify([method, url, cf?.country ?? null, [...headers]]);
    // Rust reads a longer body itself, if its form takes that much.
    const isShort = Number(headers.get("content-length") ?? NaN) <= SHORT_BYTES;
    const body = isShort ? await readBody(request, SHORT_BYTES) : request;
    // After a panic, strings would be copied into the dead instance.
    rust.renew();
    const isRead = body instanceof Uint8Array;
    const reply = await rust.fetch(head, isRead ? body : undefined, isRead ? undefined : body, this.env);
    // After the reply, so as not to delay it.
    if (rust.hasWork()) this.ctx.waitUntil(sleep(0).then(() => rust.work(this.env)));
    if (typeof reply !== "string") return reply;
    const [status, fields, text] = JSON.parse(reply);
    return new Response(text, { status, headers: fields });
  }

  scheduled() {
    return rust.sweep(this.env);
  }
}

/** An Outbox; its storage outlives every Wasm instance. */
export class Outbox extends DurableObject {
  #object;
  #instanceId;

  get #rust() {
    rust.renew();
    if (this.#instanceId !== state.instanceId) {
      this.#object = new rust.Outbox(this.ctx, this.env);
      this.#instanceId = state.instanceId;
    }
    return this.#object;
  }

  /** Answers a question: with a string when nothing is awaited, so that nothing can hang. */
  ask(question) {
    const answer = this.#rust.ask(question);
    return typeof answer === "string" ? answer : new Watchdog(this.ctx).over(answer);
  }

  alarm() {
    const watchdog = new Watchdog(this.ctx);
    return watchdog.over(this.#rust.alarm(watchdog));
  }
}

// Neither an exception nor a promise that never settles may keep the Worker from starting.
const report = (error) => console.error(JSON.stringify({ event: "failure", what: "rehearsal", error: String(error) }));
try {
  if (!rust.rehearse(env)) report("it ended early");
  const head = JSON.stringify(["POST", "https://forms.example.com/f/~", null, [["accept", "application/json"]]]);
  rust.fetch(head, new Uint8Array(), undefined, env).catch(report);
} catch (error) {
  report(error);
}
