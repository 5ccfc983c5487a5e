//! Fields and Submission: what the visitor sent, in order, and when and from where.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher as _};

use serde::{Deserialize, Serialize};

/// What the visitor sent: ordered name/value pairs; names may repeat.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// The first filled value of this name. A value of white space only counts as empty.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).find(|value| !value.trim().is_empty())
    }

    /// Every value of this name, in order.
    pub fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The names, each once, in the order of their first appearance.
    pub fn names(&self) -> Vec<&str> {
        self.by_name().into_iter().map(|(name, _)| name).collect()
    }

    /// Every name once, in the order of its first appearance, with all of its values. What goes through all names goes
    /// through this: asking [`Self::all`] for each compares every name with every other, and a stranger chooses them.
    pub fn by_name(&self) -> Vec<(&str, Vec<&str>)> {
        let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
        let mut places: BTreeMap<NameKey<'_>, usize> = BTreeMap::new();
        for (name, value) in &self.0 {
            let place = *places.entry(NameKey::of(name)).or_insert(groups.len());
            match groups.get_mut(place) {
                Some((_, values)) => values.push(value),
                None => groups.push((name, vec![value])),
            }
        }
        groups
    }

    /// Whether none is filled.
    pub fn is_blank(&self) -> bool {
        self.0.iter().all(|(_, value)| value.trim().is_empty())
    }

    /// Adds a pair at the end.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }
}

/// A form field and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filled<'a> {
    /// Its name in the form.
    pub field: &'a str,
    /// Its value; may be blank.
    pub value: &'a str,
}

/// What a stranger's name is looked up by. Its digest comes first: names that are a kilobyte long and differ in their last
/// letter would otherwise be compared from end to end, and Wasm does that byte by byte. (A table of hashes has the same
/// weakness: without randomness its places can be chosen.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NameKey<'a>(u64, &'a str);

impl<'a> NameKey<'a> {
    /// The key of a name.
    pub fn of(name: &'a str) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(name.as_bytes());
        Self(hasher.finish(), name)
    }
}

/// One message of one visitor for one form. It never changes once it is stored; this is the stored format, pinned by a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// `UUIDv7`: sorts by time.
    pub id: String,
    /// The form's name.
    pub form: String,
    /// When it came in, milliseconds since 1970, UTC.
    pub received_at: i64,
    /// The data fields, control fields left out.
    pub fields: Fields,
    /// The page that the form stands on, as the browser said (`Referer`), without its query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// The country of the visitor's network, two letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The visitor's first language (`ko-KR`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The control fields that asked for what a page may not decide, by name: for the operator.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row that an older version stored must still be read, so neither text may change.
    #[test]
    fn the_stored_format_stays_as_it_is() {
        let minimal = Submission {
            id: "0192a0d4-0000-7000-8000-000000000000".into(),
            form: "contact".into(),
            received_at: 1_713_251_897_516,
            fields: Fields::default(),
            page: None,
            country: None,
            locale: None,
            ignored: Vec::new(),
        };
        let mut full = minimal.clone();
        full.fields.push("이름", "홍길동");
        full.fields.push("topic", "a");
        full.fields.push("topic", "\"b\"\n");
        full.page = Some("https://www.example.com/contact".into());
        full.country = Some("KR".into());
        full.locale = Some("ko-KR".into());
        let mut noted = minimal.clone();
        noted.ignored = vec!["_webhook".into(), "_next".into()];
        for (submission, stored) in [
            (
                minimal,
                r#"{"id":"0192a0d4-0000-7000-8000-000000000000","form":"contact","received_at":1713251897516,"fields":[]}"#,
            ),
            (
                full,
                r#"{"id":"0192a0d4-0000-7000-8000-000000000000","form":"contact","received_at":1713251897516,"fields":[["이름","홍길동"],["topic","a"],["topic","\"b\"\n"]],"page":"https://www.example.com/contact","country":"KR","locale":"ko-KR"}"#,
            ),
            (
                noted,
                r#"{"id":"0192a0d4-0000-7000-8000-000000000000","form":"contact","received_at":1713251897516,"fields":[],"ignored":["_webhook","_next"]}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&submission).unwrap(), stored);
            assert_eq!(serde_json::from_str::<Submission>(stored).unwrap(), submission);
        }
    }

    #[test]
    fn names_repeat_and_blank_values_are_not_first() {
        let mut fields = Fields::default();
        for (name, value) in [("a", " "), ("b", "1"), ("a", "0"), ("a", "2")] {
            fields.push(name, value);
        }
        assert_eq!(fields.first("a"), Some("0"));
        assert_eq!(fields.all("a").collect::<Vec<_>>(), [" ", "0", "2"]);
        assert_eq!(fields.names(), ["a", "b"]);
        assert_eq!(fields.by_name(), [("a", vec![" ", "0", "2"]), ("b", vec!["1"])]);
        assert_eq!(fields.first("c"), None);
    }
}
