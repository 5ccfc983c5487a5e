//! The three records of a lead as Salesmap takes them: organization, person, lead.
//!
//! - Email, phone and owner are items of `fieldList` under their labels: at the top level Salesmap takes them silently
//!   and stores nothing. <https://docs.salesmap.kr/developers/api-reference/people/create>
//! - `memo` is kept as HTML, unsanitised, and shown in the CRM: what a visitor wrote is escaped here.
//! - Whatever is in none of the three records stands in the memo of the lead, so all three are made together.

use serde_json::{Map, Value as Json, json};

use crate::config::destination::salesmap::{OWNER_LABEL, Options};
use crate::config::template::Part;
use crate::config::{LeadField, Template, TypedField};
use crate::crm::Progress;
use crate::lead::{Lead, note::Note, render::render, typed::typed};

use super::fields;

/// The id of the organization, once it is known.
pub const ORGANIZATION_ID: &str = "organization_id";
/// The id of the person, once it is known.
pub const PEOPLE_ID: &str = "people_id";
/// What the CRM's organization holds of the lead, when not all: [`PLAIN`] or [`FOUND`].
pub const ORGANIZATION_HOLDS: &str = "organization_holds";
/// The same for the person.
pub const PEOPLE_HOLDS: &str = "people_holds";
/// The same for the lead.
pub const LEAD_HOLDS: &str = "lead_holds";
/// The CRM refused the record with the operator's own fields: it is made without them.
pub const PLAIN: &str = "plain";
/// The record was there before: nothing of this lead was written to it.
pub const FOUND: &str = "found";

/// The records of one lead, as bodies.
#[derive(Debug, PartialEq)]
pub struct Records {
    /// The name that the person goes by.
    pub person_name: String,
    /// The name of the lead.
    pub lead_name: String,
    /// The organization, when the lead has one and the destination wants it.
    pub organization: Option<Json>,
    /// The person.
    pub people: Json,
    /// The lead.
    pub lead: Json,
}

impl Records {
    /// The records of `lead`; `None` when there is nothing to name a person by.
    pub fn of(options: &Options, lead: &Lead, progress: &Progress) -> Option<Self> {
        let person_name = person_name(lead)?;
        let lead_name = lead_name(&options.lead_name, lead, &person_name);
        let mut note = Note::new(lead);
        let organization = organization(options, lead, progress, &mut note);
        let people = people(options, lead, progress, &person_name, &mut note);
        let lead = lead_record(options, lead, progress, &lead_name, &mut note);
        Some(Self { person_name, lead_name, organization, people, lead })
    }
}

fn organization(options: &Options, lead: &Lead, progress: &Progress, note: &mut Note<'_>) -> Option<Json> {
    let company = lead.get(LeadField::Company).filter(|_| options.organization)?;
    let holds = progress.fact(ORGANIZATION_HOLDS);
    if holds != Some(FOUND) {
        note.placed(&[LeadField::Company]);
    }
    let list = own_fields(&options.organization_fields, lead, holds.is_none(), note);
    let mut body = Map::new();
    body.insert("name".into(), json!(company));
    insert_list(&mut body, list);
    Some(Json::Object(body))
}

fn people(options: &Options, lead: &Lead, progress: &Progress, name: &str, note: &mut Note<'_>) -> Json {
    let holds = progress.fact(PEOPLE_HOLDS);
    let mut list = Vec::new();
    list.extend(lead.get(LeadField::Email).map(|email| fields::text(&options.email_label, email)));
    list.extend(lead.get(LeadField::Phone).map(|phone| fields::text(&options.phone_label, phone)));
    list.extend(options.owner_id.as_ref().map(|id| fields::user(OWNER_LABEL, id)));
    if holds != Some(FOUND) {
        use LeadField::{Email, FirstName, LastName, Name, Phone};
        note.placed(&[Name, FirstName, LastName, Email, Phone]);
    }
    list.extend(own_fields(&options.people_fields, lead, holds.is_none(), note));
    let mut body = Map::new();
    body.insert("name".into(), json!(name));
    insert_fact(&mut body, "organizationId", progress.fact(ORGANIZATION_ID));
    insert_list(&mut body, list);
    Json::Object(body)
}

fn lead_record(options: &Options, lead: &Lead, progress: &Progress, name: &str, note: &mut Note<'_>) -> Json {
    let mut list: Vec<_> = options.owner_id.iter().map(|id| fields::user(OWNER_LABEL, id)).collect();
    list.extend(own_fields(&options.lead_fields, lead, progress.fact(LEAD_HOLDS).is_none(), note));
    let mut body = Map::new();
    body.insert("name".into(), json!(name));
    insert_fact(&mut body, "peopleId", progress.fact(PEOPLE_ID));
    insert_fact(&mut body, "organizationId", progress.fact(ORGANIZATION_ID));
    let memo = memo(&note.text());
    if !memo.is_empty() {
        body.insert("memo".into(), json!(memo));
    }
    if let Some(pipeline) = &options.pipeline {
        body.insert("pipelineId".into(), json!(pipeline.id));
        body.insert("pipelineStageId".into(), json!(pipeline.stage_id));
    }
    insert_list(&mut body, list);
    Json::Object(body)
}

/// The operator's fields as items. With `written` false the CRM's record does not get them, and the note keeps their text.
fn own_fields(own: &[TypedField], lead: &Lead, written: bool, note: &mut Note<'_>) -> Vec<Json> {
    let mut items = Vec::new();
    for field in own.iter().filter(|_| written) {
        match typed(field, lead) {
            Ok(None) => {}
            Ok(Some(value)) => {
                note.used(&field.template);
                items.push(fields::item(field, &value));
            }
            Err(unfit) => {
                // The whole text is in the note under the CRM's word for it; once is enough.
                note.used(&field.template);
                note.refused(&unfit.name, &unfit.text);
            }
        }
    }
    items
}

/// What to call the person: the name as written, else what a salesperson would recognise.
fn person_name(lead: &Lead) -> Option<String> {
    let name = lead.get(LeadField::Name).map(str::to_owned).or_else(|| joined_name(lead));
    let local_part = || lead.get(LeadField::Email).and_then(|email| email.split('@').next()).filter(|l| !l.is_empty());
    name.or_else(|| {
        let other = local_part().or_else(|| lead.get(LeadField::Phone)).or_else(|| lead.get(LeadField::Company));
        other.map(str::to_owned)
    })
}

/// Given and family name in the order of their script: `길동`, `홍` is 홍길동.
fn joined_name(lead: &Lead) -> Option<String> {
    let hangul = |name: &str| name.chars().any(|c| ('가'..='힣').contains(&c));
    match (lead.get(LeadField::FirstName), lead.get(LeadField::LastName)) {
        (Some(first), Some(last)) if hangul(first) && hangul(last) => Some(format!("{last}{first}")),
        (Some(first), Some(last)) => Some(format!("{first} {last}")),
        (first, last) => first.or(last).map(str::to_owned),
    }
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
