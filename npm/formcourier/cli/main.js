// `npx formcourier`: reads the command line. Each command is a file beside this one and returns the exit code.

import { parseArgs } from "node:util";

const text = { type: "string" };
const flag = { type: "boolean" };
const COMMANDS = {
  check: { takes: "[FILE]", does: "every error in wrangler.toml with its line, and the secrets to set", options: {} },
  dev: {
    takes: "[--port 8787] [--crm-port 8788] [--live]",
    does: "run the Worker and fake CRMs on this machine; --live: your real CRM, with the secrets of .dev.vars",
    options: { port: text, "crm-port": text, live: flag },
  },
  deploy: {
    takes: "[--env NAME] [--dry-run]",
    does: "check, ask for missing secrets, and deploy to Cloudflare",
    options: { env: text, "dry-run": flag },
  },
  test: {
    takes: "[FORM] [--url ADDRESS] [--env NAME] [--field NAME=VALUE] [--timeout SECONDS]",
    does: "send a test lead through a form and follow it to the CRM's record id",
    options: { url: text, env: text, field: { ...text, multiple: true }, timeout: text },
  },
  open: { takes: "[--url ADDRESS]", does: "open the Worker's page in the browser", options: { url: text } },
};

const USAGE = `Website forms to CRM leads, at the edge.

${Object.entries(COMMANDS)
  .map(([name, { takes, does }]) => `  npx formcourier ${name} ${takes}\n      ${does}\n`)
  .join("")}`;

export async function main([name, ...rest]) {
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    process.stdout.write(USAGE);
    return;
  }
  const command = Object.hasOwn(COMMANDS, name) && COMMANDS[name];
  let read;
  try {
    if (!command) throw new Error(`there is no command ${name}`);
    read = parseArgs({ args: rest, options: { ...command.options, help: flag }, allowPositionals: command.takes.startsWith("[F") });
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  if (read.values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const { run } = await import(`./${name}.js`);
  process.exitCode = await run(read.values, read.positionals);
}
