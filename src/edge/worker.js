// The Worker as the platform loads it: one class per entry point, around the Rust module.
//
// worker-build's own classes are proxies that do not extend `DurableObject`, so the platform offers no RPC on them.

import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
import * as rust from "../../build/bindgen/index.js";

// How deep the stack traces of panics are.
Error.stackTraceLimit = 100;
// A panic replaces the Wasm instance and counts `instanceId` up; what belonged to the old instance is gone.
const state = rust.__worker_init_state();

export default class extends WorkerEntrypoint {
  fetch(request) {
    return rust.fetch(request, this.env, this.ctx);
  }

  scheduled(event) {
    return rust.scheduled(event, this.env, this.ctx);
  }
}

/** An Outbox; its storage outlives every Wasm instance. */
export class Outbox extends DurableObject {
  #object;
  #instanceId;

  get #rust() {
    if (this.#instanceId !== state.instanceId) {
      this.#object = new rust.Outbox(this.ctx, this.env);
      this.#instanceId = state.instanceId;
    }
    return this.#object;
  }

  fetch(request) {
    return this.#rust.fetch(request);
  }

  alarm() {
    return this.#rust.alarm();
  }
}
