//! Options of a webhook destination.

use crate::domain::Address;
use crate::domain::settings::Reader;
use crate::domain::{Kind, TypedField};

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
    let fields = reader.typed_fields("fields", Kind::COMMON);
    let url = reader.required_text("url", "the https address to post to")?;
    // The address is not shown: whoever knows a webhook's path may post to it.
    let wrong = match Address::parse(&url) {
        Err(error) => Some(format!("the address {error}; it takes one as in \"https://hooks.example.com/leads\"")),
        Ok(address) if address.scheme == "http" && !address.is_loopback() => {
            Some("the address is http; it takes https (http only for this machine)".to_owned())
        }
        Ok(address) if address.rest.contains('#') => Some("the address has a # part, which is never sent".to_owned()),
        Ok(_) => None,
    };
    match wrong {
        Some(message) => {
            reader.error("url", message);
            None
        }
        None => Some(Options { url, fields }),
    }
}
