// `make dev`: starts the fake CRMs and the Worker, and says where they are once they answer. With a port alone, it only looks
// whether the ports are free.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

import { isTaken } from "../npm/formcourier/cli/port.js";

// Other ports need another CRM_ORIGIN than the one in .dev.vars.
const PORT = 8787;
const OWN = ".wrangler/dev.vars";
const JOURNAL = ".wrangler/formcourier.crms";

const [port, fakes] = [Number(process.argv[2]), process.argv[3]];
const crmPort = port + 1;
const [worker, crms] = [port, crmPort].map((number) => `http://localhost:${number}`);

for (const number of [port, crmPort]) {
  if (!(number > 0 && number < 65536)) fail(`PORT=${process.argv[2]} is not a port.`);
  if (await isTaken(number)) fail(`Port ${number} is in use. Stop the program that uses it, or choose others: make dev PORT=9000`);
}
if (fakes) await run();

function start(command, args) {
  return spawn(command, args, { stdio: "inherit", env: { ...process.env, WRANGLER_SEND_METRICS: "false" } });
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

async function run() {
  mkdirSync(".wrangler", { recursive: true });
  const isFake = /^CRM_ORIGIN=/m.test(readFileSync(".dev.vars", "utf8"));
  const args = ["dev", "--port", String(port), "--local-protocol", "http"];
  if (isFake && port !== PORT) {
    writeFileSync(OWN, `CRM_ORIGIN="http://127.0.0.1:${crmPort}"\n`);
    args.push("--env-file", ".dev.vars", "--env-file", OWN);
  }
  const children = [start(fakes, [String(crmPort), JOURNAL]), start("wrangler", args)];
  // Ctrl-C reaches the children too; they end by themselves.
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => children.forEach((child) => child.kill(signal)));
  announce(isFake);
  const code = await Promise.race(children.map((child) => new Promise((done) => child.on("exit", (code) => done(code ?? 0)))));
  children.forEach((child) => child.kill());
  process.exitCode = code;
}

async function announce(isFake) {
  while (!(await fetch(worker).then((reply) => reply.text(), () => false))) await new Promise((done) => setTimeout(done, 200));
  const crm = isFake ? "the fake CRMs, which get the leads" : "the fake CRMs; your real CRM gets the leads";
  console.log(`
Ready. Ctrl-C stops everything; the data stays in .wrangler/.
  ${worker}            your forms, to try and to paste
  ${worker}/console/   the console; the token is ADMIN_TOKEN in .dev.vars
  ${crms}            ${crm}
`);
}
