// The three Workers under the same `workerd`, each with storage of its own.

import { spawn, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync, openSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import workerd from "workerd";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Forms whose leads are delivered, and forms whose CRM is busy, so that theirs stay stored. */
export const DELIVERED = "contact";
export const STORED = Array.from({ length: 10 }, (_, number) => `stored${number}`);

const ORIGINS = ["https://www.example.com"];
const REDIRECT = "https://www.example.com/thanks";
const SECRETS = { CRM_API_KEY: "free", BUSY_API_KEY: "busy", ADMIN_TOKEN: "admin-token-of-the-benches" };
const forms = [DELIVERED, ...STORED].map((form) => [form, [form === DELIVERED ? "crm" : "busy"]]);

/** What the JavaScript Workers are configured with. */
const plain = {
  FORMS: Object.fromEntries(
    forms.map(([form, destinations]) => [form, { destinations, allowedOrigins: ORIGINS, redirect: REDIRECT }]),
  ),
  DESTINATIONS: {
    crm: { url: "https://api.stateset.com/v1/leads", secret: "CRM_API_KEY" },
    busy: { url: "https://api.stateset.com/v1/leads", secret: "BUSY_API_KEY" },
  },
};

/** The same for this one. Its pace is lifted: the fake has no limit. */
const tables = Object.fromEntries([
  ...forms.map(([form, destinations]) => [
    `FORM_${form.toUpperCase()}`,
    {
      destinations,
      allowed_origins: ORIGINS,
      redirect: REDIRECT,
      required: ["name", "email", "message"],
      rules: {
        name: { max_length: 200 },
        phone: { type: "phone" },
        company: { max_length: 200 },
        message: { max_length: 5000 },
      },
    },
  ]),
  ["DESTINATION_CRM", { type: "stateset", pace: "10000/1ms" }],
  ["DESTINATION_BUSY", { type: "stateset", pace: "10000/1ms" }],
]);

/** The Workers: a name, where their modules are, and their vars. */
export const WORKERS = [
  { name: "formcourier", folder: join(root, "build"), vars: tables },
  { name: "peer", folder: join(root, "target/bench/peer"), vars: plain },
  { name: "floor", folder: join(root, "benches/floor"), vars: plain },
];

/** What is uploaded of a Worker: file name and content. */
export function upload({ folder }) {
  const names = readdirSync(folder).filter((name) => /^index(_bg)?\.(js|wasm)$/.test(name));
  return names.map((name) => ({ name, bytes: readFileSync(join(folder, name)) }));
}

/** The names of this Worker's functions by their index; the upload has none. */
export function symbols() {
  const lines = readFileSync(join(root, "build/index.symbols"), "utf8").split("\n");
  const pairs = lines.map((line) => /^(\d+):(.*)$/.exec(line)).filter(Boolean);
  return new Map(pairs.map(([, index, name]) => [Number(index), name]));
}

const quoted = (text) => JSON.stringify(text);

function config({ folder, vars }, { storage, crm, isCounted }) {
  const files = upload({ folder }).map(({ name }) => [name, join(folder, name)]);
  const counters = isCounted ? ["entry.js", "prelude.js"].map((name) => [name, join(root, "benches/count", name)]) : [];
  // The first module is the one that runs.
  const isMain = ([name]) => name === "index.js";
  const order = [...counters, ...files.filter(isMain), ...files.filter((file) => !isMain(file))];
  const modules = order.map(([name, path]) => {
    const kind = name.endsWith(".wasm") ? "wasm" : "esModule";
    return `(name=${quoted(name)}, ${kind}=embed ${quoted(path)})`;
  });
  const bindings = [
    `(name="OUTBOX", durableObjectNamespace="Outbox")`,
    ...Object.entries(vars).map(([name, value]) => `(name=${quoted(name)}, json=${quoted(JSON.stringify(value))})`),
    ...Object.entries(SECRETS).map(([name, text]) => `(name=${quoted(name)}, text=${quoted(text)})`),
  ];
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = ( v8Flags = [${(process.env.V8 ?? "").split(" ").filter(Boolean).map((f) => JSON.stringify(f)).join(", ")}],
  services = [
    (name="main", worker = .main),
    (name="storage", disk=(path=${quoted(storage)}, writable=true)),
    (name="crm", external=(address="127.0.0.1:${crm.port}", http=()))
  ],
  sockets = [(name="http", address="127.0.0.1:0", http=(), service="main")]
);
const main :Workerd.Worker = (
  modules = [${modules.join(", ")}],
  compatibilityDate = "2026-10-01",
  globalOutbound = "crm",
  durableObjectNamespaces = [(className="Outbox", uniqueKey="outbox", enableSql=true)],
  durableObjectStorage = (localDisk="storage"),
  bindings = [${bindings.join(", ")}]
);
`;
}

/** Starts a Worker in a process; ready when it listens, after so many milliseconds. */
export async function start(worker, { crm, isCounted = false, inspector = false }) {
  const folder = mkdtempSync(join(tmpdir(), `bench-${worker.name}-`));
  const storage = join(folder, "storage");
  mkdirSync(storage);
  const path = join(folder, "config.capnp");
  writeFileSync(path, config(worker, { storage, crm, isCounted }));
  const log = openSync(join(folder, "log"), "a");
  const began = performance.now();
  const options = ["serve", "--experimental", "-I", "/", "--control-fd=3"];
  if (inspector) options.push("--inspector-addr=127.0.0.1:0");
  const child = spawn(workerd.default, [...options, path], { stdio: ["ignore", log, log, "pipe"] });
  const ports = {};
  const wanted = inspector ? ["http", "inspector"] : ["http"];
  await new Promise((resolve, reject) => {
    child.once("exit", () => reject(new Error(`workerd did not start:\n${readFileSync(join(folder, "log"))}`)));
    let events = "";
    child.stdio[3].on("data", (bytes) => {
      events += bytes;
      for (const line of events.split("\n").filter((line) => line.endsWith("}"))) {
        const { event, socket, port } = JSON.parse(line);
        if (event.startsWith("listen")) ports[socket ?? "inspector"] = port;
      }
      if (wanted.every((socket) => ports[socket])) resolve();
    });
  });
  return {
    ...worker,
    port: ports.http,
    inspector: ports.inspector,
    startMs: performance.now() - began,
    cpu: () => cpu(child.pid), pid: child.pid,
    memory: () => Number(execFileSync("ps", ["-o", "rss=", "-p", String(child.pid)])) * 1024,
    log: () => readFileSync(join(folder, "log"), "utf8"),
    counts: async () => (await fetch(`http://127.0.0.1:${ports.http}/`, { method: "DELETE" })).json(),
    stop: () =>
      new Promise((resolve) => {
        child.removeAllListeners("exit").once("exit", () => resolve(rmSync(folder, { recursive: true })));
        child.kill("SIGKILL");
      }),
  };
}

/** Seconds of CPU that a process has used. */
function cpu(pid) {
  if (process.platform === "linux") {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }
  const parts = execFileSync("ps", ["-o", "cputime=", "-p", String(pid)], { encoding: "utf8" }).trim().split(":");
  return parts.reduce((sum, part) => sum * 60 + Number(part), 0);
}
