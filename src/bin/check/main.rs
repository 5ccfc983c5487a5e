//! `make check`: reads `wrangler.toml`, or the files it is given, and rejects a wrong config before a deploy.
//!
//! The rules for forms and destinations are the Worker's own (`formcourier::config`). Added here is what only the file
//! shows: lines, environments, secrets in the wrong place, and what Cloudflare needs.

mod file;
mod rules;

use std::path::Path;
use std::process::ExitCode;

use rules::Finding;

/// Files that wrangler reads instead of a `wrangler.toml` beside them.
const PREFERRED: &[&str] = &["wrangler.json", "wrangler.jsonc"];

fn main() -> ExitCode {
    let mut paths: Vec<String> = std::env::args().skip(1).collect();
    if paths.is_empty() {
        paths.push("wrangler.toml".to_owned());
    }
    let errors: usize = paths.iter().map(|path| check(path)).sum();
    match errors {
        0 => return ExitCode::SUCCESS,
        1 => eprintln!("1 error: fix it and run make check again"),
        _ => eprintln!("{errors} errors: fix them and run make check again"),
    }
    ExitCode::FAILURE
}

/// Prints a file's errors, warnings and summary; returns the number of errors.
fn check(path: &str) -> usize {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{path}: cannot be read: {error}");
            return 1;
        }
    };
    let mut report = rules::check(path, &text);
    if let Some(other) = preferred(Path::new(path)) {
        let text = format!("wrangler reads {other} instead of this file; delete {other}");
        report.errors.insert(0, Finding { line: 1, text });
    }
    for Finding { line, text } in &report.errors {
        eprintln!("{path}:{line}: {text}");
    }
    for Finding { line, text } in &report.warnings {
        eprintln!("{path}:{line}: warning: {text}");
    }
    if report.errors.is_empty() && report.summaries.is_empty() {
        eprintln!("{path}: warning: no form is configured; the README has one in ten lines");
    }
    for summary in report.summaries.iter().filter(|_| report.errors.is_empty()) {
        println!("{summary}");
    }
    report.errors.len()
}

/// The file that wrangler silently reads instead of the `wrangler.toml` at `path`.
fn preferred(path: &Path) -> Option<&'static str> {
    let is_default = path.file_name().is_some_and(|name| name == "wrangler.toml");
    PREFERRED.iter().copied().find(|other| is_default && path.with_file_name(other).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_wrangler_reads_instead() {
        let folder = std::env::temp_dir().join(format!("formcourier-check-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("wrangler.toml");
        assert_eq!(preferred(&path), None);
        std::fs::write(folder.join("wrangler.jsonc"), "{}").unwrap();
        assert_eq!(preferred(&path), Some("wrangler.jsonc"));
        assert_eq!(preferred(&folder.join("other.toml")), None);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
