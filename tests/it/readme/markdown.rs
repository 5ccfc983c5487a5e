//! The Markdown that the pages use: headings, fenced blocks, tables, code spans, links.

use std::fs;

use fakes::workerd::root;

/// A page of the documentation.
pub(super) struct Page {
    /// Its path from the top of the repository.
    pub(super) name: String,
    text: String,
}

impl Page {
    pub(super) fn read(name: &str) -> Self {
        let text = fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { name: name.to_owned(), text }
    }

    /// The pages at the top, those in docs/, and those of the fuzzer and the starter.
    pub(super) fn all() -> Vec<Self> {
        let docs = fs::read_dir(root().join("docs")).expect("docs/").flatten();
        let docs = docs.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "md"));
        let docs = docs.map(|entry| format!("docs/{}", entry.file_name().to_string_lossy()));
        ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "fuzz/README.md", "starter/README.md"]
            .map(str::to_owned)
            .into_iter()
            .chain(docs)
            .map(|name| Self::read(&name))
            .collect()
    }

    /// Each line, and whether it is inside a fenced block.
    fn lines(&self) -> impl Iterator<Item = (&str, bool)> {
        let mut inside = false;
        self.text.lines().map(move |line| {
            let fence = line.trim_start().starts_with("```");
            let code = inside || fence;
            inside ^= fence;
            (line, code)
        })
    }

    /// The fenced blocks of a language, in order.
    pub(super) fn blocks(&self, language: &str) -> Vec<String> {
        let opening = format!("```{language}");
        let mut blocks = Vec::new();
        let mut lines = self.text.lines();
        while lines.by_ref().any(|line| line == opening) {
            let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(block.join("\n"));
        }
        blocks
    }

    /// The headings, as they are written (`## Deploy`).
    pub(super) fn headings(&self) -> Vec<&str> {
        self.lines().filter(|(line, code)| !code && line.starts_with('#')).map(|(line, _)| line).collect()
    }

    /// A heading's part of the page, down to the next heading of its level or above.
    pub(super) fn section(&self, heading: &str) -> Self {
        let level = |line: &str| line.bytes().take_while(|byte| *byte == b'#').count();
        let below = self.lines().skip_while(|(line, _)| *line != heading).skip(1);
        let own = below.take_while(|(line, code)| *code || !(1..=level(heading)).contains(&level(line)));
        let text: Vec<_> = own.map(|(line, _)| line).collect();
        assert!(!text.is_empty(), "{}: nothing below {heading}", self.name);
        Self { name: format!("{}, {heading}", self.name), text: text.join("\n") }
    }

    /// The rows of every table whose first column is called `column`, without the headers.
    pub(super) fn rows(&self, column: &str) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        let mut table = None;
        for (line, code) in self.lines() {
            if code || !line.starts_with('|') {
                table = None;
            } else if let Some(is_wanted) = table {
                if is_wanted && !line.starts_with("|---") {
                    rows.push(cells(line));
                }
            } else {
                table = Some(cells(line)[0] == column);
            }
        }
        assert!(!rows.is_empty(), "{}: no table of {column}", self.name);
        rows
    }

    /// The code spans of each such row's first cell.
    pub(super) fn names(&self, column: &str) -> Vec<String> {
        self.rows(column).iter().flat_map(|row| codes(&row[0])).collect()
    }

    /// All code spans outside fenced blocks.
    pub(super) fn codes(&self) -> Vec<String> {
        self.lines().filter(|(_, code)| !code).flat_map(|(line, _)| codes(line)).collect()
    }

    /// The text between two pieces of it.
    pub(super) fn between(&self, start: &str, end: &str) -> &str {
        let rest = self.text.split_once(start).unwrap_or_else(|| panic!("{}: no {start:?}", self.name)).1;
        rest.split_once(end).unwrap_or_else(|| panic!("{}: no {end:?} after {start:?}", self.name)).0
    }

    /// Where the links lead.
    pub(super) fn links(&self) -> Vec<&str> {
        let prose = self.lines().filter(|(_, code)| !code);
        prose.flat_map(|(line, _)| line.split("](").skip(1)).filter_map(|rest| rest.split(')').next()).collect()
    }
}

fn cells(line: &str) -> Vec<String> {
    let line = line.trim().trim_start_matches('|').trim_end_matches('|').replace("\\|", "\u{1}");
    line.split('|').map(|cell| cell.trim().replace('\u{1}', "|")).collect()
}

/// The code spans of a text.
pub(super) fn codes(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The anchor that a heading gets.
pub(super) fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}
