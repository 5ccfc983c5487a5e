//! Options (skeleton).
use crate::config::reader::Reader;
/// Secrets, without the destination's name in front.
pub const SECRETS: &[&str] = &["TOKEN"];
/// Options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {}
/// Reads the keys.
pub fn read(_reader: &mut Reader<'_>) -> Option<Options> {
    Some(Options {})
}
