// `make profile`: where V8 spends the time of a Worker that accepts and delivers, and what it asks of the platform.
//
// WORKER= names another one (peer, floor). `platform` is what JavaScript calls of V8 and workerd, with SQLite below it;
// `(program)` is what runs outside JavaScript.

import { startCrm } from "./crm.mjs";
import { post } from "./load.mjs";
import { DELIVERED, WORKERS, start, symbols } from "./workerd.mjs";

const SHOWN = 40;
const COUNT = 3_000;
const load = { form: DELIVERED, kind: "urlencoded", connections: 16 };

const worker = WORKERS.find(({ name }) => name === (process.env.WORKER ?? "formcourier"));
const crm = await startCrm();

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const names = worker.name === "formcourier" ? symbols() : new Map();

/** A function's name without the hashes of Rust and wasm-bindgen. */
const plain = (name) =>
  name
    .replace(/^wasm-function\[(\d+)\]$/, (number, index) => names.get(Number(index)) ?? number)
    .replace(/::h[0-9a-f]{16}$|\[[0-9a-f]{16}\]/g, "")
    .replace(/^__wbg_(.*)_[0-9a-f]{16}$/, "$1");

/** A session with V8's inspector. */
async function inspect(port) {
  const [{ webSocketDebuggerUrl }] = await (await fetch(`http://127.0.0.1:${port}/json`)).json();
  const socket = new WebSocket(webSocketDebuggerUrl);
  await new Promise((resolve, reject) => Object.assign(socket, { onopen: resolve, onerror: reject }));
  const waiting = new Map();
  socket.onmessage = ({ data }) => {
    const { id, result } = JSON.parse(data);
    waiting.get(id)?.(result);
  };
  return {
    ask: (method, params = {}) =>
      new Promise((resolve) => {
        waiting.set(waiting.size, resolve);
        socket.send(JSON.stringify({ id: waiting.size - 1, method, params }));
      }),
    close: () => socket.close(),
  };
}

/** Name and share of each row, the largest first. */
function print(title, rows) {
  const total = rows.reduce((sum, [, value]) => sum + value, 0);
  console.log(`\n${title}`);
  for (const [name, value] of rows.toSorted(([, a], [, b]) => b - a).slice(0, SHOWN)) {
    console.log(`${((value / total) * 100).toFixed(1).padStart(6)} %  ${name}`);
  }
}

function sum(pairs) {
  const sums = new Map();
  for (const [name, value] of pairs) sums.set(name, (sums.get(name) ?? 0) + value);
  return [...sums];
}

async function delivered(running, count) {
  const due = crm.created() + count;
  await post(running.port, { ...load, count });
  while (crm.created() < due) await sleep(20);
  // The Worker still writes what became of the last ones.
  await sleep(200);
}

const running = await start(worker, { crm, inspector: true });
await delivered(running, COUNT);
const session = await inspect(running.inspector);
await session.ask("Profiler.enable");
await session.ask("Profiler.setSamplingInterval", { interval: 200 });
await session.ask("Profiler.start");
const before = running.cpu();
await delivered(running, COUNT);
const micros = ((running.cpu() - before) / COUNT) * 1e6;
const { profile } = await session.ask("Profiler.stop");
session.close();
await running.stop();

const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
const spent = profile.samples.map((id, at) => [nodes.get(id).callFrame, profile.timeDeltas[at] ?? 0]);
const awake = spent.filter(([{ functionName }]) => functionName !== "(idle)");
const kind = ({ functionName, url }) => {
  if (functionName.startsWith("(")) return "the rest";
  if (url.startsWith("wasm")) return "Wasm";
  return url ? "JavaScript" : "platform";
};
const place = (frame) => `${plain(frame.functionName) || "(anonymous)"}  [${kind(frame)}]`;
console.log(`${worker.name}: ${Math.round(micros)} µs of CPU per delivered lead, under the profiler`);
print("By kind", sum(awake.map(([frame, time]) => [kind(frame), time])));
print("By function", sum(awake.map(([frame, time]) => [place(frame), time])));

const counted = await start(worker, { crm, isCounted: true });
await delivered(counted, 1);
await counted.counts();
const LEADS = 20;
for (let sent = 0; sent < LEADS; sent += 1) await delivered(counted, 1);
for (const [phase, { statements, crossings }] of Object.entries(await counted.counts())) {
  for (const [what, counts] of Object.entries({ statements, crossings })) {
    if (Object.keys(counts).length === 0) continue;
    console.log(`\n${what} per lead, ${phase}`);
    const rows = sum(Object.entries(counts).map(([name, count]) => [plain(name), count]));
    rows.sort(([, a], [, b]) => b - a);
    for (const [name, count] of rows.slice(0, SHOWN)) console.log(`${(count / LEADS).toFixed(2).padStart(8)}  ${name}`);
  }
}
await counted.stop();
await crm.stop();
