//! `wrangler.toml` as a tree in which every key knows its line.

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value of the file.
#[derive(Debug)]
pub struct Node {
    /// The line of its key, from 1.
    pub line: usize,
    /// What Cloudflare makes of it.
    pub json: Value,
    /// The members of a table, in the order of the file; of an array, its items as `[0]`, `[1]`, …
    pub members: Vec<(String, Node)>,
}

/// Why the file is not TOML.
#[derive(Debug)]
pub struct SyntaxError {
    /// Where, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

impl Node {
    /// Parses a whole file.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let lines = Lines::of(text);
        match DeTable::parse(text) {
            Ok(root) => Ok(table(root.get_ref(), 1, &lines)),
            Err(error) => Err(SyntaxError {
                line: error.span().map_or(1, |span| lines.at(span.start)),
                message: error.message().lines().collect::<Vec<_>>().join(", "),
            }),
        }
    }

    /// The member of this name.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.members.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The line of a dotted key (`map.phone`), or of the deepest part of it that is there: a missing key is reported
    /// where its table begins. A key of the operator's own may have dots in it.
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
            // Larger than any number that a key takes: shown as it is, and refused.
            |_| number.to_string().into(),
            Value::from,
        )),
        DeValue::Float(number) => leaf(number.as_str().parse::<f64>().map_or(Value::Null, Value::from)),
        DeValue::Datetime(time) => leaf(time.to_string().into()),
    }
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
    fn what_is_not_toml_has_a_line_too() {
        let error = Node::parse("a = 1\nb = [\nc = 2\n").unwrap_err();
        assert_eq!(error.line, 3);
        assert!(!error.message.is_empty());
    }
}
