// `dev`: the Worker under wrangler, and the fake CRMs, on this machine.

import { mkdirSync, watchFile, writeFileSync } from "node:fs";

import { check, environment } from "./check.js";
import { secret, startFakes } from "./fakes.js";
import { isTaken } from "./port.js";
import { ended, wrangler } from "./wrangler.js";

// In the folder of the Worker's own state, which .gitignore names: whoever deletes it starts afresh.
const VARS = ".wrangler/formcourier.vars";
const JOURNAL = ".wrangler/formcourier.crms";

export async function run({ port = "8787", "crm-port": crmPort = "8788", live = false }) {
  const environments = check("wrangler.toml", { quiet: true });
  const config = environments && environment(environments);
  if (!config) return 1;
  const ports = live ? [["--port", port]] : [["--port", port], ["--crm-port", crmPort]];
  for (const [option, number] of ports) {
    if (await isTaken(number)) {
      console.error(`Port ${number} is in use. Stop the program that uses it, or choose another with ${option}.`);
      return 1;
    }
  }
  mkdirSync(".wrangler", { recursive: true });
  const server = live ? undefined : await startFakes(Number(crmPort), JOURNAL);
  const args = ["dev", "--port", port, "--local-protocol", "http"];
  if (live) {
    // What .dev.vars says comes first.
    args.push("--var", "ADMIN_TOKEN:development");
  } else {
    args.push("--env-file", varsFile(config, crmPort));
  }
  console.log("Starting the Worker ...");
  const child = wrangler(args, { stdio: ["inherit", "inherit", "inherit", "ipc"], env: { WRANGLER_SEND_METRICS: "false" } });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.on("message", (message) => {
    const { event } = JSON.parse(message);
    if (event !== "DEV_SERVER_READY") return;
    const crms = live ? "    your real CRM receives the leads" : `    the fake CRMs: http://localhost:${crmPort}`;
    console.log(`\nReady. The Worker: http://localhost:${port}${crms}`);
    console.log(`  the console: http://localhost:${port}/console/ (token: development)`);
    for (const { name } of config.forms) console.log(`  <form method="post" action="http://localhost:${port}/f/${name}">`);
    console.log('Send a test lead from another terminal: npx formcourier test. Ctrl-C stops everything.\n');
  });
  // wrangler reloads the file by itself, and does not say what is wrong in it.
  watchFile("wrangler.toml", { interval: 500 }, () => check("wrangler.toml", { quiet: true }));
  const code = await ended(child);
  server?.close();
  server?.closeAllConnections();
  process.exit(code);
}

// Nothing of this is ever deployed.
function varsFile(config, crmPort) {
  const secrets = config.secrets.filter(({ name }) => name !== "ALERT_WEBHOOK_URL").map(({ name }) => [name, secret(name)]);
  const vars = [["DEMO", "on"], ["CRM_ORIGIN", `http://127.0.0.1:${crmPort}`], ...secrets];
  writeFileSync(VARS, vars.map(([name, value]) => `${name}="${value}"\n`).join(""));
  return VARS;
}
