//! Options (skeleton).
use crate::config::reader::Reader;
/// Secrets, without the destination's name in front.
pub const SECRETS: &[&str] = &["ACCESS_KEY", "SECRET_KEY"];
/// Options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// What is made.
    pub record: Record,
}
/// What is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A lead.
    Lead(()),
    /// A user.
    User(()),
}
/// Reads the keys.
pub fn read(_reader: &mut Reader<'_>) -> Option<Options> {
    Some(Options { record: Record::Lead(()) })
}
