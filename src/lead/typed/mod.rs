//! Typed values for the CRM's own fields (skeleton).

use crate::config::TypedField;

use super::Lead;

/// A value as a CRM takes it.
#[derive(Debug, Clone, PartialEq)]
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

/// A text that is not of the type that the CRM wants; it belongs in the note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// The CRM's field.
    pub name: String,
    /// What the visitor wrote.
    pub text: String,
}

/// What `field` holds for this lead: `Ok(None)` when it renders to nothing.
pub fn typed(_field: &TypedField, _lead: &Lead) -> Result<Option<Value>, Unfit> {
    Ok(None)
}
