//! The shipped `wrangler.toml` under `wrangler dev`, and a deploy up to the upload.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
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
struct Dev(Child);

impl Drop for Dev {
    fn drop(&mut self) {
        // wrangler stops its workerd on SIGTERM, not on SIGKILL.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

/// Starts `wrangler dev` on a free port, which it prints. It chooses further ports itself and may lose one to another test
/// before it listens, so it is tried again.
fn start(folder: &Folder, vars: &str) -> (Dev, String) {
    let (state, errors) = (folder.path("state"), folder.path("errors"));
    let arguments = ["dev", "--ip", "127.0.0.1", "--port", "0", "--persist-to", &state, "--env-file", vars];
    let mut said = String::new();
    for _ in 0..3 {
        let to_file = fs::File::create(&errors).unwrap();
        let mut child = wrangler(&arguments).stdout(Stdio::piped()).stderr(to_file).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let dev = Dev(child);
        for line in lines {
            if let Some((_, address)) = line.split_once("Ready on ") {
                return (dev, address.trim().to_owned());
            }
            said += &line;
            said.push('\n');
        }
        let wrong = fs::read_to_string(&errors).unwrap_or_default();
        said.push_str(&wrong);
        if !wrong.contains("Address already in use") {
            break;
        }
    }
    panic!("wrangler dev did not start:\n{said}")
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
    let (dev, base) = start(&folder, &vars_file(&folder, fakes.address));
    let demo = ureq::get(&base).call().unwrap().body_mut().read_to_string().unwrap();
    assert!(demo.contains("action=\"/f/contact\""), "{demo}");
    let fields = [("name", "Ada Lovelace"), ("email", "ada@example.com"), ("message", "Hello")];
    let response = ureq::post(format!("{base}/f/contact")).header("accept", "application/json").send_form(fields);
    assert_eq!(response.unwrap().status(), 200);

    let start = now();
    let records = || fakes.records("salesmap").into_iter().map(|it| it["record"].clone()).collect::<Vec<_>>();
    while records() != ["person", "lead"] && start.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(records(), ["person", "lead"]);
    assert_eq!(fakes.complaints("salesmap"), [""; 0]);
    drop(dev);
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
