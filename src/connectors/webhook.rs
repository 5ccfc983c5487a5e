//! A signed webhook: posts the submission and its lead as JSON, for Zapier, Make, n8n or the operator's own service.
//!
//! It follows Standard Webhooks, <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>:
//! `webhook-id`, `webhook-timestamp`, `webhook-signature`. Id and body are the same in every attempt, so a receiver that
//! remembers ids drops repeats. The contract is the status alone: any 2xx counts, whatever the body.

use std::fmt;

use serde_json::{Map, Value as Json, json};

use crate::domain::address::Address;
use crate::domain::lead::rfc3339;
use crate::domain::typed::{Value, typed};
use crate::domain::{Fields, Kind, Lead, LeadField, NameParts, TypedField};

use super::{
    AnyConnector, Call, Connector, Descriptor, FailureKind, Guarantee, HeaderValue, Opt, Options, Outcome, Progress,
    Record, RecordRef, Response, Secret, Step,
};

/// What a webhook destination is.
pub static DESCRIPTOR: Descriptor = Descriptor {
    name: "webhook",
    title: "Webhook",
    records: &[Record {
        name: "message",
        creates: "a message; the receiver drops repeats by `webhook-id`",
        guarantee: Guarantee::MayRepeat,
        needs_token: false,
    }],
    secrets: &[Secret {
        suffix: "SIGNING_SECRET",
        hint: "the secret that signs messages, shared with the receiver: `whsec_` and the base64 of at least 24 random bytes",
    }],
    pace: None,
    options: &[
        Opt::text("url", "the https address to post to").required(),
        Opt::fields("fields", Kind::COMMON, "your own values, sent as `data.custom`"),
    ],
    // Every receiver has a format of its own.
    is_own_format: |_| true,
    message: |body| {
        let texts = [body, &body["error"], &body["message"], &body["error"]["message"]];
        texts.into_iter().find_map(Json::as_str).map(str::to_owned)
    },
    build,
};

/// The address of a receiver, and the operator's own values. Whoever knows the address may post to it, so it is not shown.
struct Webhook {
    destination: String,
    url: String,
    fields: Vec<TypedField>,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("destination", &self.destination).finish_non_exhaustive()
    }
}

fn build(destination: &str, options: &mut Options<'_, '_>) -> Option<Box<dyn AnyConnector>> {
    let (url, fields) = (options.text("url")?, options.fields("fields"));
    let mistake = match Address::parse(&url) {
        Err(error) => format!("the address {error}; it takes one such as \"https://hooks.example.com/leads\""),
        Ok(address) if address.scheme == "http" && !address.is_loopback() => {
            "the address is http; it takes https (http only for this machine)".to_owned()
        }
        Ok(address) if address.rest.contains('#') => "the address has a # part, which is never sent".to_owned(),
        Ok(_) => return Some(Box::new(Webhook { destination: destination.to_owned(), url, fields })),
    };
    options.reader().error("url", mistake);
    None
}

impl Connector for Webhook {
    type State = ();
    type Account = ();

    fn next(&self, lead: &Lead, _: &Progress<()>, (): &()) -> Step {
        let id = format!("{}-{}", lead.submission.id, self.destination);
        let signature = HeaderValue::Signature { id: id.clone(), suffix: "SIGNING_SECRET" };
        Call::post("post", &*self.url)
            .header("webhook-id", id)
            .header_value("webhook-timestamp", HeaderValue::Timestamp)
            .header_value("webhook-signature", signature)
            .json(&self.message(lead))
            .idempotent()
            .into()
    }

    fn read(&self, call: &Call, response: &Response, _: &mut Progress<()>, (): &mut ()) -> Outcome {
        let retry = |kind| Outcome::Retry(response.failure(kind));
        match response.status {
            // There is no record and no body to expect: the message's id stands for both.
            200..=299 => {
                let id = call.headers.iter().find_map(|(_, value)| match value {
                    HeaderValue::Signature { id, .. } => Some(id.as_str()),
                    _ => None,
                });
                Outcome::Delivered(RecordRef::new(id.unwrap_or_default()))
            }
            // Services answer so while they are switched off or deployed.
            404 | 405 => retry(FailureKind::NotFound),
            409 => retry(FailureKind::Conflict),
            // The standard's "never again".
            410 => Outcome::Rejected(response.failure(FailureKind::NotFound)),
            _ => response.by_status(),
        }
    }
}

impl Webhook {
    /// The message. `fields` is everything that the visitor sent, `lead` what was mapped, `unmapped` the rest, `custom` the
    /// operator's values with their types, and `unfit` the texts that were not of their type.
    fn message(&self, lead: &Lead) -> Json {
        let submission = &lead.submission;
        let submitted_at = rfc3339(submission.received_at);
        let (mut custom, mut unfit) = (Map::new(), Map::new());
        for field in &self.fields {
            match typed(field, lead) {
                Ok(None) => {}
                Ok(Some(value)) => drop(custom.insert(field.name.clone(), json_of(value))),
                Err(mismatch) => drop(unfit.insert(field.name.clone(), mismatch.text.into())),
            }
        }
        let mut data = json!({
            "id": submission.id,
            "form": submission.form,
            "submitted_at": submitted_at,
            "page": submission.page,
            "country": submission.country,
            "locale": submission.locale,
            "fields": members(&submission.fields),
            "lead": values(lead),
            "unmapped": members(&lead.unmapped),
            "custom": custom,
        });
        if !unfit.is_empty() {
            data["unfit"] = unfit.into();
        }
        // The time of the submission, not of the attempt: the body never changes.
        json!({ "type": "submission", "timestamp": submitted_at, "data": data })
    }
}

/// The lead's values, with the name in parts if there is one.
fn values(lead: &Lead) -> Map<String, Json> {
    let value = |(field, value): (&LeadField, &String)| (field.name().to_owned(), value.as_str().into());
    let mut values: Map<_, _> = lead.values.iter().map(value).collect();
    if lead.get(LeadField::Name).is_some() {
        let parts = lead.name_parts();
        for (field, part) in [(LeadField::FirstName, parts.first), (LeadField::LastName, parts.last)] {
            if part != NameParts::UNKNOWN {
                values.entry(field.name()).or_insert(part.into());
            }
        }
    }
    values
}

/// A member per name, in the order of first appearance: a text, or a list if the name was sent more than once.
fn members(fields: &Fields) -> Map<String, Json> {
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
