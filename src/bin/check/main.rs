//! `make check`: reads `wrangler.toml` and refuses a wrong config before a deploy, with file, line and key.
//!
//! The rules for forms and destinations are the Worker's own (`formcourier::config`); what is added here is what only the
//! file shows: its lines, its environments, secrets that stand in it, and Cloudflare's limits.

mod file;
mod rules;

use std::process::ExitCode;

fn main() -> ExitCode {
    let path = std::env::args().nth(1).unwrap_or_else(|| "wrangler.toml".to_owned());
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{path}: cannot be read: {error}");
            return ExitCode::FAILURE;
        }
    };
    let report = rules::check(&text);
    for finding in &report.errors {
        eprintln!("{}", finding.at(&path));
    }
    for finding in &report.warnings {
        eprintln!("{} (warning)", finding.at(&path));
    }
    for environment in &report.environments {
        eprint!("{}", environment.secrets_to_set());
    }
    if report.errors.is_empty() {
        for environment in &report.environments {
            println!("{}", environment.summary());
        }
        ExitCode::SUCCESS
    } else {
        eprintln!("{path}: {} to mend before a deploy", count(report.errors.len(), "mistake"));
        ExitCode::FAILURE
    }
}

/// `1 form`, `2 forms`.
fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}
