//! As much of Markdown as the pages use: headings, fenced blocks, tables, code spans, links.

use std::fs;

use fakes::workerd::root;

/// A page of the documentation.
pub(super) struct Page {
    /// Its path from the top of the repository.
    pub(super) name: &'static str,
    text: String,
}

/// A line, and whether it stands inside a fenced block.
type Line<'a> = (&'a str, bool);

impl Page {
    pub(super) fn read(name: &'static str) -> Self {
        let text = fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { name, text }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let mut inside = false;
        self.text.lines().map(move |line| {
            let fence = line.starts_with("```");
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

    /// The tables below a heading, down to the next heading: each a list of rows, the first its header.
    pub(super) fn tables(&self, heading: &str) -> Vec<Vec<Vec<String>>> {
        let below = self.lines().skip_while(|(line, _)| *line != heading).skip(1);
        let section: Vec<_> = below.take_while(|(line, code)| *code || !line.starts_with('#')).collect();
        let mut tables: Vec<Vec<Vec<String>>> = Vec::new();
        let mut in_table = false;
        for (line, code) in section {
            let row = !code && line.starts_with('|');
            if row && !in_table {
                tables.push(Vec::new());
            }
            in_table = row;
            if let Some(table) = tables.last_mut().filter(|_| row && !line.starts_with("|---")) {
                table.push(cells(line));
            }
        }
        tables
    }

    /// The rows, without the header, of the table below `heading` whose first column is called `column`.
    pub(super) fn rows(&self, heading: &str, column: &str) -> Vec<Vec<String>> {
        let table = self.tables(heading).into_iter().find(|table| table[0][0] == column);
        table.unwrap_or_else(|| panic!("{}: no table of {column} below {heading}", self.name)).split_off(1)
    }

    /// The first code span of each row's first cell.
    pub(super) fn names(&self, heading: &str, column: &str) -> Vec<String> {
        self.rows(heading, column).iter().map(|row| codes(&row[0]).remove(0)).collect()
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

/// The code spans of a cell.
pub(super) fn codes(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The anchor that a heading gets.
pub(super) fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}
