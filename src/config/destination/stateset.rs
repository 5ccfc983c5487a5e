//! Options of a StateSet destination.

use crate::domain::settings::Reader;
use crate::domain::{Kind, Template, TypedField};

/// Secrets, without the destination's name in front.
pub const SECRETS: &[&str] = &["API_KEY"];

/// The fields of a lead that the vendor's page lets a client write.
pub const WRITABLE: &[&str] = &[
    "firstName",
    "lastName",
    "email",
    "phone",
    "title",
    "department",
    "leadSource",
    "description",
    "mailingStreet",
    "mailingCity",
    "mailingState",
    "mailingCountry",
    "do_not_call",
    "email_opt_out",
];

/// The writable fields that are true or false; the others are texts.
pub const FLAGS: &[&str] = &["do_not_call", "email_opt_out"];

/// The words that StateSet knows for `leadSource`.
pub const LEAD_SOURCES: &[&str] =
    &["website", "referral", "trade_show", "cold_call", "social_media", "partner", "other"];

/// Options of a StateSet destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// `https://api.stateset.com`, or the sandbox.
    pub origin: &'static str,
    /// What goes into `leadSource`; a text that StateSet does not know becomes `other`.
    pub lead_source: Template,
    /// The CRM's own fields.
    pub fields: Vec<TypedField>,
}

/// Reads the keys of a StateSet destination.
pub fn read(reader: &mut Reader<'_>) -> Option<Options> {
    reader.choice("record", &[("lead", ())]);
    let origin = reader
        .choice(
            "environment",
            &[("production", "https://api.stateset.com"), ("sandbox", "https://api.sandbox.stateset.com")],
        )
        .unwrap_or("https://api.stateset.com");
    let lead_source = reader.template_or("lead_source", "{source|website}")?;
    let fields = reader.typed_fields("fields", &[Kind::Text.word(), Kind::Bool.word()]);
    for field in &fields {
        let key = format!("fields.{}", field.name);
        let kind = if FLAGS.contains(&field.name.as_str()) { Kind::Bool } else { Kind::Text };
        if !WRITABLE.contains(&field.name.as_str()) {
            reader.error(&key, format!("StateSet has no such writable field; it has: {}", WRITABLE.join(", ")));
        } else if field.kind != kind {
            reader.error(&key, format!("StateSet takes this field as {}, not as {}", kind.name(), field.kind.name()));
        }
    }
    Some(Options { origin, lead_source, fields })
}
