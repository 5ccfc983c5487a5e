//! Starts the real `workerd` on the shipped build: one process and one SQLite folder per test.
//!
//! Every call that the Worker makes goes to the fakes (`globalOutbound`), with the vendor's own host kept: production
//! code runs unchanged and a test cannot reach the internet.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;

/// A running Worker.
#[derive(Debug)]
pub struct Workerd {
    child: Child,
    folder: PathBuf,
    /// Where it listens.
    pub address: SocketAddr,
    /// Where a GET does what the platform's cron trigger does.
    cron: SocketAddr,
}

/// The Worker's configuration.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Vars that are tables (`FORM_CONTACT`).
    pub vars: Vec<(String, Value)>,
    /// Secrets and plain texts.
    pub texts: Vec<(String, String)>,
    /// Rate limits: the binding, and how much it lets through for each key, ever; a negative one throws.
    pub rates: Vec<(String, i32)>,
    /// Serve `build/assets` in front of the Worker, as the platform does.
    pub assets: bool,
    /// JavaScript that runs before the Worker's: what the platform does wrong in this test. The build stays as it is.
    /// A function `globalThis.onObject` receives the `ctx` of each Durable Object before the Worker does, `onAsk` a question
    /// before an object is asked it, `onAnswer` the `ctx` before it answers, and `onAlarm`
    /// the `ctx` of an alarm that rings.
    pub prelude: Option<String>,
}

/// The platform's rate limiter, except that its period never ends. The name of the class is what the crate `worker` checks.
const RATE_LIMITER: &str = "class Ratelimit {
  constructor(env) { this.most = env.most; this.counts = new Map(); }
  async limit({ key }) {
    if (typeof key !== 'string') throw new TypeError('a key is a text');
    if (this.most < 0) throw new Error('the limiter is out of order');
    const count = (this.counts.get(key) ?? 0) + 1;
    this.counts.set(key, count);
    return { success: count <= this.most };
  }
}
export default (env) => new Ratelimit(env);
";

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Workerd {
    /// Starts a Worker whose outbound calls go to `fakes`.
    ///
    /// # Panics
    /// When `workerd` or the build is missing: a test that quietly did not run would be worse.
    pub fn start(environment: &Environment, fakes: SocketAddr) -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("formcourier-test-{}-{number}", std::process::id()));
        fs::create_dir_all(folder.join("storage")).expect("a folder for the test's storage");
        write_config(&folder, environment, fakes);
        let (child, address, cron) = launch(&folder);
        Self { child, folder, address, cron }
    }

    /// Starts a script instead of the Worker, with a Durable Object of the class `Lab` (the binding `LAB`), to test the
    /// platform itself, mostly its SQLite.
    ///
    /// # Panics
    /// When `workerd` is missing.
    pub fn lab(script: &str) -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("formcourier-lab-{}-{number}", std::process::id()));
        fs::create_dir_all(folder.join("storage")).expect("a folder for the lab's storage");
        fs::write(folder.join("config.capnp"), lab_config(&folder, script)).expect("the lab's config");
        let (child, address, cron) = launch(&folder);
        Self { child, folder, address, cron }
    }

    /// Kills it as a power cut would, and restarts it on the same storage.
    pub fn kill_and_restart(&mut self) {
        self.while_down(|_| {});
    }

    /// Kills it, lets `work` change its storage folder, and restarts it.
    pub fn while_down(&mut self, work: impl FnOnce(&Path)) {
        self.kill();
        work(&self.storage());
        self.launch();
    }

    /// Kills it, changes its configuration, and restarts it on the same storage.
    pub fn redeploy(&mut self, environment: &Environment, fakes: SocketAddr) {
        self.kill();
        write_config(&self.folder, environment, fakes);
        self.launch();
    }

    /// Runs the cron trigger; returns when the Worker is done.
    ///
    /// # Panics
    /// When the Worker's handler fails.
    pub fn run_cron(&self) {
        let mut stream = TcpStream::connect(self.cron).expect("the cron trigger listens");
        stream.write_all(b"GET / HTTP/1.1\r\nHost: cron\r\nConnection: close\r\n\r\n").expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok"), "{answer}\n{}", self.log());
    }

    fn launch(&mut self) {
        (self.child, self.address, self.cron) = launch(&self.folder);
    }

    fn kill(&mut self) {
        // SIGKILL: SIGTERM would wait for hung requests.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Its process id, for measurements.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its storage folder.
    pub fn storage(&self) -> PathBuf {
        self.folder.join("storage")
    }

    /// The Worker's log so far.
    pub fn log(&self) -> String {
        let log = fs::read(self.folder.join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        log.split_inclusive('\n').filter(|line| !line.starts_with(LISTENS)).collect()
    }
}

impl Drop for Workerd {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The root of the repository.
///
/// # Panics
/// When the sources are gone.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

/// The workerd binary of the npm packages.
fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("WORKERD_BIN") {
        return path.into();
    }
    let platform = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "linux-64",
        ("linux", _) => "linux-arm64",
        ("macos", "x86_64") => "darwin-64",
        _ => "darwin-arm64",
    };
    root().join(format!("node_modules/@cloudflare/workerd-{platform}/bin/workerd"))
}

/// Starts the process: where it listens, and where its cron trigger does.
///
/// It writes its log and its socket events straight into the file, so a log line is there before the response is out.
fn launch(folder: &Path) -> (Child, SocketAddr, SocketAddr) {
    let path = folder.join("log");
    let log = fs::OpenOptions::new().create(true).append(true).open(&path).expect("a log file");
    let earlier = usize::try_from(log.metadata().expect("its length").len()).expect("a log that can be read");
    let mut child = Command::new(binary())
        .args(["serve", "--experimental", "-I", "/", "--control-fd=1"])
        .arg(folder.join("config.capnp"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a second handle"))
        .stderr(log)
        .spawn()
        .expect("workerd starts; `make build` fetches it");
    loop {
        let log = fs::read(&path).unwrap_or_default();
        let log = String::from_utf8_lossy(log.get(earlier..).unwrap_or_default());
        if let [Some(http), Some(cron)] = ["http", "cron"].map(|socket| port(&log, socket)) {
            let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
            return (child, loopback(http), loopback(cron));
        }
        assert!(matches!(child.try_wait(), Ok(None)), "workerd did not start: {log}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The port of a socket, once the log names it.
fn port(log: &str, socket: &str) -> Option<u16> {
    let events = log.lines().filter(|line| line.starts_with(LISTENS));
    let mut events = events.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events.find(|event| event["socket"] == socket)?["port"].as_u64()?.try_into().ok()
}

/// The start of workerd's socket events.
const LISTENS: &str = r#"{"event":"listen""#;

fn write_config(folder: &Path, environment: &Environment, fakes: SocketAddr) {
    let build = root().join("build");
    assert!(build.join("index.js").exists(), "the Worker is not built: run `make build`");
    let mut bindings = vec!["(name=\"OUTBOX\", durableObjectNamespace=\"Outbox\")".to_owned()];
    for (name, value) in &environment.vars {
        bindings.push(format!("(name={}, json={})", quoted(name), quoted(&value.to_string())));
    }
    for (name, text) in &environment.texts {
        bindings.push(format!("(name={}, text={})", quoted(name), quoted(text)));
    }
    for (name, most) in &environment.rates {
        bindings.push(format!(
            "(name={}, wrapped=(moduleName=\"test:rate-limiter\", innerBindings=[(name=\"most\", json=\"{most}\")]))",
            quoted(name)
        ));
    }
    let limiter = folder.join("rate-limiter.mjs");
    fs::write(&limiter, RATE_LIMITER).expect("the rate limiter");
    // The prelude is a separate module, which is imported, and so run, before the Worker's.
    let mut modules = String::new();
    if let Some(prelude) = &environment.prelude {
        let main = "import './prelude.js';
import worker, { Outbox as Real } from './index.js';
export default worker;
export class Outbox extends Real {
  constructor(ctx, env) {
    globalThis.onObject?.(ctx);
    super(ctx, env);
  }
  alarm(info) {
    globalThis.onAlarm?.(this.ctx);
    return super.alarm(info);
  }
  ask(question) {
    const { onAsk, onAnswer } = globalThis;
    if (!onAsk && !onAnswer) return super.ask(question);
    return (async () => {
      await onAsk?.(question);
      const answer = await super.ask(question);
      await onAnswer?.(this.ctx);
      return answer;
    })();
  }
}";
        for (name, script) in [("main.js", main), ("prelude.js", prelude)] {
            let _ = write!(modules, "(name={}, esModule={}),\n    ", quoted(name), quoted(script));
        }
    }
    let front = if environment.assets { "assets" } else { "main" };
    // An isolate has 128 MB on the platform; without a limit, V8 collects garbage late.
    let config = format!(
        r#"using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  v8Flags = ["--max-heap-size=128"],
  services = [
    (name="main", worker = .main),
    (name="assets", worker = .assets),
    (name="files", disk={files}),
    (name="cron", worker = .cron),
    (name="storage", disk=(path={storage}, writable=true)),
    (name="fakes", external=(address="{fakes}", http=()))
  ],
  sockets = [
    (name="http", address="127.0.0.1:0", http=(), service="{front}"),
    (name="cron", address="127.0.0.1:0", http=(), service="cron")
  ],
  extensions = [(modules=[(name="test:rate-limiter", esModule=embed {limiter}, internal=true)])]
);
const cron :Workerd.Worker = (
  modules = [(name="cron.js", esModule={cron})],
  compatibilityDate = "2026-10-01",
  compatibilityFlags = ["service_binding_extra_handlers"],
  bindings = [(name="MAIN", service="main")]
);
const assets :Workerd.Worker = (
  modules = [(name="assets.js", esModule={router})],
  compatibilityDate = "2026-10-01",
  bindings = [(name="MAIN", service="main"), (name="ASSETS", service="files")]
);
const main :Workerd.Worker = (
  modules = [
    {modules}(name="index.js", esModule=embed {script}),
    (name="index_bg.wasm", wasm=embed {wasm})
  ],
  compatibilityDate = "2026-10-01",
  globalOutbound = "fakes",
  durableObjectNamespaces = [(className="Outbox", uniqueKey="outbox", enableSql=true)],
  durableObjectStorage = (localDisk="storage"),
  bindings = [{bindings}]
);
"#,
        cron = quoted(CRON),
        router = quoted(include_str!("assets.js")),
        files = quoted(&build.join("assets").to_string_lossy()),
        storage = quoted(&folder.join("storage").to_string_lossy()),
        script = quoted(&build.join("index.js").to_string_lossy()),
        wasm = quoted(&build.join("index_bg.wasm").to_string_lossy()),
        limiter = quoted(&limiter.to_string_lossy()),
        bindings = bindings.join(",\n    "),
    );
    fs::write(folder.join("config.capnp"), config).expect("the test's config");
}

fn lab_config(folder: &Path, script: &str) -> String {
    format!(
        r#"using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name="main", worker = .main), (name="storage", disk=(path={storage}, writable=true))],
  sockets = [
    (name="http", address="127.0.0.1:0", http=(), service="main"),
    (name="cron", address="127.0.0.1:0", http=(), service="main")
  ]
);
const main :Workerd.Worker = (
  modules = [(name="main.js", esModule={script})],
  compatibilityDate = "2026-10-01",
  durableObjectNamespaces = [(className="Lab", uniqueKey="lab", enableSql=true)],
  durableObjectStorage = (localDisk="storage"),
  bindings = [(name="LAB", durableObjectNamespace="Lab")]
);
"#,
        storage = quoted(&folder.join("storage").to_string_lossy()),
        script = quoted(script),
    )
}
/// The platform's cron, which workerd itself does not have.
const CRON: &str = "export default {
  async fetch(request, env) {
    const { outcome } = await env.MAIN.scheduled({ cron: '*/5 * * * *', scheduledTime: new Date() });
    return new Response(outcome);
  },
};";

/// A Cap'n Proto text literal.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
