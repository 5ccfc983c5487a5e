//! Holds the line that the design draws: what a folder may know, which way the arrows point, and how long a file may be.

use std::fs;
use std::path::{Path, PathBuf};

/// Every folder of `src/` and the folders that it may use besides itself.
const ARROWS: &[(&str, &[&str])] = &[
    ("config", &[]),
    ("form", &["config"]),
    ("guard", &["lead", "form", "config"]),
    ("lead", &["form", "config"]),
    ("crm", &["lead", "form", "config"]),
    ("delivery", &["crm", "lead", "form", "config"]),
    ("pages", &["lead", "form", "config"]),
    ("edge", &["pages", "delivery", "guard", "crm", "lead", "form", "config"]),
];

/// What only `src/edge` and `src/lib.rs` may name.
const PLATFORM: &[&str] = &["worker", "js_sys", "web_sys", "wasm_bindgen"];

/// The longest file.
const LINES: usize = 400;

struct Source {
    /// Below the repository, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// Code without line comments, tests left out: those may use what they like.
    fn code(&self) -> Vec<(usize, &str)> {
        let is_test = self.path.ends_with("/tests.rs") || self.path.contains("/tests/");
        let numbered =
            self.text.lines().enumerate().map(|(at, line)| (at + 1, line.split("//").next().unwrap_or_default()));
        let tests_at = self.text.lines().position(|line| line.trim() == "#[cfg(test)]");
        // `#[cfg(test)] mod tests;` may stand among the other modules; only a module with a body ends the code.
        let ends = tests_at.filter(|at| self.text.lines().nth(at + 1).is_some_and(|line| line.ends_with('{')));
        numbered.take(ends.unwrap_or(usize::MAX)).filter(|_| !is_test).collect()
    }

    /// The folder of `src/` that it belongs to; `lib` for the file of that name.
    fn room(&self) -> &str {
        let rest = self.path.strip_prefix("src/").unwrap_or_default();
        rest.split(['/', '.']).next().unwrap_or_default()
    }
}

/// Every Rust file below these folders.
fn sources(folders: &[&str]) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() && entry.file_name() != "target" {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a file");
                let below = path.strip_prefix(root).expect("it is below the root");
                sources.push(Source { path: below.to_string_lossy().replace('\\', "/"), text });
            }
        }
    }
    assert!(sources.len() > 50, "the sources are gone: {}", sources.len());
    sources
}

/// The words of a line: what stands between two characters that no name has.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// What follows each `crate::` in a line, `crate::{a, b}` taken apart.
fn crate_paths(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for rest in line.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            Some(list) => {
                let list = list.split('}').next().unwrap_or_default();
                found.extend(list.split(',').filter_map(|item| words(item.trim()).next()));
            }
            None => found.extend(words(rest).next()),
        }
    }
    found.retain(|word| !word.is_empty());
    found
}

#[test]
fn only_the_edge_knows_the_platform() {
    let mut wrong = Vec::new();
    for source in sources(&["src"]) {
        if matches!(source.room(), "edge" | "lib") {
            continue;
        }
        for (number, line) in source.text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let is_named = |name: &str| {
                let as_path =
                    |word: &str| code.contains(&format!("{word}::")) && words(code).any(|found| found == word);
                as_path(name) || code.trim() == format!("use {name};") || code.contains(&format!("extern crate {name}"))
            };
            wrong.extend(
                PLATFORM
                    .iter()
                    .filter(|name| is_named(name))
                    .map(|name| format!("{}:{}: {name}", source.path, number + 1)),
            );
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn arrows_point_one_way() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for source in sources(&["src"]) {
        let room = source.room();
        if matches!(room, "lib" | "bin") {
            continue;
        }
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!("{}: the folder {room} is in no drawing", source.path));
            continue;
        };
        for (number, line) in source.code() {
            for used in crate_paths(line) {
                seen += 1;
                if used != room && !allowed.contains(&used) {
                    wrong.push(format!("{}:{number}: {room} -> {used}", source.path));
                }
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert!(seen > 100, "only {seen} uses were understood");
}

#[test]
fn the_reading_of_this_file_is_right() {
    let rows: &[(&str, &[&str])] = &[
        ("use crate::config::{Form, Limits};", &["config"]),
        ("use crate::{config, lead::Lead};", &["config", "lead"]),
        ("    let x: crate::crm::Why = crate::form::y();", &["crm", "form"]),
        ("use super::names;", &[]),
    ];
    for (line, expected) in rows {
        assert_eq!(crate_paths(line), *expected, "{line}");
    }
    let text = "//! crate::edge\nuse crate::form; // crate::pages\n#[cfg(test)]\nmod tests {\nuse crate::edge;\n}\n";
    let source = Source { path: "src/lead/mapping.rs".into(), text: text.into() };
    assert_eq!((source.room(), source.code()), ("lead", vec![(1, ""), (2, "use crate::form; ")]));
}

/// A cursor's JavaScript exceptions fly through Wasm and hang the object: `to_array` takes a whole result instead.
#[test]
fn cursors_are_never_stepped_and_nothing_is_left_to_do() {
    // Put together here, or this file would find itself.
    let forbidden = [[".one", "()"].concat(), ["todo", "!("].concat(), ["unimplemented", "!("].concat()];
    let mut wrong = Vec::new();
    for source in sources(&["src", "tests"]) {
        for (number, line) in source.text.lines().enumerate() {
            let found = forbidden.iter().filter(|word| line.contains(word.as_str()));
            wrong.extend(found.map(|word| format!("{}:{}: {word}", source.path, number + 1)));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let mut wrong = Vec::new();
    for source in sources(&["src", "tests"]) {
        let count = source.text.lines().count();
        if count > LINES {
            wrong.push(format!("{}: {count} lines, and {LINES} are the most", source.path));
        }
        if !source.text.starts_with("//! ") {
            wrong.push(format!("{}: no `//!` header", source.path));
        }
    }
    assert_eq!(wrong, [""; 0]);
}
