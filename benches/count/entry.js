// The Worker with counters: a DELETE returns what was counted since the last one.

import { inAlarm, report, watch } from "./prelude.js";
import worker, { Outbox as Counted } from "./index.js";

export class Outbox extends Counted {
  constructor(ctx, env) {
    watch(ctx.storage);
    super(ctx, env);
  }

  alarm(info) {
    return inAlarm(() => super.alarm(info));
  }
}

// Hono exports an object, the Rust Worker a class.
export default typeof worker === "function"
  ? class extends worker {
      fetch(request) {
        return request.method === "DELETE" ? Response.json(report()) : super.fetch(request);
      }
    }
  : {
      fetch(request, env, ctx) {
        return request.method === "DELETE" ? Response.json(report()) : worker.fetch(request, env, ctx);
      },
    };
