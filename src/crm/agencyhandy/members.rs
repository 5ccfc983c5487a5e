//! The current contract: `POST /members/bulk-lead` and `POST /members/bulk-client`, a bare array of one,
//! <https://docs.agencyhandy.com/api/create-lead>, <https://docs.agencyhandy.com/api/create-client>.
//!
//! - `sendInvitationEmail` is true unless it is said to be false: without it every visitor would get an invitation.
//! - `role`, `isConvertedClient` and `positionInBoard` must not be sent; unknown members are dropped without a word.
//! - There is no note: what has no field of its own goes into the text custom field `note_field`, if there is one.

use serde_json::{Map, Value as Json, json};

use crate::config::destination::agencyhandy::{CLIENT_STATUS, Record};
use crate::crm::left_out::{self, LONG_NOTE, MARKUP};
use crate::domain::LeadField;
use crate::lead::{self, Lead, note::Note, typed::Value};

use super::{AgencyHandy, COMPANY_HEADER, Call, Chance, Contract, Progress, is_left_out, text_of};

/// The members that hold one lead field each.
const PLAIN: &[(&str, LeadField)] = &[
    ("contactNo", LeadField::Phone),
    ("companyName", LeadField::Company),
    ("website", LeadField::Website),
    ("country", LeadField::Country),
    ("city", LeadField::City),
    ("state", LeadField::State),
    ("zipCode", LeadField::PostalCode),
    ("address", LeadField::Street),
];

impl AgencyHandy {
    /// Creates the lead or the client. The pages ask for no company, the guide that leads to them does; a known one
    /// does no harm.
    pub(super) fn current(&self, lead: &Lead, progress: &Progress, chance: Chance) -> Call {
        let path = match self.options.record {
            Record::Lead => "/members/bulk-lead",
            Record::Client => "/members/bulk-client",
        };
        let step = self.step(Contract::Members, chance);
        let company_id = self.company_id(progress).filter(|_| !is_left_out(COMPANY_HEADER, false, progress));
        self.create(step, path, company_id.map(|id| (COMPANY_HEADER, id)), &json!([self.member(lead, progress)]))
    }

    fn member(&self, lead: &Lead, progress: &Progress) -> Json {
        let options = &self.options;
        let takes = |key| !is_left_out(key, false, progress);
        let takes_own = |key| !is_left_out(key, true, progress);
        let mut note = Note::new(lead);
        let mut member = Map::new();
        let mut put = |key: &str, value: Json| drop(member.insert(key.to_owned(), value));

        // (1) What is required, and the name, whose parts are never empty.
        if options.record == Record::Lead {
            put("type", json!(options.lead_type.name()));
        }
        put("email", json!(text_of(lead, LeadField::Email)));
        put(
            "status",
            match options.record {
                Record::Lead => json!(options.status),
                Record::Client => json!(CLIENT_STATUS),
            },
        );
        let name = lead.name_parts();
        put("firstName", json!(name.first));
        put("lastName", json!(name.last));
        note.placed(&[LeadField::Email, LeadField::Name, LeadField::FirstName, LeadField::LastName]);

        // (2) What the lead has.
        for (key, field) in PLAIN {
            if let Some(value) = lead.get(*field).filter(|_| takes(key)) {
                put(key, json!(value));
                note.placed(&[*field]);
            }
        }
        let (source, whole) = self.source(lead);
        if takes("source") {
            if !source.is_empty() {
                put("source", json!(source));
            }
            if whole {
                note.used(&options.source);
            }
        }

        // (3) What the destination adds.
        if let Some(template) = options.lead_value.as_ref().filter(|_| takes_own("leadValue")) {
            let value = lead::render::render(template, lead);
            if !value.trim().is_empty() {
                put("leadValue", json!(value.trim()));
                note.used(template);
            }
        }
        put("sendInvitationEmail", json!(false));
        if !options.category.is_empty() && takes_own("category") {
            put("category", json!(options.category));
        }
        if let Some(agent) = options.agent.as_ref().filter(|_| takes_own("agent")) {
            put("agent", json!(agent));
        }
        let custom = self.custom_fields(lead, progress, &mut note);
        if !custom.is_empty() {
            put("customFields", Json::Array(custom));
        }
        Json::Object(member)
    }

    /// The custom fields; the note comes last, when everything else has found its place.
    fn custom_fields(&self, lead: &Lead, progress: &Progress, note: &mut Note<'_>) -> Vec<Json> {
        let mut custom = Vec::new();
        for field in self.options.fields.iter().filter(|field| !is_left_out(&field.name, true, progress)) {
            match lead::typed::typed(field, lead) {
                Ok(None) => {}
                Ok(Some(value)) => {
                    note.used(&field.template);
                    custom.push(custom_field(&field.name, value));
                }
                Err(unfit) => note.rejected(&unfit.name, &unfit.text),
            }
        }
        if let Some(id) = self.options.note_field.as_ref().filter(|id| !progress.is_left_out(id)) {
            let mut text = note.text();
            if progress.is_left_out(MARKUP) {
                text = left_out::plain(&text).into_owned();
            }
            if progress.is_left_out(LONG_NOTE) {
                text = left_out::shortened(text);
            }
            if !text.is_empty() {
                custom.push(custom_field(id, Value::Text(text)));
            }
        }
        custom
    }
}

/// A custom field's value under the key of its type. A date is a moment at AgencyHandy, midnight UTC.
pub(super) fn custom_field(id: &str, value: Value) -> Json {
    let (key, value) = match value {
        Value::Text(text) => ("stringValue", json!(text)),
        Value::Number(number) => ("numberValue", json!(number)),
        Value::Bool(flag) => ("booleanValue", json!(flag)),
        Value::Date(day) => ("dateValue", json!(format!("{day}T00:00:00.000Z"))),
        Value::DateTime(moment) => ("dateValue", json!(moment)),
        Value::List(texts) => {
            let items: Vec<_> = texts.into_iter().map(|text| json!({ "value": text, "label": text })).collect();
            ("arrayValue", Json::Array(items))
        }
    };
    json!({ "_id": id, key: value })
}
