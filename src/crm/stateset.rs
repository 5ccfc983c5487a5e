//! StateSet, a lead: `POST /v1/leads`, <https://docs.stateset.com/api-reference/leads/create>.
//!
//! - The page's body parameter `current_token` is another product's ("the user group that you want to rotate") and is
//!   never sent; the writable fields are those of the newer copy of the page.
//! - The answer is the flat lead, without an envelope; success is its `id`.
//! - `Idempotency-Key` is the submission's id with the destination's name, so that a repeat makes no second lead.

use serde_json::{Map, Value as Json, json};

use crate::config::destination::stateset::{LEAD_SOURCES, Options};
use crate::config::{LeadField, names};
use crate::lead::{self, Lead, note::Note, typed::Value};

use super::{Answer, Call, Crm, HeaderValue, Method, Progress, RecordRef, Safety, Step, Trouble, Verdict, Why, status};

/// A StateSet account.
#[derive(Debug)]
pub struct StateSet {
    name: String,
    options: Options,
}

impl StateSet {
    /// The account of the destination `name`.
    pub fn new(name: &str, options: Options) -> Self {
        Self { name: name.to_owned(), options }
    }

    fn body(&self, lead: &Lead) -> Json {
        let mut note = Note::new(lead);
        let mut body = Map::new();
        let parts = lead.name_parts();
        body.insert("firstName".into(), json!(parts.first));
        body.insert("lastName".into(), json!(parts.last));
        note.placed(&[LeadField::Name, LeadField::FirstName, LeadField::LastName]);
        for (key, field) in [
            ("email", LeadField::Email),
            ("phone", LeadField::Phone),
            ("title", LeadField::JobTitle),
            ("mailingStreet", LeadField::Street),
            ("mailingCity", LeadField::City),
            ("mailingState", LeadField::State),
            ("mailingCountry", LeadField::Country),
        ] {
            if let Some(value) = lead.get(field) {
                body.insert(key.into(), json!(value));
                note.placed(&[field]);
            }
        }
        let source = lead::render::render(&self.options.lead_source, lead);
        let known = LEAD_SOURCES.contains(&source.as_str());
        body.insert("leadSource".into(), json!(if known { source.as_str() } else { "other" }));
        if known {
            note.used(&self.options.lead_source);
        }
        for field in &self.options.fields {
            match lead::typed::typed(field, lead) {
                Ok(None) => {}
                Ok(Some(value)) => {
                    note.used(&field.template);
                    let value = match value {
                        Value::Bool(flag) => json!(flag),
                        Value::Text(text) => json!(text),
                        _ => continue,
                    };
                    body.insert(field.name.clone(), value);
                }
                Err(unfit) => note.refused(&unfit.name, &unfit.text),
            }
        }
        let text = note.text();
        if !text.is_empty() && !body.contains_key("description") {
            body.insert("description".into(), json!(text));
        }
        Json::Object(body)
    }
}

impl Crm for StateSet {
    fn next(&self, lead: &Lead, _progress: &Progress) -> Step {
        if lead.get(LeadField::Email).is_none() {
            return Step::Refused(Trouble::new(Why::Incomplete, "StateSet requires an email"));
        }
        Step::Call(Box::new(Call {
            step: "lead",
            method: Method::Post,
            url: format!("{}/v1/leads", self.options.origin),
            headers: vec![
                (
                    "Authorization",
                    HeaderValue::Secret { prefix: "Bearer ", name: names::secret_name(&self.name, "API_KEY") },
                ),
                ("Content-Type", HeaderValue::Text("application/json".into())),
                ("Accept", HeaderValue::Text("application/json".into())),
                ("Idempotency-Key", HeaderValue::Text(format!("{}-{}", lead.submission.id, self.name))),
            ],
            body: Some(self.body(lead).to_string()),
            safety: Safety::Idempotent,
        }))
    }

    fn read(&self, call: &Call, answer: &Answer) -> Verdict {
        let id = answer.json().and_then(|body| Some(body.get("id")?.as_str()?.to_owned()));
        match id.filter(|id| answer.is_success() && !id.is_empty()) {
            Some(id) => Verdict::Delivered(RecordRef { id, note: None }),
            None => status::verdict(call, answer),
        }
    }
}
