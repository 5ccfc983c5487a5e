//! StateSet, a lead: `POST /v1/leads`, <https://docs.stateset.com/api-reference/leads/create>.
//!
//! - The page's body parameter `current_token` is another product's ("the user group that you want to rotate") and is
//!   never sent; the writable fields are those of the newer copy of the page.
//! - The answer is the flat lead, without an envelope; success is its `id`.
//! - `Idempotency-Key` is the submission's id with the destination's name, so that a repeat makes no second lead. Whether
//!   this route honours the key is not documented; the email is unique, so a repeat is refused at worst.
//! - A value that StateSet refuses is left out of the next call, which is another request and has another key.

mod answer;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value as Json, json};

use crate::config::destination::stateset::{LEAD_SOURCES, Options};
use crate::config::names;
use crate::domain::LeadField;
use crate::lead::render::render;
use crate::lead::typed::{Value, typed};
use crate::lead::{Lead, note::Note};

use super::left_out::{self, LONG_NOTE, MARKUP, OWN_FIELDS};
use super::{Answer, Call, Crm, HeaderValue, Method, Progress, Safety, Step, Trouble, Verdict, Why};

/// Fields that a lead cannot do without: the required ones, and the one that holds the visitor's message.
const NEEDED: &[&str] = &["firstName", "lastName", "email", "description"];

/// Where the lead fields go by themselves; the names come from the whole name.
const FIELDS: &[(&str, LeadField)] = &[
    ("email", LeadField::Email),
    ("phone", LeadField::Phone),
    ("title", LeadField::JobTitle),
    ("mailingStreet", LeadField::Street),
    ("mailingCity", LeadField::City),
    ("mailingState", LeadField::State),
    ("mailingCountry", LeadField::Country),
];

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

    fn body(&self, lead: &Lead, progress: &Progress) -> Map<String, Json> {
        let own = |key: &str| self.options.fields.iter().any(|field| field.name == key);
        let refused = |key: &str| {
            let groups = progress.is_bare() || (progress.is_left_out(OWN_FIELDS) && own(key));
            progress.is_left_out(key) || (groups && !NEEDED.contains(&key))
        };
        let mut body = Map::new();
        let mut note = Note::new(lead);
        // (1) The operator's own fields go before the built-in ones.
        for field in &self.options.fields {
            let value = match typed(field, lead) {
                Ok(None) => continue,
                Ok(Some(value)) if !refused(&field.name) => json_of(value),
                Ok(Some(_)) => Err(render(&field.template, lead)),
                Err(unfit) => Err(unfit.text),
            };
            note.used(&field.template);
            match value {
                Ok(value) => drop(body.insert(field.name.clone(), value)),
                Err(text) => note.rejected(&field.name, &text),
            }
        }
        // (2) Both names are required, and a Lead has a stand-in for what it does not know.
        let parts = lead.name_parts();
        body.entry("firstName").or_insert_with(|| json!(parts.first));
        body.entry("lastName").or_insert_with(|| json!(parts.last));
        note.placed(&[LeadField::Name, LeadField::FirstName, LeadField::LastName]);
        // (3) What the operator did not fill.
        for (key, field) in FIELDS.iter().filter(|(key, _)| !refused(key)) {
            if let Some(value) = lead.get(*field).filter(|_| !body.contains_key(*key)) {
                body.insert((*key).to_owned(), json!(value));
                note.placed(&[*field]);
            }
        }
        if !body.contains_key("leadSource") && !refused("leadSource") {
            let source = lead_source(&render(&self.options.lead_source, lead));
            if source.is_some() {
                note.used(&self.options.lead_source);
            }
            body.insert("leadSource".to_owned(), json!(source.unwrap_or("other")));
        }
        // (4) The rest, below what the operator wants to stand in the description.
        let own = body.get("description").and_then(Json::as_str);
        if let Some(mut text) = description(own, &note.text()) {
            if progress.is_left_out(LONG_NOTE) {
                text = left_out::shortened(text);
            }
            body.insert("description".to_owned(), json!(text));
        }
        if progress.is_left_out(MARKUP) {
            for text in body.iter_mut().filter(|(key, _)| *key != "email").map(|(_, value)| value) {
                if let Json::String(text) = text {
                    *text = left_out::plain(text).into_owned();
                }
            }
        }
        body
    }

    /// One key for one request: StateSet answers a known key with what it answered before, whatever is sent.
    fn idempotency_key(&self, lead: &Lead, progress: &Progress) -> String {
        // The stored answer to the first request is the refusal that a person has mended since. And what is left out only
        // grows, so its number tells the requests of one delivery apart.
        let told_apart =
            |word: &str, number: usize| if number == 0 { String::new() } else { format!("-{word}-{number}") };
        let again = told_apart("again", usize::try_from(progress.sent_again).unwrap_or(usize::MAX));
        let without = told_apart("without", progress.left_out.len());
        format!("{}-{}{again}{without}", lead.submission.id, self.name)
    }
}

impl Crm for StateSet {
    fn next(&self, lead: &Lead, progress: &Progress) -> Step {
        let body = self.body(lead, progress);
        if !body.contains_key("email") {
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
                ("Idempotency-Key", HeaderValue::Text(self.idempotency_key(lead, progress))),
            ],
            body: Some(Json::Object(body).to_string()),
            safety: Safety::Idempotent,
        }))
    }

    fn read(&self, call: &Call, answer: &Answer) -> Verdict {
        let own: Vec<&str> = self.options.fields.iter().map(|field| field.name.as_str()).collect();
        answer::verdict(&own, call, answer)
    }
}

/// Every writable field is a text or a flag; a value of another type is a text for the note.
fn json_of(value: Value) -> Result<Json, String> {
    match value {
        Value::Text(text) | Value::Date(text) | Value::DateTime(text) => Ok(json!(text)),
        Value::Bool(flag) => Ok(json!(flag)),
        Value::Number(number) => Err(number.to_string()),
        Value::List(list) => Err(list.join(", ")),
    }
}

/// StateSet's word for a source, however it is spelled (`Trade Show`); `None` when it has none.
fn lead_source(text: &str) -> Option<&'static str> {
    let text = text.trim().to_lowercase().replace([' ', '-'], "_");
    LEAD_SOURCES.iter().copied().find(|known| *known == text)
}

/// The operator's own description and the note, apart by a blank line.
fn description(own: Option<&str>, note: &str) -> Option<String> {
    let parts: Vec<_> = own.into_iter().chain([note]).filter(|text| !text.trim().is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}
