//! Enforces the structure: which folder may use which, no cycles between files, and the length of files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Every folder of `src/` and the folders that it may use besides itself.
const ARROWS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("intake", &["domain"]),
    ("connectors", &["domain"]),
    ("delivery", &["connectors", "domain"]),
    ("operator", &["intake", "domain"]),
    ("config", &["operator", "intake", "connectors", "delivery", "domain"]),
    ("outbox", &["operator", "config", "delivery", "connectors", "intake", "domain"]),
    ("pages", &["intake", "domain"]),
    ("edge", &["outbox", "operator", "pages", "config", "delivery", "connectors", "intake", "domain"]),
];

/// Crates that only `src/edge` and `src/lib.rs` may name.
const PLATFORM: &[&str] = &["worker", "js_sys", "web_sys", "wasm_bindgen"];

/// The most lines of code in a file of `src/`, without its tests; and of any line in a file of `tests/`.
const LINES: usize = 400;

struct Source {
    /// Below the repository, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// Lines without comments, from the first to the unit tests at the end; nothing of a file of tests.
    fn code(&self) -> Vec<(usize, &str)> {
        let is_test =
            self.path.ends_with("/tests.rs") || self.path.contains("/tests/") || self.path.ends_with("testing.rs");
        let numbered =
            self.text.lines().enumerate().map(|(at, line)| (at + 1, line.split("//").next().unwrap_or_default()));
        let tests_at = self.text.lines().position(|line| line.trim() == "#[cfg(test)]");
        // `#[cfg(test)] mod tests;` may come among the other modules; only a module with a body ends the code.
        let ends = tests_at.filter(|at| self.text.lines().nth(at + 1).is_some_and(|line| line.ends_with('{')));
        numbered.take(ends.unwrap_or(usize::MAX)).filter(|_| !is_test).collect()
    }

    /// The folder of `src/` that it belongs to; `lib` for the file of that name.
    fn folder(&self) -> &str {
        let rest = self.path.strip_prefix("src/").unwrap_or_default();
        rest.split(['/', '.']).next().unwrap_or_default()
    }

    /// Its module path below the crate: `intake::guard` for `src/intake/guard.rs` and `src/intake/guard/mod.rs`.
    fn module(&self) -> String {
        let rest = self.path.strip_prefix("src/").unwrap_or_default().trim_end_matches(".rs");
        rest.trim_end_matches("/mod").replace('/', "::")
    }

    /// The code as one text, white space collapsed.
    fn flat(&self) -> String {
        let lines: Vec<&str> = self.code().into_iter().map(|(_, line)| line).collect();
        lines.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What it re-exports of its children: the name here, and where it comes from.
    fn exports(&self) -> Vec<(String, String)> {
        let (module, flat) = (self.module(), self.flat());
        let mut found = Vec::new();
        for (at, keyword) in flat.match_indices("pub use ") {
            let rest = flat[at + keyword.len()..].trim_start_matches("self::");
            if rest.starts_with("crate") || rest.starts_with("super") {
                continue;
            }
            let mut paths = BTreeSet::new();
            expand(rest, &module, &mut paths);
            found.extend(paths.into_iter().filter_map(|path| {
                let (_, name) = path.rsplit_once("::")?;
                Some((format!("{module}::{name}"), path.clone()))
            }));
        }
        found.retain(|(here, there)| here != there);
        found
    }

    /// The modules that it names by `crate::`, `super::` and `self::`, as paths below the crate.
    fn uses(&self) -> BTreeSet<String> {
        let module = self.module();
        let parent = module.rsplit_once("::").map_or(String::new(), |(parent, _)| parent.to_owned());
        let flat = self.flat();
        let mut found = BTreeSet::new();
        for (keyword, base) in [("crate::", String::new()), ("super::", parent), ("self::", module)] {
            for (at, _) in flat.match_indices(keyword) {
                let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
                if !flat[..at].chars().next_back().is_some_and(is_word) {
                    expand(&flat[at + keyword.len()..], &base, &mut found);
                }
            }
        }
        found
    }
}

/// The paths that a `use` tree names: `a::{b, c::d}` below `base`.
fn expand(tree: &str, base: &str, found: &mut BTreeSet<String>) {
    let join = |name: &str| if base.is_empty() { name.to_owned() } else { format!("{base}::{name}") };
    if let Some(rest) = tree.strip_prefix('{') {
        let (mut depth, mut start) = (0, 0);
        for (at, c) in rest.char_indices() {
            match c {
                '{' => depth += 1,
                ',' | '}' if depth == 0 => {
                    expand(rest[start..at].trim(), base, found);
                    start = at + 1;
                    if c == '}' {
                        return;
                    }
                }
                '}' => depth -= 1,
                _ => {}
            }
        }
        return;
    }
    let end = tree.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(tree.len());
    if tree.is_empty() {
        return;
    }
    if end == 0 || &tree[..end] == "self" {
        found.insert(base.to_owned());
        return;
    }
    let path = join(&tree[..end]);
    match tree[end..].strip_prefix("::") {
        Some(rest) => expand(rest, &path, found),
        None => drop(found.insert(path)),
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

/// The words of a line.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_')
}

#[test]
fn only_the_edge_knows_the_platform() {
    let mut wrong = Vec::new();
    for source in sources(&["src"]) {
        if matches!(source.folder(), "edge" | "lib") {
            continue;
        }
        for (number, line) in source.text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let is_named = |name: &str| {
                let is_path = code.contains(&format!("{name}::")) && words(code).any(|found| found == name);
                is_path || code.trim() == format!("use {name};") || code.contains(&format!("extern crate {name}"))
            };
            let named = PLATFORM.iter().filter(|name| is_named(name));
            wrong.extend(named.map(|name| format!("{}:{}: {name}", source.path, number + 1)));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn folders_depend_in_one_direction() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for source in sources(&["src"]) {
        let folder = source.folder();
        if matches!(folder, "lib" | "bin") {
            continue;
        }
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == folder) else {
            wrong.push(format!("{}: the folder {folder} is not in the design", source.path));
            continue;
        };
        for used in source.uses() {
            let used = used.split("::").next().unwrap_or_default();
            let is_folder = ARROWS.iter().any(|(name, _)| *name == used);
            seen += 1;
            if is_folder && used != folder && !allowed.contains(&used) {
                wrong.push(format!("{}: {folder} -> {used}", source.path));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert!(seen > 100, "only {seen} uses were understood");
}

/// A path belongs to the file of the longest module that it begins with; a name that a `mod.rs` re-exports belongs to the
/// file that it comes from.
#[test]
fn files_have_no_cycles() {
    let sources = sources(&["src"]);
    let modules: BTreeSet<String> = sources.iter().map(Source::module).collect();
    let exports: BTreeMap<String, String> = sources.iter().flat_map(Source::exports).collect();
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources.iter().filter(|source| !matches!(source.folder(), "lib" | "bin")) {
        let module = source.module();
        let flat = source.flat();
        let mut uses = source.uses();
        // A mod.rs names its children by their bare names.
        for child in modules.iter().filter_map(|other| other.strip_prefix(&format!("{module}::"))) {
            let private =
                flat.replace(&format!("pub use {child}::"), "").replace(&format!("pub use self::{child}::"), "");
            let is_bare = |at: usize| !private[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            if !child.contains(':') && private.match_indices(&format!("{child}::")).any(|(at, _)| is_bare(at)) {
                uses.insert(format!("{module}::{child}"));
            }
        }
        let edges = graph.entry(module.clone()).or_default();
        for used in uses {
            let mut path = used.as_str();
            while !modules.contains(path) {
                let target =
                    exports.get(path).map(String::as_str).filter(|target| !target.starts_with(&format!("{path}::")));
                match target.or_else(|| path.rsplit_once("::").map(|(shorter, _)| shorter)) {
                    Some(next) => path = next,
                    None => break,
                }
            }
            if modules.contains(path) && path != module {
                edges.insert(path.to_owned());
            }
        }
    }
    assert_eq!(cycles(&graph), [""; 0]);
}

/// Every cycle's files, each cycle (a strongly connected component) once.
fn cycles(graph: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let reach = |from: &String| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(next) = open.pop() {
            for used in graph.get(next).into_iter().flatten() {
                if seen.insert(used.clone()) {
                    open.push(used);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&String, BTreeSet<String>> = graph.keys().map(|module| (module, reach(module))).collect();
    let mut found = BTreeSet::new();
    for (module, from) in &reached {
        if from.contains(*module) {
            let mutual = from.iter().filter(|other| reached.get(*other).is_some_and(|back| back.contains(*module)));
            found.insert(mutual.cloned().collect::<Vec<_>>().join(" <-> "));
        }
    }
    found.into_iter().collect()
}

#[test]
fn this_file_reads_uses_rightly() {
    for (text, expected) in [
        ("use crate::config::{Form, Limits};", &["config::Form", "config::Limits"][..]),
        (
            "use crate::{\n    config, domain::{Lead, text::clean},\n};",
            &["config", "domain::Lead", "domain::text::clean"],
        ),
        ("let x: crate::delivery::State = crate::intake::y();", &["delivery::State", "intake::y"]),
        ("use super::names;", &["outbox::names"]),
        ("// use crate::pages;", &[]),
        ("#[cfg(test)]\nmod tests {\nuse crate::edge;\n}", &[]),
    ] {
        let source = Source { path: "src/outbox/run.rs".into(), text: text.into() };
        assert_eq!(source.uses().iter().map(String::as_str).collect::<Vec<_>>(), expected, "{text}");
    }
    let graph = [("a", "b"), ("b", "c"), ("c", "b"), ("d", "a")];
    let graph = graph.map(|(from, to)| (from.to_owned(), BTreeSet::from([to.to_owned()])));
    assert_eq!(cycles(&BTreeMap::from(graph)), ["b <-> c"]);
}

/// A cursor's JavaScript exceptions pass through Wasm uncaught and hang the object.
#[test]
fn cursors_are_never_stepped_and_nothing_is_unfinished() {
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
fn files_are_short_and_have_a_header() {
    let mut wrong = Vec::new();
    for source in sources(&["src", "tests"]) {
        let count = source.code().iter().filter(|(_, line)| !line.trim().is_empty()).count();
        if count > LINES {
            wrong.push(format!("{}: {count} lines of code; at most {LINES}", source.path));
        }
        if !source.text.starts_with("//! ") {
            wrong.push(format!("{}: no `//!` header", source.path));
        }
    }
    assert_eq!(wrong, [""; 0]);
}
