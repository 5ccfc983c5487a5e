//! `wrangler` as the README says it: the shipped `wrangler.toml` run by `wrangler dev`, and a deploy up to the upload.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fakes::agencyhandy::AgencyHandy;
use fakes::leadsquared::LeadSquared;
use fakes::salesmap::Salesmap;
use fakes::stateset::StateSet;
use fakes::webhook::Webhook;
use fakes::{Server, workerd};

use crate::world::{PATIENCE, now};

/// The secret of `.dev.vars.example`, except for the webhook's.
const SECRET: &str = "development";

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

/// A folder of its own below the system's temporary one, removed at the end.
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

/// `wrangler dev`, ended with all that it started.
struct Dev(Child);

impl Drop for Dev {
    fn drop(&mut self) {
        // wrangler ends its workerd when it is asked to end, not when it is killed.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

/// Starts `wrangler dev`: on a free port, which it tells. It looks for other free ports by itself and may lose one of them
/// to another test before it listens, so it gets more than one chance.
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

/// The development vars of the repository, with the fakes of this test in place of those of `make dev`.
fn vars_file(folder: &Folder, fakes: SocketAddr) -> (String, String) {
    let example = fs::read_to_string(workerd::root().join(".dev.vars.example")).unwrap();
    let webhook_secret = example
        .lines()
        .find_map(|line| line.strip_prefix("HOOK_SIGNING_SECRET="))
        .map(|value| value.trim_matches('"').to_owned())
        .unwrap();
    let vars = example.replace("http://127.0.0.1:8788", &format!("http://{fakes}"));
    assert!(vars.contains(&fakes.to_string()), "CRM_ORIGIN of .dev.vars.example has moved");
    let path = folder.path("dev.vars");
    fs::write(&path, vars).unwrap();
    (path, webhook_secret)
}

#[test]
fn the_shipped_config_delivers_every_form_under_wrangler_dev() {
    let folder = Folder::new("wrangler-dev");
    let fakes = Server::start(0, Vec::new()).unwrap();
    let (vars, webhook_secret) = vars_file(&folder, fakes.address);
    fakes.add(Box::new(AgencyHandy::new(SECRET)));
    fakes.add(Box::new(Salesmap::new(SECRET)));
    fakes.add(Box::new(LeadSquared::new(SECRET, SECRET)));
    fakes.add(Box::new(StateSet::new(SECRET)));
    fakes.add(Box::new(Webhook::new(&webhook_secret)));

    let (dev, base) = start(&folder, &vars);
    let demo = ureq::get(&base).call().unwrap().body_mut().read_to_string().unwrap();
    let forms =
        ["contact", "enquiry", "onboarding", "course", "wholesale", "newsletter", "quote", "staff"].map(|form| {
            assert!(demo.contains(&format!("action=\"/f/{form}\"")), "the demo shows no form for {form}");
            form
        });
    for form in forms {
        let email = format!("{form}@example.com");
        let fields = [("first_name", "Ada"), ("last_name", "Lovelace"), ("email", &email), ("message", "Hello")];
        let token = [("_token", SECRET)];
        let fields = fields.into_iter().chain(token);
        let answer = ureq::post(format!("{base}/f/{form}")).header("accept", "application/json").send_form(fields);
        assert_eq!(answer.unwrap().status(), 200, "{form}");
    }

    let expected = [("agencyhandy", 2), ("salesmap", 4), ("leadsquared", 2), ("stateset", 1), ("webhook", 2)];
    let start = now();
    let held = || expected.map(|(fake, _)| (fake, fakes.records(fake).len()));
    while held() != expected && start.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(held(), expected);
    let complaints: Vec<_> = expected.iter().flat_map(|(fake, _)| fakes.complaints(fake)).collect();
    assert_eq!(complaints, [""; 0]);
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
    // No secret is among the vars that would go up.
    assert!(!text.contains(SECRET), "{text}");
    let files: Vec<_> = fs::read_dir(&out).unwrap().flatten().map(|entry| entry.path()).collect();
    let ends = |end: &str| files.iter().any(|path| path.extension().is_some_and(|extension| extension == end));
    assert!(ends("wasm") && ends("js"), "{files:?}");
}
