// `make bench`: this Worker, the JavaScript peer and the floor side by side. docs/performance.md explains the figures.
//
// All three get the same load under the same workerd, one after the other within each round, so that other work on the
// machine affects all of them alike. Figures are medians over the rounds.

import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { chart } from "./chart.mjs";
import { startCrm } from "./crm.mjs";
import { post } from "./load.mjs";
import { DELIVERED, STORED, WORKERS, start, upload } from "./workerd.mjs";

const ROUNDS = Number(process.env.ROUNDS ?? 5);
const N = Number(process.env.N ?? 100_000);

const WARM_UP_MS = 10_000;
const COLD_STARTS = 10;
/** `N` as the table shows it. */
const MANY = N.toLocaleString("en");
/** Submissions of one measurement. */
const COUNT = 1_000;
/** How long a Worker may still write after the CRM has answered. */
const SETTLE_MS = 200;

const CASES = [
  ...[1, 16, 64].map((connections) => ({ form: "stored", kind: "urlencoded", connections })),
  ...["multipart", "json"].flatMap((kind) => [1, 16].map((connections) => ({ form: "stored", kind, connections }))),
  ...[1, 16].map((connections) => ({ form: DELIVERED, kind: "urlencoded", connections })),
];

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const total = (counts) => Object.values(counts).reduce((sum, count) => sum + count, 0);
const say = (text) => process.stderr.write(`${text}\n`);

/** Every figure: what it is, its unit, and for each Worker the values measured. */
const figures = new Map();
function note(figure, unit, worker, value) {
  if (!figures.has(figure)) figures.set(figure, { unit, values: {} });
  (figures.get(figure).values[worker.name] ??= []).push(value);
}

const crm = await startCrm();
/** How much of a core the load generator needed, at most. Near 1 it would be what is measured. */
let busiest = 0;

/** Posts submissions and waits until the Worker is done with them: CPU of each, in microseconds. */
async function measure(worker, load) {
  const { form, count } = load;
  const due = crm.created() + (form === DELIVERED ? count : 0);
  const before = worker.cpu();
  const { seconds, times, busy } = await post(worker.port, load);
  busiest = Math.max(busiest, busy);
  for (const end = Date.now() + 60_000; crm.created() < due; await sleep(5)) {
    if (Date.now() < end) continue;
    throw new Error(`${worker.name} did not deliver ${due - crm.created()} leads:\n${worker.log().slice(-2000)}`);
  }
  await sleep(SETTLE_MS);
  if (crm.created() !== due) throw new Error(`${worker.name} delivered more than was posted`);
  return { cpu: ((worker.cpu() - before) / count) * 1e6, rate: count / seconds, times };
}

async function cold() {
  for (let round = 0; round < COLD_STARTS; round += 1) {
    for (const worker of WORKERS) {
      const running = await start(worker, { crm });
      const { times } = await post(running.port, { form: STORED[0], kind: "urlencoded", connections: 1, count: 1 });
      note("first response after the start", "ms", worker, times[0]);
      note("start of the process", "ms", worker, running.startMs);
      await running.stop();
    }
  }
}

/** Statements, rows and crossings: of the request alone, and of the whole lead with its alarms. */
async function counts() {
  const LEADS = 20;
  for (const worker of WORKERS) {
    const running = await start(worker, { crm, isCounted: true });
    const one = () => measure(running, { form: DELIVERED, kind: "urlencoded", connections: 1, count: 1 });
    // The first one creates the tables.
    await one();
    await running.counts();
    for (let sent = 0; sent < LEADS; sent += 1) await one();
    const { request, alarm } = await running.counts();
    for (const [what, phases] of [["accept", [request]], ["delivered lead", [request, alarm]]]) {
      const each = (count) => phases.reduce((sum, phase) => sum + count(phase), 0) / LEADS;
      note(`SQL statements per ${what}`, "", worker, each(({ statements }) => total(statements)));
      note(`transactions per ${what}`, "", worker, each(({ transactions }) => transactions));
      note(`rows written per ${what}, alarms included`, "", worker, each(({ written, alarms }) => written + alarms));
      note(`crossings from Wasm per ${what}`, "", worker, each(({ crossings }) => total(crossings)));
    }
    await running.stop();
  }
}

async function warmUp(worker) {
  for (const end = Date.now() + WARM_UP_MS; Date.now() < end; ) {
    for (const kind of ["urlencoded", "multipart", "json"]) {
      for (const form of [STORED[0], DELIVERED]) await measure(worker, { form, kind, connections: 16, count: 100 });
    }
  }
}

async function rounds(running) {
  for (let round = 0; round < ROUNDS; round += 1) {
    say(`round ${round + 1} of ${ROUNDS}`);
    for (const { form, kind, connections } of CASES) {
      const what = form === DELIVERED ? "delivered lead" : "accepted submission";
      const at = `${kind === "json" ? "JSON" : kind}, ${connections} connection${connections === 1 ? "" : "s"}`;
      // A form for each round, so that the backlog of one is not in the figures of the next.
      const stored = STORED[1 + (round % (STORED.length - 1))];
      const load = { form: form === DELIVERED ? form : stored, kind, connections, count: COUNT };
      for (const worker of running) {
        const { cpu, rate, times } = await measure(worker, load);
        note(`CPU per ${what}, ${at}`, "µs", worker, cpu);
        if (form === DELIVERED || kind !== "urlencoded") continue;
        note(`requests per second, ${at}`, "", worker, rate);
        note(`p50, ${at}`, "ms", worker, times[times.length >> 1]);
        note(`p99, ${at}`, "ms", worker, times[Math.floor(times.length * 0.99)]);
      }
    }
    running.push(running.shift());
  }
}

/** What does it cost when much is stored already? */
async function growth(running) {
  for (const worker of running) {
    say(`${worker.name}: ${MANY} submissions delivered, and ${MANY} that wait`);
    const grow = { kind: "urlencoded", connections: 16 };
    for (const [form, what] of [[DELIVERED, "delivered lead"], [STORED[0], "accepted submission"]]) {
      for (let sent = 0; sent < N; sent += COUNT) await measure(worker, { ...grow, form, count: COUNT });
      if (form === DELIVERED) note(`memory after ${MANY} submissions`, "MB", worker, worker.memory() / 1e6);
      const stored = form === DELIVERED ? `${MANY} stored` : `${MANY} waiting`;
      for (let round = 0; round < 3; round += 1) {
        const { cpu } = await measure(worker, { ...grow, form, count: COUNT });
        note(`CPU per ${what}, 16 connections, ${stored}`, "µs", worker, cpu);
      }
    }
  }
}

const round = (value) => (value >= 100 ? Math.round(value) : Number(value.toPrecision(3)));

/** The table, each Worker's median and how it compares with the peer's. */
function table() {
  const rows = [...figures].map(([figure, { unit, values }]) => {
    const [ours, peer, floor] = ["formcourier", "peer", "floor"].map((name) => median(values[name]));
    const ratio = (value) => (peer ? (value / peer).toFixed(2) : "");
    const shown = (value) => `${round(value).toLocaleString("en")} ${unit}`.trim();
    const cells = [figure, shown(ours), shown(peer), shown(floor), ratio(ours), ratio(floor)];
    return { figure, ours, peer, floor, cells };
  });
  const heads = ["", "formcourier", "peer", "floor", "formcourier / peer", "floor / peer"];
  const lines = [heads, ["---", ...Array(5).fill("---:")]];
  console.log([...lines, ...rows.map(({ cells }) => cells)].map((cells) => `| ${cells.join(" | ")} |`).join("\n"));
  return rows;
}

const processors = cpus();
say(`${processors.length} x ${processors[0].model}, Node ${process.versions.node}, load ${loadavg()[0].toFixed(1)}`);
for (const worker of WORKERS) {
  const size = upload(worker).reduce((sum, { bytes }) => sum + gzipSync(bytes).length, 0);
  note("upload, gzip", "KB", worker, size / 1000);
}
say("cold starts");
await cold();
say("counts");
await counts();
say("warm-up");
const running = [];
for (const worker of WORKERS) running.push(await start(worker, { crm }));
for (const worker of running) await warmUp(worker);
await rounds(running);
if (N > 0) await growth(running);
for (const worker of running) await worker.stop();
await crm.stop();

const rows = table();
say(`Load generator and CRM used ${busiest.toFixed(2)} of a core at most. Load average ${loadavg()[0].toFixed(1)}.`);
// A short run does not replace the chart of a long one.
if (ROUNDS >= 5) writeFileSync(fileURLToPath(new URL("../docs/performance.svg", import.meta.url)), chart(rows));
