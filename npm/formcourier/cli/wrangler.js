// Runs the wrangler that this package depends on, in the Node that runs this.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export function wrangler(args, { stdio = "inherit", env } = {}) {
  const cli = fileURLToPath(import.meta.resolve("wrangler"));
  return spawn(process.execPath, ["--no-warnings", cli, ...args], { stdio, env: { ...process.env, ...env } });
}

// The exit code of a process.
export const ended = (child) => new Promise((done) => child.on("close", (code) => done(code ?? 1)));
