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

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    /// Where they listen; `development.vars` points `CRM_ORIGIN` here.
    const PORT: u16 = 8788;
    match fakes::Server::start(PORT, all()) {
        Ok(server) => {
            println!("the fake vendors: http://{}", server.address);
            loop {
                std::thread::sleep(std::time::Duration::from_hours(1));
            }
        }
        Err(error) => {
            eprintln!("port {PORT} cannot be opened: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(target_arch = "wasm32")]
fn main() {}

/// A request, `{"now", "method", "host", "path", "query", "headers", "body"}`, gets `{"pause", "status", "headers",
/// "body"}`; without `status`, the connection is to be closed. Times are milliseconds. `{"secret": name}` gets the value
/// that the fakes accept.
#[cfg(target_arch = "wasm32")]
fn answer(question: &serde_json::Value) -> serde_json::Value {
    use std::sync::{LazyLock, Mutex};

    static DESK: LazyLock<Mutex<fakes::Desk>> = LazyLock::new(|| Mutex::new(fakes::Desk::new(all())));
    if let Some(name) = question["secret"].as_str() {
        let suffix = if name.ends_with("SIGNING_SECRET") { "SIGNING_SECRET" } else { name };
        return Vendor::secret(suffix).into();
    }
    let text = |name: &str| question[name].as_str().unwrap_or_default().to_owned();
    let headers = question["headers"].as_array().into_iter().flatten();
    let request = fakes::Request {
        method: text("method"),
        host: text("host"),
        path: text("path"),
        query: form_urlencoded::parse(text("query").as_bytes()).into_owned().collect(),
        headers: headers.filter_map(|pair| Some((pair[0].as_str()?.into(), pair[1].as_str()?.into()))).collect(),
        body: text("body"),
    };
    let mut desk = DESK.lock().expect("a panic ends the module");
    let (pause, response) = desk.handle(request, question["now"].as_i64().unwrap_or_default());
    let pause = u64::try_from(pause.as_millis()).unwrap_or_default();
    match response {
        Some(it) => serde_json::json!({ "pause": pause, "status": it.status, "headers": it.headers, "body": it.body }),
        None => serde_json::json!({ "pause": pause }),
    }
}
