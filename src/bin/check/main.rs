//! `make check`: reads `wrangler.toml`, or the files it is given, and rejects a wrong config before a deploy.
//!
//! The rules for forms and destinations are the Worker's own (`formcourier::config`). Added here is what only the file
//! shows: lines, environments, secrets in the wrong place, and what Cloudflare needs.

#[cfg(target_arch = "wasm32")]
#[path = "../../../npm/buffer.rs"]
mod buffer;
mod file;
mod rules;

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use rules::{Finding, Report};

/// Files that wrangler reads instead of a `wrangler.toml` beside them.
const PREFERRED: &[&str] = &["wrangler.json", "wrangler.jsonc"];

fn main() -> ExitCode {
    let mut paths: Vec<String> = std::env::args().skip(1).collect();
    if paths.is_empty() {
        paths.push("wrangler.toml".to_owned());
    }
    let mut errors = 0;
    for path in &paths {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let report = check(path, &text, preferred(Path::new(path)));
                let (out, err) = shown(path, &report);
                eprint!("{err}");
                print!("{out}");
                errors += report.errors.len();
            }
            Err(error) => {
                eprintln!("{path}: cannot be read: {error}");
                errors += 1;
            }
        }
    }
    eprint!("{}", verdict(errors, "make check"));
    if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The same for `npx formcourier`: `{"path", "text", "preferred"}` gets what to print, and each environment's secrets and
/// forms.
#[cfg(target_arch = "wasm32")]
fn answer(question: &serde_json::Value) -> serde_json::Value {
    let text = |name: &str| question[name].as_str().unwrap_or_default();
    let preferred = PREFERRED.iter().copied().find(|name| *name == text("preferred"));
    let report = check(text("path"), text("text"), preferred);
    let (out, err) = shown(text("path"), &report);
    let errors = report.errors.len();
    let err = err + &verdict(errors, "npx formcourier check");
    serde_json::json!({ "out": out, "err": err, "errors": errors, "environments": report.environments })
}

/// Checks a file's text; `preferred` is the file that wrangler reads instead.
fn check(path: &str, text: &str, preferred: Option<&str>) -> Report {
    let mut report = rules::check(path, text);
    if let Some(other) = preferred {
        let text = format!("wrangler reads {other} instead of this file; delete {other}");
        report.errors.insert(0, Finding { line: 1, text });
    }
    report
}

/// What there is to say about a file, for standard output and standard error.
fn shown(path: &str, report: &Report) -> (String, String) {
    let (mut out, mut err) = (String::new(), String::new());
    for Finding { line, text } in &report.errors {
        let _ = writeln!(err, "{path}:{line}: {text}");
    }
    for Finding { line, text } in &report.warnings {
        let _ = writeln!(err, "{path}:{line}: warning: {text}");
    }
    if report.errors.is_empty() && report.summaries.is_empty() {
        let _ = writeln!(err, "{path}: warning: no form is configured; the README has one in ten lines");
    }
    for summary in report.summaries.iter().filter(|_| report.errors.is_empty()) {
        let _ = writeln!(out, "{summary}");
    }
    (out, err)
}

fn verdict(errors: usize, command: &str) -> String {
    match errors {
        0 => String::new(),
        1 => format!("1 error: fix it and run {command} again\n"),
        _ => format!("{errors} errors: fix them and run {command} again\n"),
    }
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
