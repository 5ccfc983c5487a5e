//! A signed webhook: posts the submission and its lead as JSON, for Zapier, Make, n8n or the operator's own service.
//!
//! It follows Standard Webhooks, <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>:
//! `webhook-id`, `webhook-timestamp`, `webhook-signature`. Id and body are the same in every attempt, so a receiver that
//! remembers ids drops repeats. The contract is the status alone: any 2xx counts, whatever the body.

use std::fmt;

use serde_json::{Map, Value as Json, json};

use crate::domain::address::Address;
use crate::domain::lead::rfc3339;
use crate::domain::typed::typed;
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
    // Receivers have no common format.
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
            // There is no record; the message's id takes its place.
            200..=299 => {
                let id = call.headers.iter().find_map(|(_, value)| match value {
                    HeaderValue::Signature { id, .. } => Some(id.as_str()),
                    _ => None,
                });
                Outcome::Delivered(RecordRef::new(id.unwrap_or_default()))
            }
            // Services respond like this while they are off or being deployed.
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
                Ok(Some(value)) => drop(custom.insert(field.name.clone(), json!(value))),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::testing::{self, account, destination, lead};

    const URL: &str = "https://hooks.example.com/catch/1?a=b";

    fn webhook(fields: &Json) -> std::rc::Rc<dyn AnyConnector> {
        account("acme-hook", json!({ "type": "webhook", "url": URL, "fields": fields }))
    }

    #[test]
    fn the_whole_message_of_a_full_and_a_minimal_lead() {
        let mut full = lead(&[
            ("성함", "홍길동"),
            ("email", "hong@example.com"),
            ("topic", "a"),
            ("topic", "b"),
            ("budget", "5,000"),
            ("start", "soon"),
            ("sure", "yes"),
            ("call", "2024-04-16T07:18:17.516Z"),
            ("empty", ""),
        ]);
        full.submission.page = Some("https://www.example.com/contact".into());
        full.submission.locale = Some("ko-KR".into());
        let fields = json!({
            "예산": { "number": "{budget}" }, "topics": { "list": "{topic}" }, "from": "{form} form",
            "start": { "date": "{start}" }, "sure": { "bool": "{sure}" }, "at": { "datetime": "{call}" },
            "nothing": "{nothing}",
        });
        let call = testing::first_call(&*webhook(&fields), &full);
        assert_eq!((call.method.name(), call.url.as_str()), ("POST", URL));
        assert_eq!(
            testing::headers(&call),
            [
                "Accept: application/json",
                "webhook-id: 0192-id-acme-hook",
                "webhook-timestamp: {timestamp}",
                "webhook-signature: {signature of 0192-id-acme-hook with SIGNING_SECRET}",
                "Content-Type: application/json",
            ]
        );
        let unmapped = json!({
            "topic": ["a", "b"], "budget": "5,000", "start": "soon", "sure": "yes", "call": "2024-04-16T07:18:17.516Z",
        });
        let mut sent = json!({ "성함": "홍길동", "email": "hong@example.com", "empty": "" });
        sent.as_object_mut().unwrap().extend(unmapped.as_object().unwrap().clone());
        let expected = json!({
            "type": "submission", "timestamp": "2024-04-16T07:18:17.516Z",
            "data": {
                "id": "0192-id", "form": "contact", "submitted_at": "2024-04-16T07:18:17.516Z",
                "page": "https://www.example.com/contact", "country": null, "locale": "ko-KR",
                "fields": sent,
                "lead": {
                    "name": "홍길동", "email": "hong@example.com", "first_name": "길동", "last_name": "홍",
                },
                "unmapped": unmapped,
                "custom": {
                    "예산": 5000, "topics": ["a", "b"], "from": "contact form", "sure": true,
                    "at": "2024-04-16T07:18:17.516Z",
                },
                "unfit": { "start": "soon" },
            },
        });
        assert_eq!(testing::body(&call), expected);

        let minimal = testing::first_call(&*webhook(&json!({})), &lead(&[("name", "Cher")]));
        let data = &testing::body(&minimal)["data"];
        assert_eq!((&data["lead"], &data["custom"]), (&json!({ "name": "Cher", "first_name": "Cher" }), &json!({})));
        assert!(data.get("unfit").is_none());
    }

    #[test]
    fn what_each_response_means() {
        let webhook = webhook(&json!({}));
        let call = testing::first_call(&*webhook, &lead(&[("email", "a@example.com")]));
        for (status, body, expected) in [
            (200, "", "delivered 0192-id-acme-hook"),
            (202, r#"{"status":"success"}"#, "delivered 0192-id-acme-hook"),
            (204, "", "delivered 0192-id-acme-hook"),
            (200, "<html>ok</html>", "delivered 0192-id-acme-hook"),
            (301, "", "retry unavailable"),
            // A text may be a proxy's, or a queue that is full.
            (400, "Queue is full.", "retry unavailable"),
            (400, r#"{"error":"no"}"#, "rejected invalid"),
            (422, r#""no""#, "rejected invalid"),
            (401, "who?", "retry credentials"),
            (403, "", "retry credentials"),
            (404, r#"{"error":"no"}"#, "retry not_found"),
            (405, "", "retry not_found"),
            (409, r#"{"error":"no"}"#, "retry conflict"),
            (410, "gone", "rejected not_found"),
            (429, "", "retry rate_limited"),
            (500, r#"{"error":"no"}"#, "retry unavailable"),
        ] {
            assert_eq!(testing::outcome(&*webhook, &DESCRIPTOR, &call, status, body), expected, "{status} {body}");
        }
    }

    #[test]
    fn the_address_is_checked_and_never_shown() {
        let read = |url: Json| destination("hook", json!({ "type": "webhook", "url": url }));
        for (url, mistake) in [
            ("hooks.example.com/s3cret", "does not begin with https:// or http://"),
            ("http://hooks.example.com/s3cret", "the address is http"),
            ("https://hooks.example.com/s3cret#a", "has a # part"),
            ("https://user@hooks.example.com/s3cret", "has a user name in it"),
        ] {
            let error = read(json!(url)).unwrap_err();
            assert!(error.contains(mistake) && !error.contains("s3cret"), "{error}");
        }
        assert!(
            destination("hook", json!({ "type": "webhook" })).unwrap_err().contains("the https address to post to")
        );
        for url in [URL, "http://localhost:8788/s3cret"] {
            let debug = format!("{:?}", read(json!(url)).unwrap());
            assert!(!debug.contains("s3cret") && !debug.contains("catch"), "{debug}");
        }
    }
}
