//! The three records of a lead as Salesmap takes them: organization, person, lead.
//!
//! - Email, phone and owner are items of `fieldList` under their labels: at the top level Salesmap takes them silently
//!   and stores nothing. <https://docs.salesmap.kr/developers/api-reference/people/create>
//! - `memo` is kept as HTML, unsanitised, and shown in the CRM: what a visitor wrote is escaped here.
//! - Whatever is in none of the three records stands in the memo of the lead, so all three are made together.

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use crate::config::destination::salesmap::{OWNER_LABEL, Options};
use crate::crm::Progress;
use crate::crm::left_out::{self, LONG_NOTE};
use crate::domain::template::Part;
use crate::domain::{LeadField, Template, TypedField};
use crate::lead::{Lead, note::Note, render::render, typed::typed};

use super::refusal::{self, COMPANY, OWNER, PHONE, PIPELINE};
use super::{LEAD, ORGANIZATION, PEOPLE, fields};

/// The id of the organization, once it is known.
pub(super) const ORGANIZATION_ID: &str = "organization_id";
/// The id of the person, once it is known.
pub(super) const PEOPLE_ID: &str = "people_id";
/// Says [`FOUND`] when the organization was there before.
pub(super) const ORGANIZATION_HOLDS: &str = "organization_holds";
/// Says [`FOUND`] when the person was there before, and [`TAKEN`] as long as it is not known who that is.
pub(super) const PEOPLE_HOLDS: &str = "people_holds";
/// The record was there before: nothing of this lead was written to it.
pub(super) const FOUND: &str = "found";
/// Somebody has the email of this lead, and Salesmap did not say who.
pub(super) const TAKEN: &str = "taken";

/// The records of one lead, as bodies.
#[derive(Debug, PartialEq)]
pub(super) struct Records {
    /// The name that the person goes by.
    pub(super) person_name: String,
    /// The name of the lead.
    pub(super) lead_name: String,
    /// The organization, when the lead has one and the destination wants it.
    pub(super) organization: Option<Json>,
    /// The person.
    pub(super) people: Json,
    /// The lead.
    pub(super) lead: Json,
}

impl Records {
    /// The records of `lead` at the destination of this name; `None` when there is nothing to name a person by.
    pub(super) fn of(destination: &str, options: &Options, lead: &Lead, progress: &Progress) -> Option<Self> {
        let person_name = person_name(lead)?;
        let lead_name = lead_name(&options.lead_name, lead, &person_name);
        let lead_name = told_apart(lead_name, destination, options, lead, progress);
        let mut note = Note::new(lead);
        let organization = organization(options, lead, progress, &mut note);
        let people = people(options, lead, progress, &person_name, &mut note);
        let lead = lead_record(options, lead, progress, &lead_name, &mut note);
        Some(Self { person_name, lead_name, organization, people, lead })
    }
}

fn organization(options: &Options, lead: &Lead, progress: &Progress, note: &mut Note<'_>) -> Option<Json> {
    let is_wanted = options.organization && !progress.is_left_out(COMPANY);
    let company = lead.get(LeadField::Company).filter(|_| is_wanted)?;
    let found = progress.fact(ORGANIZATION_HOLDS) == Some(FOUND);
    if !found {
        note.placed(&[LeadField::Company]);
    }
    let list = own_fields(ORGANIZATION, &options.organization_fields, lead, progress, found, note);
    let mut body = Map::new();
    body.insert("name".into(), json!(company));
    insert_list(&mut body, list);
    Some(Json::Object(body))
}

fn people(options: &Options, lead: &Lead, progress: &Progress, name: &str, note: &mut Note<'_>) -> Json {
    let found = progress.fact(PEOPLE_HOLDS) == Some(FOUND);
    let phone = phone(lead, progress);
    let mut list = Vec::new();
    list.extend(lead.get(LeadField::Email).map(|email| fields::text(&options.email_label, email)));
    list.extend(phone.map(|phone| fields::text(&options.phone_label, phone)));
    list.extend(owner(options, progress));
    if !found {
        use LeadField::{Email, FirstName, LastName, Name, Phone};
        note.placed(&[Name, FirstName, LastName, Email]);
        note.placed(phone.map(|_| Phone).as_slice());
    }
    list.extend(own_fields(PEOPLE, &options.people_fields, lead, progress, found, note));
    let mut body = Map::new();
    body.insert("name".into(), json!(name));
    insert_fact(&mut body, "organizationId", organization_id(progress));
    insert_list(&mut body, list);
    Json::Object(body)
}

fn lead_record(options: &Options, lead: &Lead, progress: &Progress, name: &str, note: &mut Note<'_>) -> Json {
    let mut list: Vec<_> = owner(options, progress).into_iter().collect();
    list.extend(own_fields(LEAD, &options.lead_fields, lead, progress, false, note));
    let mut body = Map::new();
    body.insert("name".into(), json!(name));
    insert_fact(&mut body, "peopleId", progress.fact(PEOPLE_ID));
    insert_fact(&mut body, "organizationId", organization_id(progress));
    let mut text = note.text();
    if progress.is_left_out(LONG_NOTE) {
        text = left_out::shortened(text);
    }
    let memo = memo(&text);
    if !memo.is_empty() {
        body.insert("memo".into(), json!(memo));
    }
    if let Some(pipeline) = options.pipeline.as_ref().filter(|_| !is_left_out(PIPELINE, progress)) {
        body.insert("pipelineId".into(), json!(pipeline.id));
        body.insert("pipelineStageId".into(), json!(pipeline.stage_id));
    }
    insert_list(&mut body, list);
    Json::Object(body)
}

/// The person's phone, unless Salesmap does not take it.
pub(super) fn phone<'a>(lead: &'a Lead, progress: &Progress) -> Option<&'a str> {
    lead.get(LeadField::Phone).filter(|_| !is_left_out(PHONE, progress))
}

fn owner(options: &Options, progress: &Progress) -> Option<Json> {
    options.owner_id.as_ref().filter(|_| !is_left_out(OWNER, progress)).map(|id| fields::user(OWNER_LABEL, id))
}

fn organization_id(progress: &Progress) -> Option<&str> {
    progress.fact(ORGANIZATION_ID).filter(|_| !progress.is_left_out(COMPANY))
}

fn is_left_out(field: &str, progress: &Progress) -> bool {
    progress.is_bare() || progress.is_left_out(field)
}

/// The operator's fields of a record as items. The note keeps the text of those that the CRM's record does not get:
/// because it was there before (`found`), or because Salesmap refuses them.
fn own_fields(
    step: &str,
    own: &[TypedField],
    lead: &Lead,
    progress: &Progress,
    found: bool,
    note: &mut Note<'_>,
) -> Vec<Json> {
    let table = refusal::table(step);
    let all_left_out = found || is_left_out(table, progress);
    let mut items = Vec::new();
    for field in own.iter().filter(|_| !all_left_out) {
        let refused = progress.is_left_out(&refusal::own_field(table, &field.name));
        match typed(field, lead) {
            Ok(None) => {}
            Ok(Some(value)) if !refused => {
                note.used(&field.template);
                items.push(fields::item(field, &value));
            }
            // The whole text is in the note under the CRM's word for it; once is enough.
            Ok(Some(_)) => {
                note.used(&field.template);
                note.rejected(&field.name, &render(&field.template, lead));
            }
            Err(unfit) => {
                note.used(&field.template);
                note.rejected(&unfit.name, &unfit.text);
            }
        }
    }
    items
}

/// What to call the person: the name as written, else what a salesperson would recognise.
fn person_name(lead: &Lead) -> Option<String> {
    let local_part = || lead.get(LeadField::Email).and_then(|email| email.split('@').next()).filter(|l| !l.is_empty());
    let name = lead.get(LeadField::Name).or_else(local_part);
    name.or_else(|| lead.get(LeadField::Phone)).or_else(|| lead.get(LeadField::Company)).map(str::to_owned)
}

/// The lead's name on one line; `{name}` is never empty unless the operator gave it a fallback of its own.
fn lead_name(template: &Template, lead: &Lead, person_name: &str) -> String {
    let mut template = template.clone();
    for part in &mut template.parts {
        if let Part::Variable { name, fallback: fallback @ None } = part
            && name == LeadField::Name.name()
        {
            *fallback = Some(person_name.to_owned());
        }
    }
    let name = render(&template, lead).split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() { person_name.to_owned() } else { name }
}

/// The name of a lead that no other lead of this person has.
///
/// A person that this very delivery made has no other lead yet, and whoever comes later finds the person there. So one
/// lead of a person at most goes by the bare name, and each of the others has a code of its submission and destination.
fn told_apart(name: String, destination: &str, options: &Options, lead: &Lead, progress: &Progress) -> String {
    let is_told_already = options.lead_name.variables().any(|variable| variable == "submission_id");
    if progress.fact(PEOPLE_HOLDS) != Some(FOUND) || is_told_already {
        return name;
    }
    let digest = Sha256::digest(format!("{}\n{destination}", lead.submission.id));
    format!("{name} #{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2])
}

/// A text as a memo: escaped, and a blank line is a no-break space, for Salesmap makes each line a `<div>` and an
/// empty one vanishes.
fn memo(text: &str) -> String {
    let escaped = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;");
    let line = |line: &str| if line.trim().is_empty() { "\u{a0}".to_owned() } else { line.to_owned() };
    escaped.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn insert_fact(body: &mut Map<String, Json>, key: &str, fact: Option<&str>) {
    if let Some(id) = fact {
        body.insert(key.into(), json!(id));
    }
}

fn insert_list(body: &mut Map<String, Json>, list: Vec<Json>) {
    if !list.is_empty() {
        body.insert("fieldList".into(), Json::Array(list));
    }
}
