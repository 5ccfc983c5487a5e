//! Maps a Submission to a Lead: the form's own `map` first, then the names that everybody uses.
//!
//! The invariant, held by a property test: every filled value that the visitor sent is in the lead's values or in
//! `unmapped`. So a form field counts as mapped only while the value made of it stands; when two form fields mean the
//! same lead field, the first filled one is taken and the other stays unmapped.
//! Blank means white space only: `0` and `false` are values.

use std::collections::{BTreeMap, BTreeSet};

mod pieces;
pub mod recognise;

use crate::domain::{LeadField, Template};
use crate::domain::{Fields, Submission};
use crate::intake::form::{Form, Source};

use self::pieces::{Whole, wholes};
use self::recognise::recognise;
use crate::domain::lead::{Lead, Meaning, rfc3339};
use crate::domain::template::render;
use crate::domain::{name, text, typed};

/// The lead that a submission is, for the form that it came in by.
pub fn from_submission(submission: &Submission, form: &Form) -> Lead {
    let mut lead = Lead::new(submission.clone(), BTreeMap::new(), Fields::default());
    // (1) What the operator says, templates excepted: they may speak of lead fields that are not there yet.
    for (field, source) in &form.map {
        match source {
            Source::Fields(names) => take_first(&mut lead, *field, names),
            Source::Value(value) => put(&mut lead, *field, value, Vec::new()),
            Source::Template(_) => {}
        }
    }
    // (2) The common names, for what is still empty: a `map` whose form fields are all blank does not switch them off.
    take_recognised(&mut lead);
    // (3) What follows from the rest; before the templates, so that `{name}` and `{country}` hold what they can.
    derive(&mut lead);
    // (4) The operator's templates, in their order; one that renders to nothing changes nothing.
    for (field, source) in &form.map {
        if let Source::Template(template) = source {
            fill(&mut lead, *field, template);
        }
    }
    derive(&mut lead);
    // (5) Everything else, for the note.
    lead.unmapped = unmapped(&lead);
    lead
}

/// The form field that came blank where a value of `field` was to be: one that `map` names, else one of a common name.
/// An error about what is missing belongs at this field, which the visitor knows.
pub fn left_blank<'a>(submission: &'a Submission, form: &Form, field: LeadField) -> Option<&'a str> {
    let fields = &submission.fields;
    let is_source = |name: &str| {
        let mut sources = form.map.iter().filter(|(to, _)| *to == field);
        sources.any(|(_, source)| matches!(source, Source::Fields(names) if names.iter().any(|known| known == name)))
    };
    let is_blank = |values: &[&str]| values.iter().all(|value| value.trim().is_empty());
    let blank: Vec<_> =
        fields.by_name().into_iter().filter(|(_, values)| is_blank(values)).map(|(name, _)| name).collect();
    let mapped = blank.iter().find(|name| is_source(name));
    mapped.or_else(|| blank.iter().find(|name| recognise(name) == Some(field))).copied()
}

/// Every filled value of one name, joined as a template joins them.
fn joined<'a>(values: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let values: Vec<_> = values.into_iter().map(text::clean).filter(|value| !value.is_empty()).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

fn put(lead: &mut Lead, field: LeadField, value: &str, origins: Vec<String>) {
    let value = text::clean(value);
    if !value.is_empty() {
        lead.values.insert(field, value.into_owned());
        lead.origins.insert(field, origins);
    }
}

fn is_mapped(lead: &Lead, name: &str) -> bool {
    lead.origins.values().flatten().any(|origin| origin == name)
}

fn take_first(lead: &mut Lead, field: LeadField, names: &[String]) {
    let first = names.iter().find_map(|name| Some((name, joined(lead.submission.fields.all(name))?)));
    if let Some((name, value)) = first {
        put(lead, field, &value, vec![name.clone()]);
    }
}

fn take_recognised(lead: &mut Lead) {
    for Whole { field, value, origins } in wholes(&lead.submission.fields) {
        if !lead.values.contains_key(&field) && !origins.iter().any(|name| is_mapped(lead, name)) {
            put(lead, field, &value, origins);
        }
    }
    // Lent: the lead is filled in while its fields are read, and they may be large.
    let fields = std::mem::take(&mut lead.submission.fields);
    let is_street_open = !lead.values.contains_key(&LeadField::Street);
    let (mut lines, mut names) = (Vec::new(), Vec::new());
    for (name, values) in fields.by_name() {
        let Some(field) = recognise(name).filter(|_| !is_mapped(lead, name)) else { continue };
        let Some(value) = joined(values) else { continue };
        // A street is every line of it (`address1`, `address2`; `주소`, `상세주소`), unless `map` gave it.
        if field == LeadField::Street && is_street_open {
            lines.push(value);
            names.push(name.to_owned());
        } else if !lead.values.contains_key(&field) {
            put(lead, field, &value, vec![name.to_owned()]);
        }
    }
    if !lines.is_empty() {
        put(lead, LeadField::Street, &lines.join(", "), names);
    }
    lead.submission.fields = fields;
}

fn fill(lead: &mut Lead, field: LeadField, template: &Template) {
    let value = render(template, lead);
    if value.trim().is_empty() {
        return;
    }
    let mut origins: Vec<String> = Vec::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for name in template.variables() {
        let made_of = match lead.meaning(name) {
            Meaning::System(_) => Vec::new(),
            // What a lead field is made of is filled.
            Meaning::Lead(used, _) => lead.origins_of(used).to_vec(),
            Meaning::Form => lead.submission.fields.first(name).map(|_| name.to_owned()).into_iter().collect(),
        };
        origins.extend(made_of.into_iter().filter(|name| seen.insert(name.clone())));
    }
    put(lead, field, &value, origins);
}

/// Lead fields that follow from others or from the submission; what is there already goes before them.
fn derive(lead: &mut Lead) {
    if lead.get(LeadField::Name).is_none() {
        let parts = (lead.get(LeadField::FirstName), lead.get(LeadField::LastName));
        let whole = match parts {
            (Some(first), Some(last)) => Some(name::join(first, last)),
            (first, last) => first.or(last).map(str::to_owned),
        };
        if let Some(whole) = whole {
            let of = |field| lead.origins_of(field).iter().cloned();
            let origins = of(LeadField::FirstName).chain(of(LeadField::LastName)).collect();
            put(lead, LeadField::Name, &whole, origins);
        }
    }
    if lead.get(LeadField::ConsentAt).is_none() && consented(lead) {
        let at = rfc3339(lead.submission.received_at);
        put(lead, LeadField::ConsentAt, &at, Vec::new());
    }
    if lead.get(LeadField::Locale).is_none() {
        let locale = lead.submission.locale.clone().unwrap_or_default();
        put(lead, LeadField::Locale, &locale, Vec::new());
    }
    if lead.get(LeadField::Country).is_none() {
        // Cloudflare says XX for a network that it does not know, and T1 for Tor.
        let known = |country: &String| country != "XX" && country.bytes().all(|b| b.is_ascii_uppercase());
        let country = lead.submission.country.clone().filter(known).unwrap_or_default();
        put(lead, LeadField::Country, &country, Vec::new());
    }
}

/// Whether the visitor agreed. A hidden `0` in front of the checkbox's `1` is how some frameworks make an unticked
/// box send something, so of several values the last one counts.
fn consented(lead: &Lead) -> bool {
    let Some(consent) = lead.get(LeadField::Consent) else { return false };
    let fields = &lead.submission.fields;
    let last =
        lead.origin(LeadField::Consent).and_then(|name| fields.all(name).filter(|v| !v.trim().is_empty()).last());
    typed::yes_or_no(consent).or_else(|| typed::yes_or_no(last?)) != Some(false)
}

fn unmapped(lead: &Lead) -> Fields {
    // A stranger chooses the names, so each is looked up and not compared with all.
    let mapped: BTreeSet<&str> = lead.origins.values().flatten().map(String::as_str).collect();
    let left = lead.submission.fields.0.iter().filter(|(name, _)| !mapped.contains(name.as_str()));
    let cleaned = left.map(|(name, value)| (name.clone(), text::clean(value).into_owned()));
    Fields(cleaned.filter(|(_, value)| !value.is_empty()).collect())
}

#[cfg(test)]
pub(crate) mod tests;
