//! Fields and Submission: the visitor's input in order, with its time and origin.

use std::hash::{DefaultHasher, Hasher as _};

use serde::{Deserialize, Serialize};

use crate::domain::sorted::Map;

/// Ordered name/value pairs from the visitor; names may repeat.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// The first filled value of this name. White space alone counts as empty.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).find(|value| !value.trim().is_empty())
    }

    /// Every value of this name, in order.
    pub fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The distinct names, in order of first appearance.
    pub fn names(&self) -> Vec<&str> {
        self.by_name().into_iter().map(|(name, _)| name).collect()
    }

    /// Every distinct name with all its values, in order of first appearance. Use it to visit all names: calling
    /// [`Self::all`] for each would take quadratic time, and a stranger chooses the names.
    pub fn by_name(&self) -> Vec<(&str, Vec<&str>)> {
        let values = |places: Vec<usize>| places.into_iter().map(|place| self.0[place].1.as_str()).collect();
        self.places_by_name().into_iter().map(|(name, places)| (name, values(places))).collect()
    }

    /// Every distinct name with the places of its values, in order of first appearance.
    pub fn places_by_name(&self) -> Vec<(&str, Vec<usize>)> {
        let mut groups: Vec<(&str, Vec<usize>)> = Vec::new();
        let mut known: Map<NameKey<'_>, usize> = Map::new();
        for (place, (name, _)) in self.0.iter().enumerate() {
            let group = *known.or_insert_with(NameKey::of(name), || groups.len());
            match groups.get_mut(group) {
                Some((_, places)) => places.push(place),
                None => groups.push((name, vec![place])),
            }
        }
        groups
    }

    /// Whether every value is blank.
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

/// A lookup key for a name that a stranger chose. The hash is compared first, so that thousands of long names with a common
/// beginning stay cheap. For ordered maps only: without randomness, an attacker can make the keys of a hash table collide.
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

/// One visitor's message to one form. Immutable once stored; a test pins the stored format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// `UUIDv7`: sorts by time.
    pub id: String,
    /// The form's name.
    pub form: String,
    /// When it arrived, milliseconds since 1970, UTC.
    pub received_at: i64,
    /// The data fields, without control fields.
    pub fields: Fields,
    /// The page with the form, as the browser sent it (`Referer`), without its query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// The country of the visitor's network, two letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The visitor's first language (`ko-KR`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The names of control fields without effect, because a page may not decide this; shown to the operator.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<String>,
}

/// When the submission with this id arrived, milliseconds since 1970: a `UUIDv7` begins with 48 bits of time. `None` for
/// any other text.
pub fn received_at(id: &str) -> Option<i64> {
    let (high, low) = (id.get(..8)?, id.get(9..13)?);
    i64::from_str_radix(&format!("{high}{low}"), 16).ok()
}

/// The lower bound of the ids of this moment: it sorts before them and after every earlier id.
pub fn floor(at: i64) -> String {
    let hex = format!("{:012x}", at.clamp(0, (1 << 48) - 1));
    format!("{}-{}", &hex[..8], &hex[8..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_format_is_stable() {
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
    fn names_repeat_and_first_skips_blank_values() {
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

    #[test]
    fn ids_hold_their_time() {
        let id = "01a1fb42-77dd-7bc7-a9a5-8a1361615f93";
        assert_eq!(received_at(id), Some(1_795_216_799_709));
        assert!(floor(1_795_216_799_709).as_str() < id);
        assert!(id < floor(1_795_216_799_710).as_str());
        assert_eq!(floor(-5), "00000000-0000");
        for no_id in ["", "abc", "zzzzzzzz-zzzz", "ééééé-éé"] {
            assert_eq!(received_at(no_id), None);
        }
    }
}
