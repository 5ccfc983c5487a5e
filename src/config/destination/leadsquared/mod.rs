//! Options of a LeadSquared destination: where the account lives, and whether a lead or a user is made.
//!
//! An account lives in one region and every region has its own host; a call to another one is answered 401
//! (<https://apidocs.leadsquared.com/authentication/>), so there is no default region: a guess would look like a
//! wrong key. Fields are named by their schema names (`mx_City`), never by their display names.

pub mod user;

mod time_zones;

#[cfg(test)]
mod tests;

use crate::domain::settings::Reader;
use crate::domain::{Kind, Template, TypedField};

pub use user::UserOptions;

/// Secrets, without the destination's name in front.
pub const SECRETS: &[&str] = &["ACCESS_KEY", "SECRET_KEY"];

/// The word of the key `region` and the API host that it stands for.
pub const REGIONS: &[(&str, &str)] = &[
    ("singapore", "api.leadsquared.com"),
    ("us", "api-us11.leadsquared.com"),
    ("india-mumbai", "api-in21.leadsquared.com"),
    ("india-hyderabad", "api-in22.leadsquared.com"),
    ("ireland", "api-ir31.leadsquared.com"),
    ("canada", "api-ca12.leadsquared.com"),
];

/// The attributes that every lead fills by itself when it has them.
pub const BUILT_IN: &[&str] =
    &["FirstName", "LastName", "EmailAddress", "Phone", "Company", "JobTitle", "Website", "Source"];

/// The kinds of custom fields; LeadSquared takes all of them as text.
const KINDS: &[(&str, Kind)] = Kind::COMMON;

/// Options of a LeadSquared destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The API host of the account's region, without scheme.
    pub host: String,
    /// What is made.
    pub record: Record,
}

/// What is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A lead, captured.
    Lead(LeadOptions),
    /// A user: a login, so only behind a form with `access = "token"`.
    User(Box<UserOptions>),
}

/// How a lead is captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadOptions {
    /// The attribute that finds an existing lead; `None`: LeadSquared looks by `ProspectID`, then email, then phone.
    pub search_by: Option<String>,
    /// What an existing lead keeps; `None`: every attribute that is sent replaces what was there.
    pub update_behavior: Option<&'static str>,
    /// What goes into `Source`.
    pub source: Template,
    /// The attribute that takes the note.
    pub note_attribute: String,
    /// The CRM's own fields.
    pub fields: Vec<TypedField>,
}

/// Reads the keys of a LeadSquared destination.
pub fn read(reader: &mut Reader<'_>) -> Option<Options> {
    type Read = fn(&mut Reader<'_>) -> Option<Record>;
    const RECORDS: &[(&str, Read)] = &[
        ("lead", |r| lead(r).map(Record::Lead)),
        ("user", |r| user::read(r).map(|options| Record::User(Box::new(options)))),
    ];
    let host = host(reader);
    let record = match reader.raw("record") {
        None => lead(reader).map(Record::Lead),
        Some(_) => reader.choice("record", RECORDS).and_then(|read| read(reader)),
    };
    Some(Options { host: host?, record: record? })
}

fn host(reader: &mut Reader<'_>) -> Option<String> {
    match (reader.raw("region"), reader.raw("host")) {
        (Some(_), Some(_)) => {
            reader.error("host", "stands beside region; keep the one that says where the account lives");
            None
        }
        (Some(_), None) => reader.choice("region", REGIONS).map(str::to_owned),
        (None, Some(value)) => {
            let host = reader.text("host")?.to_ascii_lowercase();
            if !is_host(&host) {
                reader.wrong("host", value, "a host name alone, as in \"api-in21.leadsquared.com\"");
                return None;
            }
            Some(host)
        }
        (None, None) => {
            let regions: Vec<_> = REGIONS.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            let message = format!("is missing; it takes one of {}, or set host instead", regions.join(", "));
            reader.error("region", message);
            None
        }
    }
}

/// Letters, digits, dots and hyphens, with a dot inside: no scheme, no port, no path.
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    host.contains('.') && host.split('.').all(label)
}

fn lead(reader: &mut Reader<'_>) -> Option<LeadOptions> {
    let search_by = reader.text("search_by");
    let update_behavior = reader.choice(
        "update_behavior",
        &[
            ("DoNotUpdate", "DoNotUpdate"),
            ("UpdateOnlyEmptyFields", "UpdateOnlyEmptyFields"),
            ("DoNotUpdateUniqueFields", "DoNotUpdateUniqueFields"),
        ],
    );
    let source = reader.template_or("source", "{source|website}");
    let note_attribute = reader.text("note_attribute").unwrap_or_else(|| "Notes".to_owned());
    if !is_schema_name(&note_attribute) || BUILT_IN.contains(&note_attribute.as_str()) {
        reader.error("note_attribute", format!("found \"{note_attribute}\"; it takes the schema name of a text field that nothing else fills, as in \"Notes\" or \"mx_Message\""));
    }
    let fields = reader.typed_fields("fields", KINDS);
    check_fields(reader, &fields, &note_attribute);
    if let Some(name) = &search_by {
        check_search_by(reader, name, &fields);
    }
    Some(LeadOptions { search_by, update_behavior, source: source?, note_attribute, fields })
}

fn check_fields(reader: &mut Reader<'_>, fields: &[TypedField], note_attribute: &str) {
    for field in fields {
        let key = format!("fields.{}", field.name);
        if field.name == "SearchBy" {
            reader.error(&key, "is no field of a lead; use the key search_by");
        } else if field.name == note_attribute {
            reader.error(&key, "already takes the note; name another field in note_attribute");
        } else if !is_schema_name(&field.name) {
            reader.error(&key, "is no schema name; those look like \"mx_City\" or \"JobTitle\" (not the display name)");
        }
    }
}

/// A key that no lead ever carries would silently find nothing.
fn check_search_by(reader: &mut Reader<'_>, name: &str, fields: &[TypedField]) {
    if matches!(name, "EmailAddress" | "Phone") {
        return;
    }
    if name != "ProspectID" && !(name.starts_with("mx_") && is_schema_name(name)) {
        let message = format!("found \"{name}\"; it takes EmailAddress, Phone, ProspectID or a custom field (mx_…)");
        reader.error("search_by", message);
    } else if !fields.iter().any(|field| field.name == name) {
        reader.error("search_by", format!("names {name}, which no lead has; fill it in fields.{name}"));
    }
}

/// `mx_` and more, or one of the vendor's own names: a capital letter, then letters and digits.
fn is_schema_name(name: &str) -> bool {
    match name.strip_prefix("mx_") {
        Some(rest) => !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'),
        None => name.starts_with(|c: char| c.is_ascii_uppercase()) && name.bytes().all(|b| b.is_ascii_alphanumeric()),
    }
}
