//! The fake vendors of `make dev` behind <http://localhost:8788>, which also shows what they hold; as Wasm, those of
//! `npx formcourier dev`. They take the secrets of `development.vars`.

#[cfg(target_arch = "wasm32")]
#[path = "../../../npm/buffer.rs"]
mod buffer;

use fakes::turnstile::Turnstile;
use fakes::{DEVELOPMENT, Fake, VENDORS, Vendor};

fn all() -> Vec<Box<dyn Fake>> {
    let turnstile: Box<dyn Fake> = Box::new(Turnstile::new(DEVELOPMENT));
    VENDORS.iter().map(Vendor::fake).chain([turnstile]).collect()
}

/// `fakes PORT JOURNAL`: the port that `CRM_ORIGIN` names, and the file that keeps the records over a restart.
#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().and_then(|port| port.parse().ok()).unwrap_or(8788);
    let started = match arguments.next() {
        Some(journal) => fakes::Server::start_again(port, all(), journal.as_ref()),
        None => fakes::Server::start(port, all()),
    };
    match started {
        Ok(_server) => loop {
            std::thread::sleep(std::time::Duration::from_hours(1));
        },
        Err(error) => {
            eprintln!("The fake CRMs cannot start on port {port}: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(target_arch = "wasm32")]
fn main() {}

/// A [`fakes::Request`] as JSON gets `{"pause", "status", "headers", "body"}`; without `status`, the connection is to be
/// closed. `{"secret": name}` gets the value that the fakes accept.
#[cfg(target_arch = "wasm32")]
fn answer(question: &serde_json::Value) -> serde_json::Value {
    use std::sync::{LazyLock, Mutex};

    static DESK: LazyLock<Mutex<fakes::Desk>> = LazyLock::new(|| Mutex::new(fakes::Desk::new(all())));
    if let Some(name) = question["secret"].as_str() {
        let suffix = if name.ends_with("SIGNING_SECRET") { "SIGNING_SECRET" } else { name };
        return Vendor::secret(suffix).into();
    }
    let (request, now) = fakes::Request::from_json(question);
    let mut desk = DESK.lock().expect("a panic ends the module");
    let (pause, response) = desk.handle(request, now);
    let pause = u64::try_from(pause.as_millis()).unwrap_or_default();
    match response {
        Some(it) => serde_json::json!({ "pause": pause, "status": it.status, "headers": it.headers, "body": it.body }),
        None => serde_json::json!({ "pause": pause }),
    }
}
