//! What a lead goes without when LeadSquared refuses it (see [`left_out`](crate::crm::left_out) for the order of steps).
//!
//! The exception's message names the attribute or does not; no list of messages is published. Never left out: the email,
//! the last thing that LeadSquared knows the lead by, and the note. `MXXSSException` is about the spelling of a text, of
//! the visitor's message most of all, so it is met by another spelling before anything is left out.

use serde_json::Value;

use crate::config::destination::leadsquared::LeadOptions;
use crate::crm::left_out::{self, EVERYTHING, LONG_NOTE, MARKUP, OWN_FIELDS};
use crate::crm::{Call, Progress, Trouble, Verdict, Why};

/// The attribute for the note that every account has.
pub(super) const NOTES: &str = "Notes";

/// One of these is what LeadSquared requires of a lead.
pub(super) const IDENTITY: [&str; 4] = ["FirstName", "LastName", "EmailAddress", "Phone"];

/// The attributes that a call sent.
#[derive(Debug)]
pub(super) struct Sent {
    list: Vec<(String, String)>,
    search_by: Option<String>,
}

impl Sent {
    pub(super) fn of(call: &Call) -> Self {
        let body: Option<Value> = call.body.as_deref().and_then(|body| serde_json::from_str(body).ok());
        let pair = |pair: &Value| Some((pair["Attribute"].as_str()?.to_owned(), pair["Value"].as_str()?.to_owned()));
        let pairs = body.as_ref().and_then(Value::as_array).into_iter().flatten().filter_map(pair);
        let (search_by, list): (Vec<_>, Vec<_>) = pairs.partition(|(name, _)| name == "SearchBy");
        Self { list, search_by: search_by.into_iter().next().map(|(_, name)| name) }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|(name, _)| name.as_str())
    }

    pub(super) fn is_found_by(&self, name: &str) -> bool {
        self.search_by.as_deref() == Some(name)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names().any(|sent| sent == name)
    }

    /// Whether the lead is still one without this.
    pub(super) fn can_spare(&self, name: &str) -> bool {
        match name {
            "EmailAddress" | NOTES => false,
            name if IDENTITY.contains(&name) => IDENTITY.iter().any(|other| *other != name && self.has(other)),
            name => self.has(name),
        }
    }

    fn has_markup(&self) -> bool {
        self.list.iter().any(|(name, text)| is_prose(name) && left_out::has_markup(text))
    }

    fn has_long_note(&self, note: &str) -> bool {
        self.list.iter().any(|(name, text)| name == note && left_out::is_long(text))
    }
}

/// Whether an attribute's text may be spelled in another way.
pub(super) fn is_prose(name: &str) -> bool {
    name != "EmailAddress" && name != "Phone" && name != "ProspectID"
}

/// Whether a lead of this account goes without an attribute; `sent` are the names of all that it has.
pub(super) fn is_left_out(name: &str, options: &LeadOptions, progress: &Progress, has_email: bool) -> bool {
    let identity = IDENTITY.contains(&name);
    let own = || options.fields.iter().any(|field| field.name == name);
    progress.is_left_out(name)
        || (progress.is_left_out(OWN_FIELDS) && !identity && own())
        || (progress.is_bare() && if has_email { name != "EmailAddress" } else { !identity })
}

/// LeadSquared says no to `call`: the verdict is to go on without something, or the refusal itself.
pub(super) fn met(options: &LeadOptions, call: &Call, trouble: Trouble) -> Verdict {
    match field(options, &Sent::of(call), &trouble) {
        Some(field) => left_out::go_on([field], &trouble),
        None => Verdict::Refused(trouble),
    }
}

fn field(options: &LeadOptions, sent: &Sent, trouble: &Trouble) -> Option<String> {
    let words = trouble.detail.as_str();
    // What is missing does not come by leaving out more.
    if trouble.why != Why::Invalid || words.contains("MXMandatoryAttributeMissing") {
        return None;
    }
    if words.contains("MXXSS") && sent.has_markup() {
        return Some(MARKUP.to_owned());
    }
    let note = if sent.has(NOTES) { NOTES } else { options.note_attribute.as_str() };
    let about_note = || {
        let markup = sent.has_markup().then_some(MARKUP);
        markup.or_else(|| sent.has_long_note(note).then_some(LONG_NOTE)).map(str::to_owned)
    };
    // (1) What the message names. A custom field's name is never the visitor's word, so it goes first.
    let custom = || left_out::named(words, sent.names().filter(|name| name.starts_with("mx_")));
    if let Some(name) = custom().or_else(|| left_out::named(words, sent.names())) {
        return if name == NOTES { about_note() } else { sent.can_spare(name).then(|| name.to_owned()) };
    }
    // (2) The operator's own fields.
    let own = |name: &str| options.fields.iter().any(|field| field.name == name) && !IDENTITY.contains(&name);
    if sent.names().any(own) {
        return Some(OWN_FIELDS.to_owned());
    }
    // (3) Everything but the note and what the lead is known by.
    let has_email = sent.has("EmailAddress");
    let spare = |name: &str| name != note && if has_email { name != "EmailAddress" } else { !IDENTITY.contains(&name) };
    if sent.names().any(spare) {
        return Some(EVERYTHING.to_owned());
    }
    // (4) The texts themselves.
    about_note()
}
