//! Typed values for a vendor's own fields: a rendered template becomes a number, a date or a list.
//!
//! An ambiguous text is a type mismatch and goes to the note as written. A wrong amount or date in the CRM is worse than none.

mod number;
mod time;

pub use number::number;

pub use super::text::yes_or_no;

use serde::Serialize;

use super::lead::Lead;
use super::template::{Template, render_values};

/// The type of a value in a vendor's field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A number; thousands separators and a currency sign are tolerated.
    Number,
    /// True or false; `on`, `yes`, `1`, `예` are true.
    Bool,
    /// A day.
    Date,
    /// A moment.
    DateTime,
    /// Several texts: the values of a repeated field.
    List,
    /// The id of another record.
    Id,
    /// Ids of other records.
    Ids,
}

impl Kind {
    /// The kinds that most vendors know, each with its word in the config.
    pub const COMMON: &'static [(&'static str, Kind)] = &[
        Kind::Text.word(),
        Kind::Number.word(),
        Kind::Bool.word(),
        Kind::Date.word(),
        Kind::DateTime.word(),
        Kind::List.word(),
    ];

    /// The name of this kind.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Number => "number",
            Kind::Bool => "bool",
            Kind::Date => "date",
            Kind::DateTime => "datetime",
            Kind::List => "list",
            Kind::Id => "id",
            Kind::Ids => "ids",
        }
    }

    /// This kind with its name, for a connector's list of config words.
    pub const fn word(self) -> (&'static str, Kind) {
        (self.name(), self)
    }
}

/// A vendor's own field and the template that fills it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedField {
    /// The field's name or id, exactly as the vendor spells it.
    pub name: String,
    /// The type of its value.
    pub kind: Kind,
    /// The connector's config word for the type: the kind's name, or a word of the vendor's such as `users`.
    pub word: &'static str,
    /// What fills it.
    pub template: Template,
}

impl TypedField {
    /// A field whose config word is the name of its kind.
    pub fn new(name: &str, kind: Kind, template: Template) -> Self {
        Self { name: name.to_owned(), kind, word: kind.name(), template }
    }
}

/// A typed value. As JSON it is a text, a number, a flag or a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Text, or the single id of a relation.
    Text(String),
    /// A number, in the shortest decimal form.
    Number(serde_json::Number),
    /// True or false.
    Bool(bool),
    /// `YYYY-MM-DD`.
    Date(String),
    /// RFC 3339, UTC, milliseconds: `2024-04-16T07:18:17.516Z`.
    DateTime(String),
    /// Several texts, or the ids of a relation.
    List(Vec<String>),
}

/// A text that is not of the field's type; it belongs in the note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeMismatch {
    /// The vendor's field.
    pub name: String,
    /// What the visitor wrote.
    pub text: String,
}

/// The value of `field` for this lead; `Ok(None)` when its template renders to nothing.
pub fn typed(field: &TypedField, lead: &Lead) -> Result<Option<Value>, TypeMismatch> {
    let values = render_values(&field.template, lead);
    let text = values.join(", ");
    if text.is_empty() {
        return Ok(None);
    }
    let value = match field.kind {
        Kind::Text | Kind::Id => Some(Value::Text(text.clone())),
        Kind::Number => number(&text).map(Value::Number),
        // The last value counts: some frameworks put a hidden `0` before a checkbox, so that an unticked one sends something.
        Kind::Bool => values.last().and_then(|last| yes_or_no(last)).map(Value::Bool),
        Kind::Date => time::date(&text).map(Value::Date),
        Kind::DateTime => time::date_time(&text).map(Value::DateTime),
        Kind::List => Some(Value::List(values)),
        // Repeated or comma-separated: an id never holds a comma, while a text may (`Seoul, Korea`).
        Kind::Ids => {
            let ids = values.iter().flat_map(|value| value.split(',')).map(str::trim).filter(|id| !id.is_empty());
            let ids: Vec<String> = ids.map(str::to_owned).collect();
            (!ids.is_empty()).then_some(Value::List(ids))
        }
    };
    value.map(Some).ok_or_else(|| TypeMismatch { name: field.name.clone(), text })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::lead::tests::unmapped_lead;

    fn field(kind: Kind, template: &str) -> TypedField {
        TypedField::new("예산", kind, Template::parse(template).unwrap())
    }

    fn texts(values: &[&str]) -> Value {
        Value::List(values.iter().map(|value| (*value).to_owned()).collect())
    }

    #[test]
    fn values_fit_their_kind_or_mismatch() {
        let mismatch = |text: &str| Err(TypeMismatch { name: "예산".into(), text: text.into() });
        let day = Value::Date("2024-04-16".into());
        let moment = Value::DateTime("2024-04-16T07:18:17.516Z".into());
        let one = Value::Text("a, b".into());
        for (kind, values, expected) in [
            (Kind::Text, &["a", " ", "b "][..], Ok(Some(one.clone()))),
            (Kind::Text, &["0"], Ok(Some(Value::Text("0".into())))),
            (Kind::Text, &[" "], Ok(None)),
            (Kind::Number, &["₩1,200,000"], Ok(Some(Value::Number(1_200_000.into())))),
            (Kind::Number, &["1", "2"], mismatch("1, 2")),
            (Kind::Number, &["about 300"], mismatch("about 300")),
            (Kind::Number, &[], Ok(None)),
            (Kind::Bool, &["on"], Ok(Some(Value::Bool(true)))),
            (Kind::Bool, &["아니오"], Ok(Some(Value::Bool(false)))),
            (Kind::Bool, &["0", "1"], Ok(Some(Value::Bool(true)))),
            (Kind::Bool, &["perhaps"], mismatch("perhaps")),
            (Kind::Date, &["2024. 4. 16."], Ok(Some(day))),
            (Kind::Date, &["04/05/2024"], mismatch("04/05/2024")),
            (Kind::DateTime, &["2024-04-16T07:18:17.516Z"], Ok(Some(moment))),
            (Kind::DateTime, &["soon"], mismatch("soon")),
            (Kind::List, &["a, b", "c"], Ok(Some(texts(&["a, b", "c"])))),
            (Kind::List, &[" "], Ok(None)),
            (Kind::Ids, &["1, 2", "3"], Ok(Some(texts(&["1", "2", "3"])))),
            (Kind::Ids, &[","], mismatch(",")),
            (Kind::Id, &["a", "b"], Ok(Some(one))),
        ] {
            let pairs: Vec<_> = values.iter().map(|value| ("x", *value)).collect();
            assert_eq!(typed(&field(kind, "{x}"), &unmapped_lead(&pairs)), expected, "{kind:?} {values:?}");
        }
    }

    #[test]
    fn system_words_and_constants_are_typed() {
        let lead = unmapped_lead(&[]);
        let at = Value::DateTime("2024-04-16T07:18:17.516Z".into());
        assert_eq!(typed(&field(Kind::DateTime, "{submitted_at}"), &lead), Ok(Some(at)));
        assert_eq!(typed(&field(Kind::Date, "{submitted_at}"), &lead), Ok(Some(Value::Date("2024-04-16".into()))));
        assert_eq!(typed(&field(Kind::Bool, "true"), &lead), Ok(Some(Value::Bool(true))));
        assert_eq!(typed(&field(Kind::Number, "{x|7}"), &lead), Ok(Some(Value::Number(7.into()))));
        assert_eq!(typed(&field(Kind::List, "web ({x|form})"), &lead), Ok(Some(texts(&["web (form)"]))));
    }

    const KINDS: &[Kind] =
        &[Kind::Text, Kind::Number, Kind::Bool, Kind::Date, Kind::DateTime, Kind::List, Kind::Id, Kind::Ids];

    proptest! {
        #[test]
        fn any_text_gives_a_sound_value_or_a_mismatch(text in "\\PC{0,12}|[-+0-9.,만억원 년월일:TZe/]{0,24}", kind in prop::sample::select(KINDS)) {
            let lead = unmapped_lead(&[("x", &text)]);
            match typed(&field(kind, "{x}"), &lead) {
                Ok(None) => prop_assert!(text.trim().is_empty()),
                Ok(Some(Value::Number(number))) => prop_assert!(number.as_f64().is_some_and(f64::is_finite)),
                Ok(Some(Value::List(list))) => prop_assert!(!list.is_empty()),
                Ok(Some(_)) => {}
                Err(mismatch) => prop_assert_eq!(mismatch.text, text.trim()),
            }
        }
    }
}
