// The tarballs of `make package`, installed into an empty folder as a newcomer would, on a PATH with Node and nothing else.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const dist = join(root, "dist");
const folder = mkdtempSync(join(tmpdir(), "formcourier-npm-"));
const project = join(folder, "formcourier");
const bin = join(folder, "bin");

const onPath = (path, name) => path.split(delimiter).map((it) => join(it, name)).find(existsSync);
const isWindows = process.platform === "win32";
const npm = isWindows ? join(dirname(process.execPath), "node_modules/npm/bin/npm-cli.js") : realpathSync(onPath(process.env.PATH, "npm"));
const env = { ...process.env, PATH: isWindows ? `${bin};C:\\Windows\\System32` : bin, CI: "true", WRANGLER_SEND_METRICS: "false", npm_config_prefer_offline: "true" };
const tarball = (name) => join(dist, readdirSync(dist).find((file) => file.replace(/-\d.*/, "") === name));

function run(args, cwd = project, more = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, env: { ...env, ...more }, encoding: "utf8", timeout: 300_000 });
  return { status, stdout, stderr, all: stdout + stderr };
}

const create = (...args) => run([join(folder, "node_modules/create-formcourier/index.js"), ...args], folder);
const command = join(project, "node_modules/formcourier/bin/formcourier.js");
const formcourier = (args, cwd) => run([command, ...args], cwd);

// A free port, which nobody else takes in the next moment.
const free = () =>
  new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(String(port)));
    });
  });

const bytes = (path) => (lstatSync(path).isDirectory() ? readdirSync(path).reduce((sum, it) => sum + bytes(join(path, it)), 0) : lstatSync(path).size);

before(() => {
  mkdirSync(bin);
  // Without it, npm looks for a project further up.
  writeFileSync(join(folder, "package.json"), "{}");
  if (isWindows) cpSync(process.execPath, join(bin, "node.exe"));
  else {
    symlinkSync(process.execPath, join(bin, "node"));
    // npm runs the packages' own install scripts in it.
    symlinkSync("/bin/sh", join(bin, "sh"));
  }
  for (const tool of ["cargo", "rustc", "make"]) assert.equal(onPath(env.PATH, isWindows ? `${tool}.exe` : tool), undefined);
});
after(() => rmSync(folder, { recursive: true, force: true }));

const isBuilt = existsSync(join(root, "build/index.js"));
test("the same sources give the same bytes", { skip: !isBuilt && "only the tarballs are here" }, () => {
  for (const name of ["a", "b"]) {
    const packed = spawnSync(process.execPath, [join(root, "npm/pack.mjs"), join(folder, name)], { encoding: "utf8" });
    assert.equal(packed.status, 0, packed.stderr);
  }
  const files = readdirSync(join(folder, "a"));
  assert.equal(files.length, 2);
  for (const file of files) {
    const [first, second, shipped] = [join(folder, "a"), join(folder, "b"), dist].map((it) => readFileSync(join(it, file)));
    assert.ok(first.equals(second) && first.equals(shipped), file);
  }
});

test("create with defaults makes four files", () => {
  const exec = ["exec", "--yes", "--package", tarball("create-formcourier"), "--", "create-formcourier"];
  const made = run([npm, ...exec, "formcourier", "--yes"], folder);
  assert.equal(made.status, 0, made.all);
  assert.match(made.stdout, /cd formcourier && npm install\n {2}npx formcourier dev/);
  assert.deepEqual(readdirSync(project).sort(), [".gitignore", "README.md", "package.json", "wrangler.toml"]);
  // The starter is what create writes, for those who have no terminal.
  for (const file of ["wrangler.toml", ".gitignore"]) {
    assert.equal(readFileSync(join(root, "starter", file), "utf8"), readFileSync(join(project, file), "utf8"), file);
  }
  // The further ones without npm's second each.
  const installed = run([npm, "install", "--no-save", "--no-audit", "--no-fund", tarball("create-formcourier")], folder);
  assert.equal(installed.status, 0, installed.all);
  const again = create("formcourier", "--yes");
  assert.equal(again.status, 1);
  assert.match(again.stderr, /is not empty/);
});

test("the package installs without Rust", () => {
  const installed = run([npm, "install", "--no-audit", "--no-fund", tarball("formcourier")]);
  assert.equal(installed.status, 0, installed.all);
  const kilobytes = (size) => `${Math.round(size / 1000)} kB`;
  for (const name of ["formcourier", "create-formcourier"]) console.log(`${name}: ${kilobytes(bytes(tarball(name)))} packed`);
  const modules = join(project, "node_modules");
  console.log(`formcourier: ${kilobytes(bytes(join(modules, "formcourier")))} installed, ${kilobytes(bytes(modules))} with wrangler`);
});

test("check passes what is right, and reports what is wrong with its line", () => {
  const right = formcourier(["check"]);
  assert.equal(right.status, 0, right.all);
  assert.match(right.stdout, /SALESMAP_TOKEN .*\n(.*\n)*wrangler\.toml is valid: 1 form, 1 destination\n$/);
  const lines = readFileSync(join(project, "wrangler.toml"), "utf8").split("\n");
  const at = lines.findIndex((line) => line.startsWith("required"));
  lines[at] = lines[at].replace("required", "requred");
  writeFileSync(join(project, "wrong.toml"), lines.join("\n"));
  const wrong = formcourier(["check", "wrong.toml"]);
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, new RegExp(`^wrong\\.toml:${at + 1}: FORM_CONTACT: .*"requred"; did you mean "required"\\?`));
  assert.match(wrong.stderr, /1 error: fix it and run npx formcourier check again\n$/);
  assert.match(formcourier(["check"], folder).stderr, /There is no wrangler\.toml here/);
});

test("every CRM's template is valid, with the answers in it", () => {
  const templates = readdirSync(join(root, "examples")).map((file) => file.replace(".toml", ""));
  const offered = create("--help").stdout.match(/The CRMs: (.*)/)[1].split(", ");
  assert.ok(offered.length > 5 && offered.every((crm) => templates.includes(crm)), offered);
  for (const crm of offered) {
    const made = create(`with-${crm}`, "--crm", crm, "--form", "Contact us", "--website", "www.example.org/contact");
    assert.equal(made.status, 0, made.all);
    const checked = formcourier(["check"], join(folder, `with-${crm}`));
    assert.equal(checked.status, 0, `${crm}: ${checked.all}`);
    const config = readFileSync(join(folder, `with-${crm}/wrangler.toml`), "utf8");
    assert.match(config, /\[vars\.FORM_CONTACT_US\]\ndestinations = .*\nallowed_origins = \["https:\/\/www\.example\.org"\]\n/);
  }
  assert.match(create("x", "--yes", "--crm", "salesforce").stderr, /the CRMs are .*hubspot/);
  assert.match(create("x").stderr, /nobody can be asked here/);
});

test("an old Node prints the version that is needed", () => {
  const old = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.19.0' } })";
  const said = run(["--import", `data:text/javascript,${encodeURIComponent(old)}`, command, "check"]);
  assert.deepEqual([said.status, said.stdout], [1, ""]);
  assert.match(said.stderr, /^formcourier needs Node 22 or later; this is Node 20\.19\.0/);
});

test("dev runs until a posted form is a record in the fake CRM", async () => {
  const [port, crmPort] = [await free(), await free()];
  const dev = spawn(process.execPath, [command, "dev", "--port", port, "--crm-port", crmPort], { cwd: project, env });
  let said = "";
  for (const stream of [dev.stdout, dev.stderr]) stream.on("data", (chunk) => (said += chunk));
  const ended = new Promise((done) => dev.on("exit", done));
  const crm = async () => (await fetch(`http://127.0.0.1:${crmPort}/`)).text();
  const until = async (is, patience = 60_000) => {
    const end = Date.now() + patience;
    while (!(await is())) {
      assert.ok(Date.now() < end && dev.exitCode === null, said);
      await new Promise((done) => setTimeout(done, 100));
    }
  };
  try {
    await until(() => said.includes("Ready. The Worker"));
    const base = `http://localhost:${port}`;
    // As a page without script sends it: the assets' router must let it through.
    const headers = { "Sec-Fetch-Mode": "navigate", Accept: "text/html" };
    const body = new URLSearchParams({ name: "Ada Lovelace", email: "ada@example.com", message: "Hello" });
    const sent = await fetch(`${base}/f/contact`, { method: "POST", headers, body, redirect: "manual" });
    assert.deepEqual([sent.status, sent.headers.get("location")], [303, "/f/contact/thanks"]);
    await until(async () => (await crm()).includes("ada@example.com"));

    const followed = formcourier(["test", "--url", base]);
    assert.equal(followed.status, 0, followed.all);
    assert.match(followed.stdout, /salesmap: delivered; record \S+/);
    const [, email] = /Sent as (\S+)/.exec(followed.stdout);
    assert.ok((await crm()).includes(email));

    // A broken CRM: the command says what became of the lead.
    await fetch(`http://127.0.0.1:${crmPort}/mood/salesmap/refusing`, { method: "POST" });
    const refused = formcourier(["test", "contact", "--url", base, "--field", "name=Grace Hopper"]);
    assert.equal(refused.status, 1, refused.all);
    assert.match(refused.stdout, /salesmap: rejected: invalid, .*rejected by the fake/);
    assert.equal((await crm()).includes("Grace Hopper"), true, "the request is on the page");
    const empty = formcourier(["test", "--url", base, "--field", "email="]);
    assert.match(empty.stderr, /422 INVALID[^]*email: .*--field email=/);

    const script = await fetch(`${base}/formcourier.js`);
    assert.match(script.headers.get("cache-control"), /max-age=86400/);
    assert.equal(script.headers.get("access-control-allow-origin"), "*");
    assert.equal(await script.text(), readFileSync(join(project, "node_modules/formcourier/assets/formcourier.js"), "utf8"));

    const console = await fetch(`${base}/console/`);
    assert.match(console.headers.get("content-security-policy"), /^default-src 'none'; script-src 'self';/);
    assert.match(await console.text(), /<script src="app\.js"/);

    const busy = formcourier(["dev", "--port", port, "--crm-port", await free()]);
    assert.equal(busy.status, 1);
    assert.match(busy.stderr, new RegExp(`Port ${port} is in use.*--port`));
  } finally {
    // Windows has no signals: what Ctrl-C does there, a test cannot.
    if (isWindows) spawnSync("taskkill", ["/pid", dev.pid, "/t", "/f"]);
    else dev.kill("SIGTERM");
    await ended;
  }
  await assert.rejects(fetch(`http://127.0.0.1:${crmPort}/`), "the fakes end with the command");

  // Started again, they hold what they held.
  const { startFakes } = await import(pathToFileURL(join(project, "node_modules/formcourier/cli/fakes.js")));
  const again = await startFakes(Number(crmPort), join(project, ".wrangler/formcourier.crms"));
  const page = await crm();
  again.close();
  again.closeAllConnections();
  assert.match(page, /<td>lead<td>[^]*?Ada Lovelace/);
});

test("a deploy is complete up to the upload", () => {
  const deployed = formcourier(["deploy", "--dry-run"]);
  assert.equal(deployed.status, 0, deployed.all);
  assert.match(deployed.all, /env\.OUTBOX \(Outbox\)/);
  assert.doesNotMatch(deployed.all, /CRM_ORIGIN|DEMO|development/);
});

test("deploy names the missing secrets, deploys, and says where the form posts to", async () => {
  for (const [secrets, missing] of [[undefined, ["SALESMAP_TOKEN", "ADMIN_TOKEN", "ALERT_WEBHOOK_URL"]], [["ADMIN_TOKEN", "SALESMAP_TOKEN"], ["ALERT_WEBHOOK_URL"]]]) {
    const { cloudflare, uploads } = await startCloudflare(secrets);
    const api = `http://127.0.0.1:${cloudflare.address().port}`;
    // Not spawnSync: Cloudflare is this process.
    const more = { CLOUDFLARE_API_BASE_URL: api, CLOUDFLARE_API_TOKEN: "t", CLOUDFLARE_ACCOUNT_ID: "a" };
    const child = spawn(process.execPath, [command, "deploy"], { cwd: project, env: { ...env, ...more }, stdio: ["ignore", "pipe", "pipe"] });
    const [[status], out, err] = await Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]);
    cloudflare.close();
    cloudflare.closeAllConnections();
    assert.equal(status, 0, out + err);
    assert.deepEqual(out.match(/^ {2}[A-Z_]+$/gm).map((it) => it.trim()), missing, out + err);
    assert.match(out, /action="https:\/\/formcourier\.me\.workers\.dev\/f\/contact"/);
    assert.equal(uploads.length, 1);
    assert.match(uploads[0], /"name":"OUTBOX"[^]*formcourier\.js/);
    assert.doesNotMatch(uploads[0], /"name":"(CRM_ORIGIN|DEMO)"|:"development"/);
  }
});

test("a wrong config is not deployed", () => {
  cpSync(join(project, "wrong.toml"), join(project, "wrangler.toml"));
  const wrong = formcourier(["deploy", "--dry-run"]);
  assert.equal(wrong.status, 1);
  assert.doesNotMatch(wrong.all, /Total Upload/);
});

// As much of Cloudflare's API as a deploy needs; without `secrets`, the Worker does not exist yet.
async function startCloudflare(secrets) {
  const uploads = [];
  const cloudflare = createHttpServer(async (request, response) => {
    const body = (await buffer(request)).toString("latin1");
    const path = request.url.split("?")[0].replace("/accounts/a/workers/", "");
    if (request.method === "PUT" && path === "scripts/formcourier") uploads.push(body);
    const results = {
      "scripts/formcourier/secrets": secrets?.map((name) => ({ name, type: "secret_text" })),
      "services/formcourier": secrets && { default_environment: { script: { last_deployed_from: "wrangler" } } },
      "scripts/formcourier/deployments": { deployments: [] },
      "scripts/formcourier/assets-upload-session": { jwt: "done", buckets: [] },
      "scripts/formcourier": { id: "formcourier", startup_time_ms: 1 },
      "workers/formcourier": { id: "id", name: "formcourier", subdomain: { enabled: true, previews_enabled: false } },
      subdomain: { subdomain: "me" },
    };
    const isMissing = path in results && results[path] === undefined;
    const errors = isMissing ? [{ code: 10007, message: "This Worker does not exist on your account." }] : [];
    response.writeHead(isMissing ? 404 : 200, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ success: !isMissing, errors, messages: [], result: results[path] ?? {} }));
  });
  await new Promise((done) => cloudflare.listen(0, "127.0.0.1", done));
  return { cloudflare, uploads };
}
