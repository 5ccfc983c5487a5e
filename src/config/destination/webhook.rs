//! Options of a webhook destination.

use crate::config::TypedField;
use crate::config::reader::Reader;

/// Secrets, without the destination's name in front.
pub const SECRETS: &[&str] = &["SIGNING_SECRET"];

/// Options of a webhook destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where the submission is posted.
    pub url: String,
    /// Extra members of the JSON, under `custom`.
    pub fields: Vec<TypedField>,
}

/// Reads the keys of a webhook destination.
pub fn read(reader: &mut Reader<'_>) -> Option<Options> {
    let url = reader.required_text("url", "the https address to post to")?;
    Some(Options { url, fields: Vec::new() })
}
