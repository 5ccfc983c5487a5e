// `deploy`: the check, the missing secrets, then wrangler.

import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { askSecret, isTerminal } from "./ask.js";
import { check, environment } from "./check.js";
import { ended, wrangler } from "./wrangler.js";

export async function run({ env, "dry-run": dryRun = false }) {
  const environments = check("wrangler.toml", { quiet: true });
  const config = environments && environment(environments, env);
  if (!config) return 1;
  const which = env ? ["--env", env] : [];
  if (dryRun) return ended(wrangler(["deploy", "--dry-run", ...which]));
  const set = await secretsSet(which);
  if (!set) return 1;
  const secrets = await askFor(config.secrets.filter(({ name }) => !set.includes(name)), env);
  const folder = mkdtempSync(join(tmpdir(), "formcourier-"));
  try {
    const args = ["deploy", ...which];
    if (Object.keys(secrets).length > 0) {
      const file = join(folder, "secrets.json");
      writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 });
      args.push("--secrets-file", file);
    }
    const log = join(folder, "wrangler.ndjson");
    const code = await ended(wrangler(args, { env: { WRANGLER_OUTPUT_FILE_PATH: log } }));
    if (code === 0) next(log, config);
    return code;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// The names of the secrets that the deployed Worker has; undefined when Cloudflare cannot be asked.
async function secretsSet(which) {
  const child = wrangler(["secret", "list", "--format", "json", ...which], { stdio: ["inherit", "pipe", "pipe"] });
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended(child)]);
  if (code === 0) return JSON.parse(out.slice(out.indexOf("["))).map(({ name }) => name);
  // The first deploy creates it.
  if (/Worker ".*" not found/.test(out + err)) return [];
  console.error(`${out}${err}\nCloudflare cannot be asked which secrets are set. Log in with \`npx wrangler login\`.`);
  // A build server's token may do less than a person's.
  return isTerminal() ? undefined : [];
}

async function askFor(missing, env) {
  const secrets = {};
  if (missing.length === 0) return secrets;
  console.log(`\nMissing secrets${env ? ` of [env.${env}]` : ""}:`);
  for (const { name, why } of missing) {
    console.log(`  ${name}\n      ${why}`);
    if (!isTerminal()) continue;
    const isOwn = name === "ADMIN_TOKEN";
    const value = await askSecret(`      Paste it (it is not shown), or press Enter to ${isOwn ? "generate one" : "skip it"}: `);
    if (value) secrets[name] = value;
    if (!value && isOwn) {
      secrets[name] = randomBytes(32).toString("base64url");
      console.log(`      ${secrets[name]}   Keep it: Cloudflare never shows it again.`);
    }
  }
  if (!isTerminal()) {
    console.log(`Leads wait until they are set: npx wrangler secret put NAME${env ? ` --env ${env}` : ""}`);
  }
  return secrets;
}

// What to do now, with the address that wrangler deployed to.
function next(log, config) {
  const lines = readFileSync(log, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  const target = lines.find(({ type }) => type === "deploy")?.targets?.find((it) => it.includes("."));
  if (!target) return;
  const url = target.startsWith("http") ? target : `https://${target.replace(/ .*|\/.*/, "")}`;
  console.log("\nYour forms:");
  for (const { name } of config.forms) console.log(`  <form method="post" action="${url}/f/${name}">`);
  console.log(`Send a test lead: npx formcourier test --url ${url}`);
}
