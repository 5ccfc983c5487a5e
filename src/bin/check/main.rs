//! `make check`: reads `wrangler.toml` and refuses a wrong config before a deploy, with file, line and key.
//!
//! The rules for forms and destinations are the Worker's own (`formcourier::config`); what is added here is what only the
//! file shows: its lines, its environments, secrets that stand in it, and Cloudflare's limits.

mod file;
mod rules;

use std::path::Path;
use std::process::ExitCode;

/// What wrangler reads before a `wrangler.toml` that stands beside it.
const BEFORE: &[&str] = &["wrangler.json", "wrangler.jsonc"];

fn main() -> ExitCode {
    let path = std::env::args().nth(1).unwrap_or_else(|| "wrangler.toml".to_owned());
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{path}: cannot be read: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut report = rules::check(&text);
    if let Some(other) = read_instead(Path::new(&path)) {
        let text =
            format!("wrangler reads {other}, which stands beside it, and nothing of this file; take {other} away");
        report.errors.insert(0, rules::Finding { line: 1, text });
    }
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

/// The file that wrangler reads instead of the `wrangler.toml` at `path`, without a word: nothing of it would be checked.
fn read_instead(path: &Path) -> Option<&'static str> {
    let is_ours = path.file_name().is_some_and(|name| name == "wrangler.toml");
    BEFORE.iter().copied().find(|other| is_ours && path.with_file_name(other).exists())
}

/// `1 form`, `2 forms`.
fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_wrangler_reads_instead() {
        let folder = std::env::temp_dir().join(format!("formcourier-check-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("wrangler.toml");
        assert_eq!(read_instead(&path), None);
        std::fs::write(folder.join("wrangler.jsonc"), "{}").unwrap();
        assert_eq!(read_instead(&path), Some("wrangler.jsonc"));
        assert_eq!(read_instead(&folder.join("other.toml")), None);
        std::fs::remove_dir_all(&folder).unwrap();
        // The shipped one, from its own folder.
        assert_eq!(read_instead(Path::new("wrangler.toml")), None);
    }
}
