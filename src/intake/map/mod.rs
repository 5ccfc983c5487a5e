//! Maps a Submission to a Lead: the form's own `map` first, then common names.
//!
//! Invariant, held by a property test: every filled value that the visitor sent is in the lead's values or in `unmapped`.
//! So a value counts as mapped only while the lead's value made from it stands. A lead field holds one value: when several
//! values mean the same lead field, the first is taken and the others stay unmapped. `0` and `false` are values.

use std::borrow::Cow;

pub mod recognize;

use super::form::{Form, Source};
use crate::domain::lead::{Lead, LeadField, Meaning, rfc3339};
use crate::domain::sorted::{Map, Set};
use crate::domain::submission::{Fields, Submission};
use crate::domain::template::{Template, render};
use crate::domain::text::{clean, says_yes};
use crate::domain::{NameKey, name};

use recognize::{bare, recognize};

/// Maps a submission to a lead by the settings of its form.
pub fn from_submission(submission: Submission, form: &Form) -> Lead {
    let mut lead = Lead::new(submission, Map::new(), Fields::default());
    for (field, source) in &form.map {
        match source {
            Source::Fields(names) => take_first(&mut lead, *field, names),
            Source::Value(value) => put(&mut lead, *field, value, Vec::new()),
            // Templates wait: they may name lead fields that are not there yet.
            Source::Template(_) => {}
        }
    }
    // Common names still apply when every form field of a `map` entry is blank.
    take_recognized(&mut lead, form);
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
    mapped.or_else(|| blank.iter().find(|name| recognize(name) == Some(field))).copied()
}

fn put(lead: &mut Lead, field: LeadField, value: &str, origins: Vec<usize>) {
    let value = clean(value);
    if !value.is_empty() {
        lead.values.insert(field, value.into_owned());
        lead.origins.insert(field, origins);
    }
}

/// The places of a name's filled values.
fn places<'a, 'n>(fields: &'a Fields, name: &'n str) -> impl Iterator<Item = usize> + use<'a, 'n> {
    let pairs = fields.0.iter().enumerate();
    pairs.filter(move |(_, (key, value))| key == name && !value.trim().is_empty()).map(|(place, _)| place)
}

/// One filled value, a candidate for a lead field.
#[derive(Debug, Clone)]
struct Part<'a> {
    /// Its place in the submission's fields.
    place: usize,
    value: Cow<'a, str>,
    /// Whether the name means the lead field itself and not a part of it (`email_domain`).
    is_whole: bool,
    /// Whether the config names the field. Such a field is preferred: the config's rules check it.
    is_named: bool,
}

fn take_first(lead: &mut Lead, field: LeadField, names: &[String]) {
    let fields = &lead.submission.fields;
    let part = |place: usize| Part { place, value: clean(&fields.0[place].1), is_whole: true, is_named: true };
    let first = names.iter().find_map(|name| combine(field, &places(fields, name).map(part).collect::<Vec<_>>()));
    if let Some((value, origins)) = first {
        put(lead, field, &value, origins);
    }
}

fn take_recognized(lead: &mut Lead, form: &Form) {
    // Moved out while the lead is filled from it: the fields may be large.
    let fields = std::mem::take(&mut lead.submission.fields);
    let mapped = lead.origins.values().flatten().map(|place| NameKey::of(&fields.0[*place].0)).collect();
    let groups = groups(&fields, &mapped, &form.data());
    let (named, others): (Vec<_>, Vec<_>) =
        groups.iter().partition(|group| group.parts.iter().any(|part| part.is_named));
    for Group { field, parts, .. } in named.into_iter().chain(others) {
        if let Some(known) = lead.values.get(field) {
            let same = parts.iter().filter(|part| part.value == *known).map(|part| part.place);
            if let Some(origins) = lead.origins.get_mut(field).filter(|origins| !origins.is_empty()) {
                origins.extend(same);
            }
        } else if let Some((value, origins)) = combine(*field, parts) {
            put(lead, *field, &value, origins);
        }
    }
    lead.submission.fields = fields;
}

/// The filled values that mean one lead field: those of one name, of every line of a street, or of the boxes of a telephone
/// number or an email address (`phone1`, `phone2`, `phone3`; `email_id`, `email_domain`).
#[derive(Debug)]
struct Group<'a> {
    field: LeadField,
    key: String,
    parts: Vec<Part<'a>>,
}

/// The groups of all names that are not mapped.
fn groups<'a>(fields: &'a Fields, mapped: &Set<NameKey<'_>>, named: &[&str]) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (name, places) in fields.places_by_name() {
        let Some((field, key, is_whole)) = meaning(name).filter(|_| !mapped.contains(&NameKey::of(name))) else {
            continue;
        };
        let is_named = named.contains(&name);
        let values = places.into_iter().map(|place| (place, fields.0[place].1.as_str()));
        // `CountryCode=44` is a dialling code.
        let is_dialled = |value: &str| field == LeadField::Country && !value.contains(char::is_alphabetic);
        let filled = values.filter(|(_, value)| !value.trim().is_empty() && !is_dialled(value));
        let parts = filled.map(|(place, value)| Part { place, value: clean(value), is_whole, is_named });
        match groups.iter_mut().find(|group| group.field == field && group.key == key) {
            Some(group) => group.parts.extend(parts),
            None => groups.push(Group { field, key, parts: parts.collect() }),
        }
    }
    groups
}

/// The lead field of a name, the key of its group (`phone` of `phone2`, `useremail` of `user_email_domain`), and whether the
/// name means the whole lead field.
fn meaning(name: &str) -> Option<(LeadField, String, bool)> {
    let stem = || bare(name).trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    match recognize(name) {
        Some(LeadField::Street) => Some((LeadField::Street, String::new(), true)),
        Some(field @ (LeadField::Phone | LeadField::Email)) => {
            let stem = stem();
            Some((field, address_of(&stem).unwrap_or(&stem).to_owned(), true))
        }
        Some(field) => Some((field, name.to_owned(), true)),
        None => Some((LeadField::Email, address_of(&stem())?.to_owned(), false)),
    }
}

/// The email field that a box of this name is a part of.
fn address_of(stem: &str) -> Option<&str> {
    const BOXES: &[&str] = &["id", "user", "local", "domain", "host", "server", "아이디", "계정", "도메인"];
    let outer = BOXES.iter().find_map(|word| stem.strip_suffix(word));
    outer.filter(|outer| recognize(outer) == Some(LeadField::Email))
}

/// The one value of a lead field and the places it comes from. Equal values count once. The first of different values fills
/// the field and the others stay unmapped, except that names join, a street has several lines and consents add up.
fn combine(field: LeadField, parts: &[Part<'_>]) -> Option<(String, Vec<usize>)> {
    if let Some(joined) = join_boxes(field, parts) {
        return Some(joined);
    }
    let separator = match field {
        LeadField::Name | LeadField::FirstName | LeadField::LastName => Some(" "),
        LeadField::Street | LeadField::Consent => Some(", "),
        _ => None,
    };
    let whole = || parts.iter().filter(|part| part.is_whole);
    let Some(separator) = separator else {
        let first = &whole().min_by_key(|part| !part.is_named)?.value;
        let same = parts.iter().filter(|part| part.value == *first);
        return Some((first.to_string(), same.map(|part| part.place).collect()));
    };
    let mut seen: Set<NameKey<'_>> = Set::new();
    let values: Vec<_> = whole().map(|part| &*part.value).filter(|value| seen.insert(NameKey::of(value))).collect();
    (!values.is_empty()).then(|| (values.join(separator), whole().map(|part| part.place).collect()))
}

/// The telephone numbers in three boxes and the email addresses in two, common on Korean websites:
/// `phone1=010&phone2=1234&phone3=5678`, `tel=02&tel=123&tel=4567`, `email1=gildong&email2=example.com`. The boxes are known
/// by their values: two whole numbers in `phone1` and `phone2` stay two. A third box of an address is a list of domains.
fn join_boxes(field: LeadField, parts: &[Part<'_>]) -> Option<(String, Vec<usize>)> {
    let is_block = |text: &str| (2..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let is_user = |text: &str| !text.contains(|c: char| c == '@' || c.is_whitespace() || c.is_control());
    let is_host = |text: &str| is_user(text) && text.contains('.') && !text.starts_with('.') && !text.ends_with('.');
    match (field, parts) {
        (LeadField::Phone, _) => {
            let blocks: Vec<_> = parts.iter().filter(|part| is_block(&part.value)).collect();
            let [a, b, c] = blocks[..] else { return None };
            Some((format!("{}-{}-{}", a.value, b.value, c.value), vec![a.place, b.place, c.place]))
        }
        (LeadField::Email, [user, rest @ ..]) if is_user(&user.value) => {
            let domain = |part: &Part<'_>| part.value.strip_prefix('@').unwrap_or(&part.value).to_owned();
            let host = rest.iter().map(domain).find(|host| is_host(host))?;
            let same = rest.iter().filter(|part| domain(part) == host).map(|part| part.place);
            let origins = std::iter::once(user.place).chain(same).collect();
            Some((format!("{}@{host}", user.value), origins))
        }
        _ => None,
    }
}

fn fill(lead: &mut Lead, field: LeadField, template: &Template) {
    let value = render(template, lead);
    if value.trim().is_empty() {
        return;
    }
    let mut origins: Vec<usize> = Vec::new();
    for name in template.variables() {
        let made_from: Vec<usize> = match lead.meaning(name) {
            Meaning::System(_) => Vec::new(),
            Meaning::Lead(used, _) => lead.origins.get(&used).cloned().unwrap_or_default(),
            Meaning::Form => places(&lead.submission.fields, name).collect(),
        };
        for place in made_from {
            if !origins.contains(&place) {
                origins.push(place);
            }
        }
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
        let parts = [LeadField::FirstName, LeadField::LastName];
        let origins = parts.iter().filter_map(|field| lead.origins.get(field)).flatten().copied().collect();
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
    let last = lead.origins_of(LeadField::Consent).map(|(_, value)| value).rfind(|value| !value.trim().is_empty());
    last.and_then(says_yes).or_else(|| says_yes(lead.get(LeadField::Consent)?)) == Some(true)
}

fn unmapped(lead: &Lead) -> Fields {
    let fields = &lead.submission.fields.0;
    let mut is_mapped = vec![false; fields.len()];
    lead.origins.values().flatten().for_each(|place| is_mapped[*place] = true);
    let left = fields.iter().zip(is_mapped).filter(|(_, is_mapped)| !is_mapped);
    let cleaned = left.map(|((name, value), _)| (name.clone(), clean(value).into_owned()));
    Fields(cleaned.filter(|(_, value)| !value.is_empty()).collect())
}

#[cfg(test)]
pub(crate) mod tests;
