// The platform calls that Rust needs, one crossing each: a crossing between Wasm and JavaScript often costs more than the
// call itself. Rust declares these functions in platform.rs.

/** The result of `work`, or of `late()` if `work` takes longer than `ms` milliseconds. */
const inTime = (ms, work, late) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(Promise.resolve().then(late)), ms);
    work.then(resolve, reject).then(() => clearTimeout(timer));
  });

/** The bytes of a body. A longer one is cut after the chunk that exceeds `limit`. */
async function readStream(body, limit) {
  const chunks = [];
  let length = 0;
  // Not `for await`: its extra promises cost more than the reads.
  const reader = body?.getReader();
  while (reader && length <= limit) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    length += value.byteLength;
  }
  if (length > limit) await reader.cancel();
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

/** The time that a body may take to arrive. The largest body that a form accepts by default needs 26 kbit/s. */
const BODY_MS = 20_000;

async function readRequest(request, limit) {
  const declared = Number(request.headers.get("content-length") ?? NaN);
  if (declared > limit) return "too_large";
  // Reading a short body as a stream costs more than it saves. A service binding may declare a wrong length.
  const bytes = declared <= limit ? new Uint8Array(await request.arrayBuffer()) : await readStream(request.body, limit);
  return bytes.length > limit ? "too_large" : bytes;
}

/** The whole body of a request, or why it cannot be read: `too_large`, `timeout`, `malformed`. */
export async function readBody(request, limit) {
  try {
    return await inTime(BODY_MS, readRequest(request, limit), () => "timeout");
  } catch {
    // Invalid chunks, or a visitor who left.
    return "malformed";
  }
}

/** Sends a request and reads the response until it exceeds `limit` bytes: `[status, headers, body]` as JSON. */
export async function exchange(url, init, limit, ms) {
  const controller = new AbortController();
  const { signal } = controller;
  const whole = async () => {
    // Redirects would carry the credentials along.
    const response = await fetch(url, { ...JSON.parse(init), redirect: "manual", signal });
    const bytes = await readStream(response.body, limit);
    return JSON.stringify([response.status, [...response.headers], new TextDecoder().decode(bytes)]);
  };
  return inTime(ms, whole(), () => {
    controller.abort();
    throw new Error(`no complete response within ${ms} ms`);
  });
}

/** Asks an Outbox, each time on a fresh stub: an old one stays broken once its object was reset. */
export const ask = (env, outbox, question, ms) =>
  inTime(ms, env.OUTBOX.getByName(outbox).ask(question), () => {
    throw new Error("the Outbox did not answer in time");
  });

/** A promise: is `key` within a rate limit? Nothing without the binding, because then there is no limit. */
export const isWithin = (env, binding, key) => env[binding]?.limit({ key }).then(({ success }) => success);

/** The rows of a statement as JSON, or nothing when it has none. */
export function exec({ storage }, statement, values) {
  const cursor = storage.sql.exec(statement, ...JSON.parse(values));
  return statement.startsWith("SELECT") ? JSON.stringify(cursor.raw().toArray()) : undefined;
}

/** Runs `work` in a transaction; an exception rolls it back. */
export const transaction = ({ storage }, work) => storage.transactionSync(work);

/** Sets or deletes the alarm. An object whose alarm cannot be set is reset. */
export function setAlarm(context, at) {
  const set = at === undefined ? context.storage.deleteAlarm() : context.storage.setAlarm(at);
  // Deferred: an abort within this turn would also end the other handlers that run in it.
  set.catch((error) => setTimeout(() => context.abort(`the alarm cannot be set: ${error}`), 0));
}

export const getAlarm = ({ storage }) => storage.getAlarm();
export const sync = ({ storage }) => storage.sync();
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** How long a handler of an Outbox may be silent, in milliseconds. While it waits for calls, it pets its watchdog. */
const SILENCE_MS = 12_000;

/** The watchdogs of all handlers that are running. */
const armed = new Set();

/**
 * Resets the object of a handler that is silent. A panic in Wasm does not fail a handler, it hangs it, and an alarm that
 * hangs holds up every later one for up to 15 minutes. The timer is JavaScript, so it outlives the Wasm instance.
 */
export class Watchdog {
  #context;
  #timer;

  constructor(context) {
    this.#context = context;
    armed.add(this);
    this.pet();
  }

  pet() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.bark(), SILENCE_MS);
  }

  bark() {
    armed.delete(this);
    console.error(JSON.stringify({ event: "failure", what: "watchdog", error: "a handler made no progress: its object is reset" }));
    this.#context.abort("watchdog");
  }

  /** The result of a handler, watched until it ends. */
  async over(handler) {
    try {
      return await handler;
    } finally {
      armed.delete(this);
      clearTimeout(this.#timer);
    }
  }
}

/**
 * After a panic: resets every object that has a handler running, which saves the wait for its timer. Not at once: an
 * abort within the panic would end this turn before the instance is marked for its reset. An object that cannot be reset
 * from the context that died is reset by its own timer.
 */
export function barkAll() {
  console.error(JSON.stringify({ event: "failure", what: "instance", error: "the Wasm instance died and is replaced" }));
  for (const watchdog of armed) setTimeout(() => watchdog.bark(), 0);
}
