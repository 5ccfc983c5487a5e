//! The fake vendors of `make dev` behind <http://localhost:8788>, which also shows what they hold. They take the secrets of
//! `.dev.vars.example`.

use std::process::ExitCode;
use std::time::Duration;

use fakes::turnstile::Turnstile;
use fakes::{DEVELOPMENT, Fake, Server, VENDORS, Vendor};

/// Where they listen; `.dev.vars.example` points `CRM_ORIGIN` here.
const PORT: u16 = 8788;

fn main() -> ExitCode {
    let mut fakes: Vec<Box<dyn Fake>> = VENDORS.iter().map(Vendor::fake).collect();
    fakes.push(Box::new(Turnstile::new(DEVELOPMENT)));
    match Server::start(PORT, fakes) {
        Ok(server) => {
            println!("the fake vendors: http://{}", server.address);
            loop {
                std::thread::sleep(Duration::from_hours(1));
            }
        }
        Err(error) => {
            eprintln!("port {PORT} cannot be opened: {error}");
            ExitCode::FAILURE
        }
    }
}
