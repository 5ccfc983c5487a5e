// Counts what a Worker makes the platform do, in its requests and in its alarms. Imported before the Worker, whose
// build stays unchanged.

const nothing = () => ({ crossings: {}, statements: {}, transactions: 0, alarms: 0, cursors: [] });
let counts = { request: nothing(), alarm: nothing() };
let phase = "request";
const count = (kind, name) => (counts[phase][kind][name] = (counts[phase][kind][name] ?? 0) + 1);

/** Alarms ring this much later, in milliseconds: after the response to the request that sets them. */
const LATER = 100;

/** What was counted since the last report. */
export function report() {
  const read = Object.entries(counts).map(([phase, { cursors, ...rest }]) => {
    const rows = (column) => cursors.reduce((sum, cursor) => sum + cursor[column], 0);
    return [phase, { ...rest, read: rows("rowsRead"), written: rows("rowsWritten") }];
  });
  counts = { request: nothing(), alarm: nothing() };
  return Object.fromEntries(read);
}

/** Runs an alarm, whose work is counted apart. */
export async function inAlarm(work) {
  phase = "alarm";
  try {
    return await work();
  } finally {
    phase = "request";
  }
}

// Every call from Wasm to JavaScript goes through an import.
const { Instance } = WebAssembly;
WebAssembly.Instance = class extends Instance {
  constructor(module, imports) {
    const counted = ([name, value]) => {
      if (typeof value !== "function") return [name, value];
      return [name, (...values) => (count("crossings", name), value(...values))];
    };
    const map = (object, entry) => Object.fromEntries(Object.entries(object).map(entry));
    super(module, map(imports, ([name, functions]) => [name, map(functions, counted)]));
  }
};

let isWatched = false;

/** Watches the storage of all Durable Objects, given the first one's. */
export function watch(storage) {
  if (isWatched) return;
  isWatched = true;
  const wrap = (object, method, around) => {
    const prototype = Object.getPrototypeOf(object);
    const original = prototype[method];
    prototype[method] = function (...values) {
      return around((...changed) => original.apply(this, changed), ...values);
    };
  };
  wrap(storage.sql, "exec", (exec, query, ...values) => {
    const statements = query.split(";").map((text) => text.trim().replace(/\s+/g, " "));
    statements.filter(Boolean).forEach((text) => count("statements", text));
    const cursor = exec(query, ...values);
    counts[phase].cursors.push(cursor);
    return cursor;
  });
  wrap(storage, "transactionSync", (transaction, work) => {
    counts[phase].transactions += 1;
    return transaction(work);
  });
  wrap(storage, "setAlarm", (setAlarm, at, ...options) => {
    counts[phase].alarms += 1;
    return setAlarm(Number(at) + LATER, ...options);
  });
}
