// Questions to whoever sits at the terminal.

import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";

export const isTerminal = () => Boolean(process.stdin.isTTY && process.stdout.isTTY);

// Asks for a secret without showing what is typed.
export async function askSecret(question) {
  process.stdout.write(question);
  const nothing = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: nothing, terminal: true });
  terminal.on("SIGINT", () => process.exit(130));
  try {
    return (await terminal.question("")).trim();
  } finally {
    terminal.close();
    process.stdout.write("\n");
  }
}
