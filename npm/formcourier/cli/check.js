// `check`: the Worker's own rules for wrangler.toml, before a deploy.

import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { load } from "./wasm.js";

export function run(_options, paths) {
  return paths.concat(paths.length ? [] : ["wrangler.toml"]).every((path) => check(path)) ? 0 : 1;
}

// Prints what there is to say about a file. Returns its environments, each with its secrets and forms, or undefined when it
// has errors.
export function check(path = "wrangler.toml", { quiet = false } = {}) {
  let text;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    console.error(
      error.code === "ENOENT"
        ? `There is no ${path} here. Run this in your project's folder, or make one: npm create formcourier@latest my-forms`
        : `${path}: cannot be read: ${error.message}`,
    );
    return undefined;
  }
  const others = basename(path) === "wrangler.toml" ? ["wrangler.json", "wrangler.jsonc"] : [];
  const preferred = others.find((name) => existsSync(join(dirname(path), name)));
  const report = load("check")({ path, text, preferred });
  process.stderr.write(report.err);
  if (!quiet) process.stdout.write(report.out);
  return report.errors === 0 ? report.environments : undefined;
}

// The environment of this name; without a name, the top level of the file.
export function environment(environments, name) {
  const found = environments.find((it) => it.name === (name ?? null));
  if (!found) console.error(name ? `wrangler.toml has no forms in [env.${name}]` : "wrangler.toml has no forms");
  return found;
}
