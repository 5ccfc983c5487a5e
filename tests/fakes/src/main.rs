//! The fake CRMs for `make dev`: every vendor behind <http://localhost:8788>, which also shows what they hold.
//!
//! They take the secrets of the file given as the only argument (`.dev.vars`): the first whose name ends as the vendor's
//! secrets do. So several accounts of one vendor share a value there.

use std::process::ExitCode;
use std::time::Duration;

use fakes::agencyhandy::AgencyHandy;
use fakes::leadsquared::LeadSquared;
use fakes::salesmap::Salesmap;
use fakes::stateset::StateSet;
use fakes::turnstile::Turnstile;
use fakes::webhook::Webhook;
use fakes::{Fake, Server};

/// Where they listen; `.dev.vars.example` points `CRM_ORIGIN` here.
const PORT: u16 = 8788;

fn main() -> ExitCode {
    let path = std::env::args().nth(1).unwrap_or_else(|| ".dev.vars".to_owned());
    let Ok(vars) = std::fs::read_to_string(&path) else {
        eprintln!("{path} cannot be read: `make dev` makes it from .dev.vars.example");
        return ExitCode::FAILURE;
    };
    let secret = |ends: &[&str]| secret(&vars, ends);
    let fakes: Vec<Box<dyn Fake>> = vec![
        Box::new(AgencyHandy::new(&secret(&["AGENCYHANDY_API_KEY", "CLIENTS_API_KEY"]))),
        Box::new(Salesmap::new(&secret(&["SALESMAP_TOKEN"]))),
        Box::new(LeadSquared::new(&secret(&["_ACCESS_KEY"]), &secret(&["_SECRET_KEY"]))),
        Box::new(StateSet::new(&secret(&["STATESET_API_KEY"]))),
        Box::new(Webhook::new(&secret(&["_SIGNING_SECRET"]))),
        Box::new(Turnstile::new(&secret(&["TURNSTILE_SECRET"]))),
    ];
    match Server::start(PORT, fakes) {
        Ok(server) => {
            println!("the fake CRMs: http://{}", server.address);
            loop {
                std::thread::sleep(Duration::from_hours(1));
            }
        }
        Err(error) => {
            eprintln!("port {PORT} is taken, or cannot be opened: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The value of the first `NAME = "value"` whose name ends in one of `ends`.
fn secret(vars: &str, ends: &[&str]) -> String {
    vars.lines()
        .filter_map(|line| line.split_once('='))
        .find(|(name, _)| ends.iter().any(|end| name.trim().ends_with(end)))
        .map(|(_, value)| value.trim().trim_matches('"').to_owned())
        .unwrap_or_default()
}
