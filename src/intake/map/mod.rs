//! Maps a Submission to a Lead: the form's own `map` first, then common names.
//!
//! Invariant, held by a property test: every filled value that the visitor sent is in the lead's values or in `unmapped`.
//! So a form field counts as mapped only while the value made from it stands. When two form fields mean the same lead field,
//! the first filled one is taken and the other stays unmapped. Only white space is blank: `0` and `false` are values.

use std::collections::{BTreeMap, BTreeSet};

pub mod recognise;

use super::form::{Form, Source};
use crate::domain::lead::{Lead, LeadField, Meaning, rfc3339};
use crate::domain::submission::{Fields, Submission};
use crate::domain::template::{Template, render};
use crate::domain::text::{clean, yes_or_no};
use crate::domain::{NameKey, name};

use recognise::{bare, recognise};

/// Maps a submission to a lead by the settings of its form.
pub fn from_submission(submission: &Submission, form: &Form) -> Lead {
    let mut lead = Lead::new(submission.clone(), BTreeMap::new(), Fields::default());
    for (field, source) in &form.map {
        match source {
            Source::Fields(names) => take_first(&mut lead, *field, names),
            Source::Value(value) => put(&mut lead, *field, value, Vec::new()),
            // Templates wait: they may name lead fields that are not there yet.
            Source::Template(_) => {}
        }
    }
    // Common names still apply when every form field of a `map` entry is blank.
    take_recognised(&mut lead);
    // Before the templates, so that `{name}` and `{country}` have values.
    derive(&mut lead);
    for (field, source) in &form.map {
        if let Source::Template(template) = source {
            fill(&mut lead, *field, template);
        }
    }
    derive(&mut lead);
    lead.unmapped = unmapped(&lead);
    lead
}

/// The blank form field that should hold `field`: one that `map` names, else one with a common name. An error about a
/// missing value is reported there.
pub fn left_blank<'a>(submission: &'a Submission, form: &Form, field: LeadField) -> Option<&'a str> {
    let is_source = |name: &str| {
        let mut sources = form.map.iter().filter(|(to, _)| *to == field);
        sources.any(|(_, source)| matches!(source, Source::Fields(names) if names.iter().any(|known| known == name)))
    };
    let groups = submission.fields.by_name().into_iter();
    let is_blank = |values: &[&str]| values.iter().all(|value| value.trim().is_empty());
    let blank: Vec<_> = groups.filter(|(_, values)| is_blank(values)).map(|(name, _)| name).collect();
    let mapped = blank.iter().find(|name| is_source(name));
    mapped.or_else(|| blank.iter().find(|name| recognise(name) == Some(field))).copied()
}

/// The filled values of a name, joined as a template joins them.
fn joined<'a>(values: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let values: Vec<_> = values.into_iter().map(clean).filter(|value| !value.is_empty()).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

fn put(lead: &mut Lead, field: LeadField, value: &str, origins: Vec<String>) {
    let value = clean(value);
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
    // Moved out while the lead is filled from it: the fields may be large.
    let fields = std::mem::take(&mut lead.submission.fields);
    for JoinedValue { field, value, origins } in join_split_fields(&fields) {
        if !lead.values.contains_key(&field) && !origins.iter().any(|name| is_mapped(lead, name)) {
            put(lead, field, &value, origins);
        }
    }
    let is_street_open = !lead.values.contains_key(&LeadField::Street);
    let (mut lines, mut names) = (Vec::new(), Vec::new());
    for (name, values) in fields.by_name() {
        let Some(field) = recognise(name).filter(|_| !is_mapped(lead, name)) else { continue };
        let Some(value) = joined(values) else { continue };
        // A street has several lines (`address1`, `address2`; `주소`, `상세주소`), unless `map` gave it.
        if field == LeadField::Street && is_street_open {
            lines.push(value);
            names.push(name.to_owned());
        } else if !lead.values.contains_key(&field) {
            put(lead, field, &value, vec![name.to_owned()]);
        }
    }
    put(lead, LeadField::Street, &lines.join(", "), names);
    lead.submission.fields = fields;
}

/// A value that the form asked for in parts, with the form fields that held them.
#[derive(Debug, PartialEq, Eq)]
struct JoinedValue {
    field: LeadField,
    value: String,
    origins: Vec<String>,
}

/// The telephone numbers in three boxes and the email addresses in two, common on Korean websites:
/// `phone1=010&phone2=1234&phone3=5678`, `tel=02&tel=123&tel=4567`, `email1=gildong&email2=example.com`. The parts are
/// known by their values, so that two whole numbers in `phone1` and `phone2` stay two.
fn join_split_fields(fields: &Fields) -> Vec<JoinedValue> {
    // Fields that may be parts of one value: they mean the same, and their names differ at most in a number.
    type Group<'a> = ((LeadField, String), Vec<(&'a str, &'a str)>);
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (name, value) in &fields.0 {
        let (value, field) = (value.trim(), recognise(name));
        let Some(field @ (LeadField::Phone | LeadField::Email)) = field.filter(|_| !value.is_empty()) else { continue };
        let key = (field, bare(name).trim_end_matches(|c: char| c.is_ascii_digit()).to_owned());
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, parts)) => parts.push((name, value)),
            None => groups.push((key, vec![(name, value)])),
        }
    }
    let is_block = |text: &str| (2..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let is_user = |text: &str| !text.contains(|c: char| c == '@' || c.is_whitespace() || c.is_control());
    let is_host = |text: &str| is_user(text) && text.contains('.') && !text.starts_with('.') && !text.ends_with('.');
    let join = |((field, _), parts): Group<'_>| {
        let values: Vec<&str> = parts.iter().map(|(_, value)| *value).collect();
        let value = match (field, values.as_slice()) {
            (LeadField::Phone, [a, b, c]) if [a, b, c].into_iter().all(|block| is_block(block)) => values.join("-"),
            (LeadField::Email, [user, host]) if is_user(user) && is_host(host) => values.join("@"),
            _ => return None,
        };
        let mut origins: Vec<String> = parts.iter().map(|(name, _)| (*name).to_owned()).collect();
        origins.dedup();
        Some(JoinedValue { field, value, origins })
    };
    groups.into_iter().filter_map(join).collect()
}

fn fill(lead: &mut Lead, field: LeadField, template: &Template) {
    let value = render(template, lead);
    if value.trim().is_empty() {
        return;
    }
    let mut origins: Vec<String> = Vec::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for name in template.variables() {
        let made_from = match lead.meaning(name) {
            Meaning::System(_) => Vec::new(),
            Meaning::Lead(used, _) => lead.origins_of(used).to_vec(),
            Meaning::Form => lead.submission.fields.first(name).map(|_| name.to_owned()).into_iter().collect(),
        };
        origins.extend(made_from.into_iter().filter(|name| seen.insert(name.clone())));
    }
    put(lead, field, &value, origins);
}

/// Fills the lead fields that follow from others or from the submission, unless they have a value.
fn derive(lead: &mut Lead) {
    if lead.get(LeadField::Name).is_none() {
        let (first, last) = (lead.get(LeadField::FirstName), lead.get(LeadField::LastName));
        let name = match (first, last) {
            (Some(first), Some(last)) => name::join(first, last),
            (first, last) => first.or(last).unwrap_or_default().to_owned(),
        };
        let origins = [LeadField::FirstName, LeadField::LastName].into_iter().flat_map(|field| lead.origins_of(field));
        let origins = origins.cloned().collect();
        put(lead, LeadField::Name, &name, origins);
    }
    let consent_at = consented(lead).then(|| rfc3339(lead.submission.received_at));
    // Cloudflare sends XX for an unknown network and T1 for Tor.
    let is_country = |country: &String| country != "XX" && country.bytes().all(|b| b.is_ascii_uppercase());
    let country = lead.submission.country.clone().filter(is_country);
    let locale = lead.submission.locale.clone();
    for (field, value) in
        [(LeadField::ConsentAt, consent_at), (LeadField::Country, country), (LeadField::Locale, locale)]
    {
        if lead.get(field).is_none() {
            put(lead, field, &value.unwrap_or_default(), Vec::new());
        }
    }
}

/// Whether the visitor agreed. The last value counts: some frameworks put a hidden `0` before a checkbox, so that an
/// unticked one sends something.
fn consented(lead: &Lead) -> bool {
    let Some(consent) = lead.get(LeadField::Consent) else { return false };
    let values = lead.origin(LeadField::Consent).map(|name| lead.submission.fields.all(name));
    let last = values.into_iter().flatten().filter(|value| !value.trim().is_empty()).last();
    yes_or_no(consent).or_else(|| yes_or_no(last?)) != Some(false)
}

fn unmapped(lead: &Lead) -> Fields {
    let mapped: BTreeSet<NameKey<'_>> = lead.origins.values().flatten().map(|name| NameKey::of(name)).collect();
    let left = lead.submission.fields.0.iter().filter(|(name, _)| !mapped.contains(&NameKey::of(name)));
    let cleaned = left.map(|(name, value)| (name.clone(), clean(value).into_owned()));
    Fields(cleaned.filter(|(_, value)| !value.is_empty()).collect())
}

#[cfg(test)]
pub(crate) mod tests;
