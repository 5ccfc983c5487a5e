//! The attributes of a captured lead: what goes into which, which one finds an existing lead, and what is left for
//! the note.
//!
//! Addresses and campaign data have no attribute that every account is sure to have, and an unknown one costs the
//! whole lead: they stand in the note until the operator names a field for them (`fields.mx_City = "{city}"`).

use serde_json::json;

use crate::config::destination::leadsquared::LeadOptions;
use crate::crm::Progress;
use crate::crm::left_out::{self, LONG_NOTE, MARKUP};
use crate::domain::LeadField;
use crate::lead::{self, Lead, NameParts, note::Note};

use super::refusal::{IDENTITY, NOTES, is_left_out, is_prose, kept};
use super::value::{self, Days};

/// The fact of a delivery that names the unique attribute that another lead owns.
pub(super) const CONFLICT: &str = "conflict";

/// The attributes that LeadSquared finds a lead by, and takes as unique, in every account.
pub(super) const UNIQUE: [&str; 2] = ["EmailAddress", "Phone"];

const BUILT_IN: [(&str, LeadField); 5] = [
    ("EmailAddress", LeadField::Email),
    ("Phone", LeadField::Phone),
    ("Company", LeadField::Company),
    ("JobTitle", LeadField::JobTitle),
    ("Website", LeadField::Website),
];

/// The attributes of one lead, in the order of the body.
#[derive(Debug)]
pub(super) struct Attributes {
    list: Vec<(String, String)>,
    search_by: Option<String>,
}

impl Attributes {
    /// The attributes of `lead`, without what LeadSquared refused: that goes to the note. So does the unique attribute
    /// that another lead turned out to own, and the lead is found by the other one. When there is no other one, a second
    /// capture of the same visitor was faster: then the lead that owns the attribute is the one to update.
    pub(super) fn of(options: &LeadOptions, lead: &Lead, progress: &Progress) -> Self {
        let mut note = Note::new(lead);
        let mut list = own(options, lead, &mut note);
        let mut all = built_in(lead, &list, &mut note);
        all.append(&mut list);
        if !has(&all, "Source") {
            let source = lead::render::render(&options.source, lead);
            if !source.trim().is_empty() {
                note.used(&options.source);
                note.placed(&[LeadField::Source]);
                all.push(("Source".into(), source));
            }
        }
        let kept = kept(|name| has(&all, name) && !progress.is_left_out(name));
        for (name, text) in all.extract_if(.., |(name, _)| is_left_out(name, options, progress, kept)) {
            note.rejected(&name, &text);
        }
        let mut search_by = options.search_by.clone();
        if let Some(conflict) = progress.fact(CONFLICT) {
            let is_unique = UNIQUE.contains(&conflict);
            let other = UNIQUE.into_iter().find(|name| is_unique && *name != conflict && has(&all, name));
            if other.is_none() && (is_unique || search_by.as_deref() == Some(conflict)) {
                search_by = Some(conflict.to_owned());
            } else {
                for (name, text) in all.extract_if(.., |(name, _)| name == conflict) {
                    note.rejected(&name, &text);
                }
                search_by = other.map(str::to_owned).or(search_by);
            }
        }
        put_note(options, progress, note, &mut all);
        if progress.is_left_out(MARKUP) {
            for (_, text) in all.iter_mut().filter(|(name, _)| is_prose(name)) {
                *text = left_out::plain(text).into_owned();
            }
        }
        // Searching by an attribute that the lead does not have finds nothing; the vendor's own order is better.
        let search_by = search_by.filter(|name| has(&all, name));
        Self { list: all, search_by }
    }

    /// The text of an attribute.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.list.iter().find(|(key, _)| key == name).map(|(_, text)| text.as_str())
    }

    /// Whether LeadSquared takes it at all: it wants a name, an email or a phone.
    pub(super) fn is_complete(&self) -> bool {
        IDENTITY.iter().any(|name| has(&self.list, name))
    }

    /// Whether a second capture would find the lead of the first.
    pub(super) fn is_findable(&self) -> bool {
        self.search_by.is_some() || ["EmailAddress", "Phone", "ProspectID"].iter().any(|name| has(&self.list, name))
    }

    /// The unique attributes that it has, the one that it is found by first.
    pub(super) fn unique(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = UNIQUE.into_iter().filter(|name| has(&self.list, name)).collect();
        names.sort_by_key(|name| self.search_by.as_deref() != Some(name));
        names
    }

    /// The body, `SearchBy` last.
    pub(super) fn body(&self) -> String {
        let search_by = self.search_by.as_deref().map(|name| ("SearchBy", name));
        let pairs = self.list.iter().map(|(name, text)| (name.as_str(), text.as_str())).chain(search_by);
        let list: Vec<_> = pairs.map(|(name, text)| json!({ "Attribute": name, "Value": text })).collect();
        json!(list).to_string()
    }
}

/// The note goes into the operator's attribute for it, or, when LeadSquared refuses that one, into the one that every
/// account has.
fn put_note(options: &LeadOptions, progress: &Progress, mut note: Note<'_>, all: &mut Vec<(String, String)>) {
    let mut attribute = options.note_attribute.as_str();
    if progress.is_left_out(attribute) {
        attribute = NOTES;
        for (name, text) in all.extract_if(.., |(name, _)| name == NOTES) {
            note.rejected(&name, &text);
        }
    }
    let mut text = note.text();
    if progress.is_left_out(LONG_NOTE) {
        text = left_out::shortened(text);
    }
    if !text.is_empty() {
        all.push((attribute.to_owned(), text));
    }
}

/// The operator's own fields; they go before the built-in ones.
fn own(options: &LeadOptions, lead: &Lead, note: &mut Note<'_>) -> Vec<(String, String)> {
    let mut list = Vec::new();
    for field in &options.fields {
        match lead::typed::typed(field, lead) {
            Ok(value) => {
                let text = value.map(|value| value::text(&value, Days::Midnight)).unwrap_or_default();
                if !text.trim().is_empty() {
                    note.used(&field.template);
                    list.push((field.name.clone(), text));
                }
            }
            Err(unfit) => note.rejected(&unfit.name, &unfit.text),
        }
    }
    list
}

/// What every lead fills by itself, without the attributes that stand in `taken`.
fn built_in(lead: &Lead, taken: &[(String, String)], note: &mut Note<'_>) -> Vec<(String, String)> {
    let mut list = Vec::new();
    let names = [LeadField::Name, LeadField::FirstName, LeadField::LastName];
    if names.iter().any(|field| lead.get(*field).is_some()) {
        let parts = lead.name_parts();
        let both = !has(taken, "FirstName") && !has(taken, "LastName");
        for (name, part) in [("FirstName", parts.first), ("LastName", parts.last)] {
            // The stand-in is for CRMs that insist on both parts; this one does not.
            if part != NameParts::UNKNOWN && !has(taken, name) {
                list.push((name.to_owned(), part));
            }
        }
        if both {
            note.placed(&names);
        }
    }
    for (name, field) in BUILT_IN {
        if let Some(text) = lead.get(field).filter(|_| !has(taken, name)) {
            list.push((name.to_owned(), text.to_owned()));
            note.placed(&[field]);
        }
    }
    list
}

fn has(list: &[(String, String)], name: &str) -> bool {
    list.iter().any(|(key, _)| key == name)
}
