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
        let body = call.json();
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

/// What a lead keeps when it goes without everything optional: what it is found by, or else its name.
pub(super) fn kept(has: impl Fn(&str) -> bool) -> &'static [&'static str] {
    const KEPT: [&[&str]; 3] = [&["EmailAddress"], &["Phone"], &["FirstName", "LastName"]];
    KEPT.into_iter().find(|names| names.iter().any(|name| has(name))).unwrap_or_default()
}

/// Whether a lead of this account goes without an attribute; `kept` as above.
pub(super) fn is_left_out(name: &str, options: &LeadOptions, progress: &Progress, kept: &[&str]) -> bool {
    let own = || options.fields.iter().any(|field| field.name == name);
    progress.is_left_out(name)
        || (progress.is_left_out(OWN_FIELDS) && !IDENTITY.contains(&name) && own())
        || (progress.is_bare() && !kept.contains(&name))
}

/// LeadSquared says no to `call`: the verdict is to go on without something, or the refusal itself.
pub(super) fn met(options: &LeadOptions, call: &Call, trouble: Trouble) -> Verdict {
    let sent = Sent::of(call);
    left_out::met(left_out(options, &sent, &trouble), trouble)
}

fn left_out<'a>(options: &LeadOptions, sent: &'a Sent, trouble: &Trouble) -> Vec<&'a str> {
    let words = trouble.detail.as_str();
    // What is missing does not come by leaving out more.
    if trouble.why != Why::Invalid || words.contains("MXMandatoryAttributeMissing") {
        return Vec::new();
    }
    if words.contains("MXXSS") && sent.has_markup() {
        return vec![MARKUP];
    }
    let note = if sent.has(NOTES) { NOTES } else { options.note_attribute.as_str() };
    let about_note = || {
        let helps = [(sent.has_markup(), MARKUP), (sent.has_long_note(note), LONG_NOTE)];
        helps.into_iter().filter(|(helps, _)| *helps).map(|(_, what)| what).collect()
    };
    // (1) What the message names. A custom field's name is never the visitor's word, so it goes first.
    let custom = || left_out::named(words, sent.names().filter(|name| name.starts_with("mx_")));
    if let Some(name) = custom().or_else(|| left_out::named(words, sent.names())) {
        return if name == NOTES { about_note() } else { sent.can_spare(name).then_some(name).into_iter().collect() };
    }
    // (2) The operator's own fields.
    let own = |name: &str| options.fields.iter().any(|field| field.name == name) && !IDENTITY.contains(&name);
    if sent.names().any(own) {
        return vec![OWN_FIELDS];
    }
    // (3) Everything but the note and what the lead is known by.
    let kept = kept(|name| sent.has(name));
    let spare = |name: &str| name != note && !kept.contains(&name);
    if sent.names().any(spare) {
        return vec![EVERYTHING];
    }
    // (4) The texts themselves.
    about_note()
}
