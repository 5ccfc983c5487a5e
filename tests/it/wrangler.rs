//! The shipped `wrangler.toml` under `wrangler dev`, and a deploy up to the upload.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fakes::salesmap::Salesmap;
use fakes::{DEVELOPMENT, Server, workerd};

use crate::world::{PATIENCE, now};

fn wrangler(arguments: &[&str]) -> Command {
    let root = workerd::root();
    let bin = root.join("node_modules/.bin");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(bin.join("wrangler"));
    command
        .args(arguments)
        .current_dir(&root)
        // The packages bring the Node that wrangler wants.
        .env("PATH", format!("{}:{path}", bin.display()))
        .env("WRANGLER_SEND_METRICS", "false")
        .env("CI", "true")
        .stdin(Stdio::null());
    command
}

/// A temporary folder, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("formcourier-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_string_lossy().into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// `wrangler dev`, stopped with everything it started.
struct Dev {
    process: Child,
    /// Where it listens.
    base: String,
    /// The file that holds all it has printed.
    output: String,
}

impl Dev {
    /// Starts `wrangler dev` on a free port, which it prints. It chooses further ports itself and may lose one to another
    /// test before it listens, so a failed start is repeated.
    fn start(folder: &Folder, config: &str, vars: &str) -> Self {
        let (state, output) = (folder.path("state"), folder.path("output"));
        let options = ["--ip", "127.0.0.1", "--port", "0", "--persist-to", &state, "--env-file", vars, "-c", config];
        for _ in 0..3 {
            let file = fs::File::create(&output).unwrap();
            let mut command = wrangler(&[&["dev"], &options[..]].concat());
            let process = command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
            let mut dev = Self { process, base: String::new(), output: output.clone() };
            if let Some(line) = dev.printed("Ready on ") {
                line.trim().clone_into(&mut dev.base);
                return dev;
            }
            if !dev.text().contains("Address already in use") {
                break;
            }
        }
        panic!("wrangler dev did not start:\n{}", fs::read_to_string(&output).unwrap())
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.output).unwrap()
    }

    /// Waits for a line with `text`: what follows it, or `None` if wrangler exits first.
    fn printed(&mut self, text: &str) -> Option<String> {
        let start = now();
        while start.elapsed() < PATIENCE {
            let output = self.text();
            if let Some((_, rest)) = output.split_once(text).filter(|(_, rest)| rest.contains('\n')) {
                return rest.lines().next().map(str::to_owned);
            }
            if self.process.try_wait().unwrap().is_some() {
                return None;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("wrangler dev never printed {text:?}:\n{}", self.text())
    }

    /// Posts a lead to the contact form until the response has this status: a reload takes a moment.
    fn post(&self, email: &str, status: u16) {
        let start = now();
        let agent: ureq::Agent = ureq::config::Config::builder().http_status_as_error(false).build().into();
        let mut last = String::new();
        while start.elapsed() < PATIENCE {
            let fields = [("name", "Ada Lovelace"), ("email", email), ("message", "Hello")];
            let response = agent.post(format!("{}/f/contact", self.base)).header("accept", "application/json");
            match response.send_form(fields) {
                Ok(response) if response.status() == status => return,
                other => last = format!("{other:?}"),
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        panic!("no status {status}, but {last}:\n{}", self.text())
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // wrangler stops its workerd on SIGTERM, not on SIGKILL.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

/// The shipped `wrangler.toml`, as a copy in `folder` that a test may edit.
fn config_copy(folder: &Folder) -> (String, String) {
    let root = workerd::root();
    let path = folder.path("wrangler.toml");
    let shipped = fs::read_to_string(root.join("wrangler.toml")).unwrap();
    let main = format!("main = \"{}\"", root.join("build/index.js").display());
    let assets = format!("directory = \"{}\"", root.join("build/assets").display());
    let text = shipped
        .replace("main = \"build/index.js\"", &main)
        .replace("directory = \"build/assets\"", &assets)
        .replace("make --silent worker", &format!("make --silent worker CONFIG={path}"));
    assert!(text.contains(&main) && text.contains(&format!("CONFIG={path}")), "wrangler.toml has changed:\n{text}");
    fs::write(&path, &text).unwrap();
    (path, text)
}

/// Saves a file as editors do: wrangler would read a half-written one.
fn save(path: &str, text: &str) {
    let new = format!("{path}.new");
    fs::write(&new, text).unwrap();
    fs::rename(new, path).unwrap();
}

/// The development vars of the repository, with the address of this test's fakes.
fn vars_file(folder: &Folder, fakes: SocketAddr) -> String {
    let example = fs::read_to_string(workerd::root().join("development.vars")).unwrap();
    let vars = example.replace("http://127.0.0.1:8788", &format!("http://{fakes}"));
    assert!(vars.contains(&fakes.to_string()), "CRM_ORIGIN of development.vars has moved");
    let path = folder.path("dev.vars");
    fs::write(&path, vars).unwrap();
    path
}

#[test]
fn the_shipped_config_delivers_under_wrangler_dev() {
    let folder = Folder::new("wrangler-dev");
    let fakes = Server::start(0, vec![Box::new(Salesmap::new(DEVELOPMENT))]).unwrap();
    let dev = Dev::start(&folder, "wrangler.toml", &vars_file(&folder, fakes.address));
    let demo = ureq::get(&dev.base).call().unwrap().body_mut().read_to_string().unwrap();
    assert!(demo.contains("action=\"/f/contact\""), "{demo}");
    dev.post("ada@example.com", 200);

    // A browser posts a form without script as a navigation, which the asset router must not answer.
    let agent: ureq::Agent =
        ureq::config::Config::builder().max_redirects(0).http_status_as_error(false).build().into();
    let native = agent.post(format!("{}/f/contact", dev.base)).header("sec-fetch-mode", "navigate");
    let native =
        native.header("accept", "text/html").send_form([("email", "ada@example.com"), ("message", "Hello")]).unwrap();
    let next = native.headers().get("location").map(|next| next.to_str().unwrap());
    assert_eq!((native.status().as_u16(), next), (303, Some("/f/contact/thanks")));
    let script =
        ureq::get(format!("{}/formcourier.js", dev.base)).header("accept-encoding", "identity").call().unwrap();
    let headers = ["content-type", "cache-control", "access-control-allow-origin", "x-content-type-options"];
    assert_eq!(
        headers.map(|name| script.headers()[name].to_str().unwrap()),
        ["text/javascript; charset=utf-8", "public, max-age=86400, stale-while-revalidate=604800", "*", "nosniff"]
    );
    assert_eq!(
        script.into_body().read_to_string().unwrap(),
        fs::read_to_string(workerd::root().join("build/assets/formcourier.js")).unwrap()
    );
    let console = ureq::get(format!("{}/console/", dev.base)).call().unwrap();
    let policy = console.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
    assert_eq!(agent.post(format!("{}/formcourier.js", dev.base)).send_empty().unwrap().status(), 405);

    let start = now();
    let records = || fakes.records("salesmap").into_iter().map(|it| it["record"].clone()).collect::<Vec<_>>();
    while records() != ["person", "lead", "lead"] && start.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(records(), ["person", "lead", "lead"]);
    assert_eq!(fakes.complaints("salesmap"), [""; 0]);
    drop(dev);
}

#[test]
fn a_typo_stops_a_deploy_but_not_wrangler_dev() {
    let folder = Folder::new("wrangler-typo");
    let (path, valid) = config_copy(&folder);
    let mut dev = Dev::start(&folder, &path, &vars_file(&folder, "127.0.0.1:9".parse().unwrap()));
    dev.post("before@example.com", 200);
    let unknown = "FORM_CONTACT: unknown key \"requird\"; did you mean \"required\"?";
    save(&path, &valid.replace("required = ", "requird = "));
    assert!(dev.printed(unknown).is_some(), "wrangler dev ended:\n{}", dev.text());
    dev.post("during@example.com", 503);
    let deploy = wrangler(&["deploy", "--dry-run", "-c", &path, "--outdir", &folder.path("out")]).output().unwrap();
    let text = String::from_utf8_lossy(&deploy.stdout).into_owned() + &String::from_utf8_lossy(&deploy.stderr);
    assert!(!deploy.status.success() && text.contains(unknown), "{text}");

    save(&path, &valid.replace("[vars.FORM_CONTACT]", "[vars.FORM_CONTACT"));
    assert!(dev.printed("Invalid TOML document").is_some(), "wrangler dev ended:\n{}", dev.text());
    save(&path, &valid);
    dev.post("after@example.com", 200);
    assert!(!dev.text().contains("ChildProcess"), "an object dump:\n{}", dev.text());
}

#[test]
fn files_with_secrets_are_never_committed() {
    let folder = Folder::new("gitignore");
    fs::copy(workerd::root().join(".gitignore"), folder.path(".gitignore")).unwrap();
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(&folder.0).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    git(&["init", "--quiet"]);
    let names = [".dev.vars", ".dev.vars.staging", ".env", ".env.local", ".env.staging.local", ".dev.vars.example"];
    let ignored = git(&[&["check-ignore"], &names[..]].concat());
    assert_eq!(ignored.lines().collect::<Vec<_>>(), names[..5]);
}

#[test]
fn a_deploy_is_complete_up_to_the_upload() {
    let folder = Folder::new("wrangler-deploy");
    let out = folder.path("out");
    let output = wrangler(&["deploy", "--dry-run", "--outdir", &out]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("OUTBOX"), "the Outbox is not bound:\n{text}");
    assert!(!text.contains(DEVELOPMENT), "a secret would be uploaded:\n{text}");
    let files: Vec<_> = fs::read_dir(&out).unwrap().flatten().map(|entry| entry.path()).collect();
    let ends = |end: &str| files.iter().any(|path| path.extension().is_some_and(|extension| extension == end));
    assert!(ends("wasm") && ends("js"), "{files:?}");
}

#[test]
fn make_dev_names_the_port_that_is_in_use_before_it_builds_anything() {
    // The fakes get the next port.
    let (port, _held) = loop {
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = held.local_addr().unwrap().port() - 1;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            break (port, held);
        }
    };
    let root = workerd::root();
    for (asked, message) in [
        (
            port.to_string(),
            format!(
                "Port {} is in use. Stop the program that uses it, or choose others: make dev PORT=9000\n",
                port + 1
            ),
        ),
        ("x".to_owned(), "PORT=x is not a port.\n".to_owned()),
    ] {
        let mut make = Command::new("make");
        // `make test` may run this test: a make within a make prints which folder it enters.
        make.args(["dev", &format!("PORT={asked}")]).current_dir(&root).env_remove("MAKELEVEL").env_remove("MAKEFLAGS");
        let output = make.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && errors.starts_with(&message), "{errors}");
        assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}
