// `make package`: the tarballs of the two npm packages, in dist/. The same sources give the same bytes. The version is
// Cargo.toml's, and wrangler's is that of the repository's package.json.

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = process.argv[2] ?? join(root, "dist");

const read = (path) => readFileSync(join(root, path), "utf8");
const [, version] = /^version = "(.*)"$/m.exec(read("Cargo.toml"));
const { wrangler } = JSON.parse(read("package.json")).devDependencies;

// A file of examples/ as the config of somebody who has the package and not the repository.
function template(example) {
  const replace = (text, from, to) => {
    if (!from.test(text)) throw new Error(`an example has no ${from}`);
    return text.replace(from, to);
  };
  let text = read(`examples/${example}`);
  text = replace(text, /^# Use it: .*\n/m, "");
  text = replace(text, /^main = .*\n/m, 'main = "node_modules/formcourier/worker/index.js"\n');
  text = replace(text, /^\[build\]\n.*\n\n/m, "");
  text = replace(text, /^\[assets\]\n.*\n/m, '# formcourier.js, for your pages, and the console.\n[assets]\ndirectory = "node_modules/formcourier/assets"\n');
  // Fields of somebody else's account.
  const fields = text.search(/\n(#.*\n)?\[vars\.DESTINATION_.*\..*\]/);
  if (fields < 0) return text;
  const own = text.slice(fields).trim().split("\n").map((line) => (line.startsWith("#") || !line ? line : `# ${line}`));
  return `${text.slice(0, fields)}\n# Your own fields in the CRM: its name for the field = what fills it.\n${own.join("\n")}\n`;
}

// The examples with one destination, which are named like it.
function templates(folder) {
  mkdirSync(folder);
  for (const file of readdirSync(join(root, "examples"))) {
    const [type, ...others] = read(`examples/${file}`).match(/(?<=^type = ").*(?=")/gm);
    if (others.length === 0 && file.startsWith(type)) writeFileSync(join(folder, file), template(file));
  }
}

function run(command, args, cwd) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: ["ignore", "ignore", "inherit"], shell: process.platform === "win32" });
  if (status !== 0) throw error ?? new Error(`${command} ${args.join(" ")} failed`);
}

function pack(name, manifest, fill) {
  const folder = join(dist, "stage", name);
  cpSync(join(root, "npm", name), folder, { recursive: true });
  cpSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  fill(folder);
  const own = JSON.parse(read(`npm/${name}/package.json`));
  // What npm's provenance compares with the repository that the workflow runs in.
  const repository = process.env.GITHUB_REPOSITORY && `git+https://github.com/${process.env.GITHUB_REPOSITORY}.git`;
  writeFileSync(join(folder, "package.json"), `${JSON.stringify({ ...own, version, repository, ...manifest }, null, 2)}\n`);
  run("npm", ["pack", "--silent", "--pack-destination", dist], folder);
}

rmSync(dist, { recursive: true, force: true });
pack("formcourier", { dependencies: { wrangler } }, (folder) => {
  for (const file of ["index.js", "index_bg.wasm"]) cpSync(join(root, "build", file), join(folder, "worker", file));
  cpSync(join(root, "build/assets"), join(folder, "assets"), { recursive: true });
  for (const file of ["check.wasm", "fakes.wasm"]) cpSync(join(root, "build", file), join(folder, "wasm", file));
});
pack("create-formcourier", {}, (folder) => templates(join(folder, "templates")));
rmSync(join(dist, "stage"), { recursive: true });
