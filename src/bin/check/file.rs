//! `wrangler.toml` as a tree with the line of every key, and a clear error if it is not TOML.

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value of the file.
#[derive(Debug)]
pub struct Node {
    /// The line of its key, from 1.
    pub line: usize,
    /// The value as the Worker receives it.
    pub json: Value,
    /// The members of a table, in the order of the file; of an array, its items as `[0]`, `[1]`, …
    pub members: Vec<(String, Node)>,
}

impl Node {
    /// Parses a whole file; the error is a line and a message.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        let lines = Lines::of(text);
        let root = DeTable::parse(text).map_err(|error| {
            let span = error.span().unwrap_or_default();
            let line = lines.at(span.start);
            if error.message() == "duplicate key" {
                return (line, duplicate(text, line, text.get(span).unwrap_or_default()));
            }
            match unclosed_list(text, line, span.start >= text.trim_end().len()) {
                Some(line) => (line, format!("the list that begins on line {line} is not closed")),
                None => (line, format!("not valid TOML: {}", error.message().replace('\n', ", "))),
            }
        })?;
        Ok(table(root.get_ref(), 1, &lines))
    }

    /// The member of this name.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.members.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The line of a dotted key (`map.phone`), or of the deepest part of it that exists: a missing key is reported where
    /// its table begins. The operator's own keys may have dots in them.
    pub fn line_of(&self, dotted: &str) -> usize {
        let member = self.members.iter().find_map(|(name, node)| {
            let rest = dotted.strip_prefix(name.as_str())?;
            match rest.as_bytes().first() {
                None => Some((node, "")),
                Some(b'[') => Some((node, rest)),
                Some(_) => rest.strip_prefix('.').map(|rest| (node, rest)),
            }
        });
        match member {
            Some((node, "")) => node.line,
            Some((node, rest)) => node.line_of(rest),
            None => self.line,
        }
    }
}

fn table(table: &DeTable<'_>, line: usize, lines: &Lines) -> Node {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let members: Vec<_> = entries
        .into_iter()
        .map(|(key, value)| (key.get_ref().to_string(), node(value, lines.at(key.span().start), lines)))
        .collect();
    let json: Map<String, Value> = members.iter().map(|(key, node)| (key.clone(), node.json.clone())).collect();
    Node { line, json: json.into(), members }
}

fn node(value: &Spanned<DeValue<'_>>, line: usize, lines: &Lines) -> Node {
    let leaf = |json: Value| Node { line, json, members: Vec::new() };
    match value.get_ref() {
        DeValue::Table(inner) => table(inner, line, lines),
        DeValue::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| node(item, lines.at(item.span().start), lines)).collect();
            let json = items.iter().map(|item| item.json.clone()).collect();
            let members = items.into_iter().enumerate().map(|(at, item)| (format!("[{at}]"), item)).collect();
            Node { line, json, members }
        }
        DeValue::String(text) => leaf(text.to_string().into()),
        DeValue::Boolean(flag) => leaf((*flag).into()),
        DeValue::Integer(number) => leaf(i64::from_str_radix(number.as_str(), number.radix()).map_or_else(
            // Too large for any key: the error shows it as written.
            |_| number.to_string().into(),
            Value::from,
        )),
        DeValue::Float(number) => leaf(number.as_str().parse::<f64>().map_or(Value::Null, Value::from)),
        DeValue::Datetime(time) => leaf(time.to_string().into()),
    }
}

/// Says where the table or key on this line was defined before.
fn duplicate(text: &str, line: usize, key: &str) -> String {
    let before: Vec<&str> = text.lines().take(line - 1).map(str::trim_start).collect();
    let shown = text.lines().nth(line - 1).unwrap_or_default().trim_start();
    let header = shown.rfind(']').filter(|_| shown.starts_with('[')).map(|end| &shown[..=end]);
    let (name, first) = if let Some(header) = header {
        (header.to_owned(), before.iter().position(|line| line.starts_with(header)))
    } else {
        let is_set = |line: &str| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='));
        let table = before.iter().rposition(|line| line.starts_with('[')).map_or(0, |at| at + 1);
        let first = before[table..].iter().position(|line| is_set(line));
        (format!("the key \"{key}\""), first.map(|at| table + at))
    };
    let first = first.map(|at| format!(" (first on line {})", at + 1)).unwrap_or_default();
    format!("{name} is defined twice{first}")
}

/// The line of a list that is still open where an error is reported: at the next key or table, or at the end.
fn unclosed_list(text: &str, error: usize, is_end: bool) -> Option<usize> {
    let lines: Vec<&str> = text.lines().take(error).map(|line| line.split(" #").next().unwrap_or_default()).collect();
    let shown = lines.last()?.trim_start();
    let is_key = shown.split_once('=').is_some_and(|(key, _)| !key.contains([',', '{', ']']));
    if !(is_key || is_end || shown.starts_with('[')) {
        return None;
    }
    let before = &lines[..if is_end { error } else { error - 1 }];
    let opens = |line: &&str| line.contains('=') && line.matches('[').count() > line.matches(']').count();
    let first = before.iter().rposition(opens)?;
    let is_closed = before[first + 1..].iter().any(|line| line.trim_start().starts_with(']'));
    (!is_closed).then_some(first + 1)
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    fn at(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str = r#"# a comment
name = "x"
[vars.FORM_A]
destinations = [
  "crm",
]
map.phone = "tel"
map.source = { value = "website" }
[vars.DESTINATION_CRM]
limit = 0x10
[vars.DESTINATION_CRM.fields]
"a.b" = { text = "{x}" }

[[vars.DESTINATION_CRM.groups]]
GroupId = "a"
[[vars.DESTINATION_CRM.groups]]
GroupId = "b"
"#;

    #[test]
    fn every_key_knows_its_line() {
        let root = Node::parse(TEXT).unwrap();
        for (key, line) in [
            ("name", 2),
            ("vars.FORM_A", 3),
            ("vars.FORM_A.destinations", 4),
            ("vars.FORM_A.map.phone", 7),
            ("vars.FORM_A.map.source", 8),
            ("vars.FORM_A.map.source.value", 8),
            ("vars.FORM_A.map.email", 7),
            ("vars.FORM_A.access", 3),
            ("vars.DESTINATION_CRM", 9),
            ("vars.DESTINATION_CRM.fields", 11),
            ("vars.DESTINATION_CRM.fields.a.b", 12),
            ("vars.DESTINATION_CRM.fields.a.b.text", 12),
            ("vars.DESTINATION_CRM.groups[0].GroupId", 15),
            ("vars.DESTINATION_CRM.groups[1].GroupId", 17),
            ("vars.DESTINATION_CRM.groups[1].Rights", 16),
            ("nothing", 1),
        ] {
            assert_eq!(root.line_of(key), line, "{key}");
        }
    }

    #[test]
    fn values_become_the_json_that_cloudflare_makes_of_them() {
        let root = Node::parse(TEXT).unwrap();
        assert_eq!(
            root.get("vars").unwrap().json,
            json!({
                "FORM_A": { "destinations": ["crm"], "map": { "phone": "tel", "source": { "value": "website" } } },
                "DESTINATION_CRM": {
                    "limit": 16,
                    "fields": { "a.b": { "text": "{x}" } },
                    "groups": [{ "GroupId": "a" }, { "GroupId": "b" }],
                },
            })
        );
        let root = Node::parse("a = 1.5\nb = true\nc = 2024-04-16\nd = 99999999999999999999").unwrap();
        assert_eq!(root.json, json!({ "a": 1.5, "b": true, "c": "2024-04-16", "d": "99999999999999999999" }));
    }

    #[test]
    fn a_syntax_error_has_its_line_and_its_cause() {
        for (text, line, message) in [
            ("a = 1\nb = [\nc = 2\n", 2, "the list that begins on line 2 is not closed"),
            ("[x]\na = [\"b\" # ]\n[y]\n", 2, "the list that begins on line 2 is not closed"),
            ("a = [\n  \"b\",\n[x]\nb = 1\n", 1, "the list that begins on line 1 is not closed"),
            ("x = [\n 1\n]\ny = 1 2\n", 4, "not valid TOML: string values must be quoted, expected literal string"),
            ("a = [1,\n", 1, "the list that begins on line 1 is not closed"),
            ("[a.b]\nx = 1\n[c]\n[a.b] # again\n", 4, "[a.b] is defined twice (first on line 1)"),
            ("[a]\nx = 1\n[b]\nx = 1\nxy = 1\nx = 2\n", 6, "the key \"x\" is defined twice (first on line 4)"),
            ("[a]\nb.c = 1\n[a.b]\n", 3, "[a.b] is defined twice"),
            ("[vars\n", 1, "not valid TOML: unclosed table, expected `]`"),
            ("a = [\n  \"x\"\n  \"y\"\n]\n", 3, "not valid TOML: missing comma between array elements, expected `,`"),
        ] {
            let error = Node::parse(text).unwrap_err();
            assert_eq!(error, (line, message.to_owned()), "{text}");
        }
    }
}
