//! Fields and Submission: what the visitor sent, in order, and when and from where.

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
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in &self.0 {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    /// Adds a pair at the end.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
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
        assert_eq!(fields.first("c"), None);
    }
}
