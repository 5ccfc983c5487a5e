//! A signed webhook: the submission and its lead as JSON, for Zapier, Make, n8n, or the user's own service.
//!
//! Signed as Standard Webhooks,
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>: `webhook-id`,
//! `webhook-timestamp`, `webhook-signature`. The id and the body are the same for every try of a delivery (the timestamp
//! is not), so a receiver that keeps the ids drops repeats. The body:
//!
//! ```json
//! { "type": "submission",
//!   "timestamp": "2025-11-13T02:13:20.000Z",
//!   "data": {
//!     "id": "…", "form": "contact", "submitted_at": "2025-11-13T02:13:20.000Z",
//!     "page": "https://www.example.com/contact", "country": "KR", "locale": "ko-KR",
//!     "fields":   { "email": "a@example.com", "topic": ["a", "b"] },
//!     "lead":     { "email": "a@example.com", "first_name": "…" },
//!     "unmapped": { "topic": ["a", "b"] },
//!     "custom":   { "budget": 5000 },
//!     "unfit":    { "start": "as soon as possible" } } }
//! ```
//!
//! `page`, `country` and `locale` are null when they are not known. `fields` is everything that the visitor sent, `lead` what
//! was recognised or mapped, `unmapped` the rest, `custom` the destination's own fields with their types, and `unfit` the
//! texts that were not of their type. A name that was sent once is a text, one that was sent more often a list.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value as Json, json};

use crate::config::destination::webhook::Options;
use crate::config::names;
use crate::domain::LeadField;
use crate::form::Fields;
use crate::lead::typed::{Value, typed};
use crate::lead::{Lead, NameParts, rfc3339};

use super::{Answer, Call, Crm, HeaderValue, Method, Progress, RecordRef, Safety, Step, Trouble, Verdict, Why, status};

/// A service that takes webhooks.
#[derive(Debug)]
pub struct Webhook {
    name: String,
    options: Options,
}

impl Webhook {
    /// The service of the destination `name`.
    pub fn new(name: &str, options: Options) -> Self {
        Self { name: name.to_owned(), options }
    }

    fn body(&self, lead: &Lead) -> Json {
        let submission = &lead.submission;
        let submitted_at = rfc3339(submission.received_at);
        let (custom, unfit) = self.custom(lead);
        let mut data = json!({
            "id": submission.id,
            "form": submission.form,
            "submitted_at": submitted_at,
            "page": submission.page,
            "country": submission.country,
            "locale": submission.locale,
            "fields": object_of(&submission.fields),
            "lead": lead_object(lead),
            "unmapped": object_of(&lead.unmapped),
            "custom": custom,
        });
        if !unfit.is_empty() {
            data["unfit"] = Json::Object(unfit);
        }
        // The time of the event, not of the try: the body of a repeat is the same to the byte.
        json!({ "type": "submission", "timestamp": submitted_at, "data": data })
    }

    fn custom(&self, lead: &Lead) -> (Map<String, Json>, Map<String, Json>) {
        let (mut custom, mut unfit) = (Map::new(), Map::new());
        for field in &self.options.fields {
            match typed(field, lead) {
                Ok(None) => {}
                Ok(Some(value)) => drop(custom.insert(field.name.clone(), json_of(value))),
                Err(wrong) => drop(unfit.insert(wrong.name, wrong.text.into())),
            }
        }
        (custom, unfit)
    }

    fn message_id(&self, lead: &Lead) -> String {
        format!("{}-{}", lead.submission.id, self.name)
    }
}

impl Crm for Webhook {
    fn next(&self, lead: &Lead, _progress: &Progress) -> Step {
        let id = self.message_id(lead);
        Step::Call(Box::new(Call {
            step: "post",
            method: Method::Post,
            url: self.options.url.clone(),
            headers: vec![
                ("Content-Type", HeaderValue::Text("application/json".into())),
                (ID, HeaderValue::Text(id.clone())),
                ("webhook-timestamp", HeaderValue::Timestamp),
                (
                    "webhook-signature",
                    HeaderValue::Signature { id, name: names::secret_name(&self.name, "SIGNING_SECRET") },
                ),
            ],
            body: Some(self.body(lead).to_string()),
            safety: Safety::Idempotent,
        }))
    }

    /// Any 2xx is taken: this contract has no record and no body to answer with, so the message's id stands for both.
    ///
    /// The body never changes, so a receiver that calls it wrong will do so again; everything else is tried again, a
    /// missing route too: services answer 404 while they are switched off or deployed. 410 is the standard's "never again",
    /// and refused by its status.
    fn read(&self, call: &Call, answer: &Answer) -> Verdict {
        let trouble = |why| Trouble::new(why, status::excerpt(answer)).wait(status::wait_ms(answer));
        match answer.status {
            200..=299 => {
                let id = call.header(ID).unwrap_or_default().to_owned();
                Verdict::Delivered(RecordRef { id, note: None })
            }
            404 | 405 => Verdict::TryLater(trouble(Why::NotFound)),
            409 => Verdict::TryLater(trouble(Why::Conflict)),
            _ => status::verdict(call, answer),
        }
    }
}

const ID: &str = "webhook-id";

/// The lead's values, with the name in parts when there is a name.
fn lead_object(lead: &Lead) -> Map<String, Json> {
    let mut object: Map<_, _> =
        lead.values.iter().map(|(field, value)| (field.name().to_owned(), value.clone().into())).collect();
    if lead.get(LeadField::Name).is_some() {
        let parts = lead.name_parts();
        for (field, part) in [(LeadField::FirstName, parts.first), (LeadField::LastName, parts.last)] {
            // The stand-in for a part that is not known is for CRMs that insist on one.
            if part != NameParts::UNKNOWN {
                object.entry(field.name()).or_insert(part.into());
            }
        }
    }
    object
}

/// One member per name, in the order of first appearance.
fn object_of(fields: &Fields) -> Map<String, Json> {
    let member = |(name, values): (&str, Vec<&str>)| {
        let value = if let [value] = values.as_slice() { Json::from(*value) } else { Json::from(values) };
        (name.to_owned(), value)
    };
    fields.by_name().into_iter().map(member).collect()
}

fn json_of(value: Value) -> Json {
    match value {
        Value::Text(text) | Value::Date(text) | Value::DateTime(text) => text.into(),
        Value::Number(number) => Json::Number(number),
        Value::Bool(flag) => flag.into(),
        Value::List(list) => list.into(),
    }
}
