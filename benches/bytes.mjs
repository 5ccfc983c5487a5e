// `make bytes`: the upload after gzip, and how much of the code bears each connector's name. Fails above the budget
// (the first argument).

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

import { WORKERS, symbols, upload } from "./workerd.mjs";

const budget = Number(process.argv[2]);
/** The id of the section with the functions' code. */
const CODE = 10;
const KB = (bytes) => `${(bytes / 1000).toFixed(1)} KB`.padStart(10);

/** A LEB128 number, and where it ends. */
function leb(bytes, at) {
  for (let value = 0, factor = 1; ; factor *= 128) {
    value += (bytes[at] & 127) * factor;
    if (bytes[at++] < 128) return [value, at];
  }
}

/** Name and size of each function of the module; build/index.symbols has the names. */
function functions(bytes) {
  const names = symbols();
  const found = [];
  for (let at = 8, end; at < bytes.length; at = end) {
    const kind = bytes[at];
    let size, count;
    [size, at] = leb(bytes, at + 1);
    end = at + size;
    if (kind !== CODE) continue;
    for ([count, at] = leb(bytes, at); count > 0; count -= 1) {
      [size, at] = leb(bytes, at);
      // Imported functions have the first numbers; the code has the others, in order.
      found.push({ name: names.get(names.size - count), size });
      at += size;
    }
  }
  return found;
}

const files = upload(WORKERS.find(({ name }) => name === "formcourier"));
const size = files.reduce((sum, { bytes }) => sum + gzipSync(bytes).length, 0);
for (const { name, bytes } of files) {
  console.log(`${KB(gzipSync(bytes).length)}  ${name}, gzip (${KB(bytes.length).trim()} before)`);
}
console.log(`${KB(size)}  the upload; the budget is ${KB(budget).trim()}`);

const code = functions(files.find(({ name }) => name.endsWith(".wasm")).bytes);
const registry = readFileSync(new URL("../src/connectors/registry.rs", import.meta.url), "utf8");
for (const [, connector] of registry.matchAll(/&(\w+)::DESCRIPTOR/g)) {
  const own = code.filter(({ name }) => name.includes(`connectors::${connector}::`));
  console.log(`${KB(own.reduce((sum, { size }) => sum + size, 0))}  of code before gzip: ${connector}`);
}
if (!(size <= budget)) {
  console.error(`The upload is over its budget. Make it smaller, or raise the budget in the Makefile and say why.`);
  process.exit(1);
}
