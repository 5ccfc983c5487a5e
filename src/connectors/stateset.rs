//! StateSet: creates a lead. <https://docs.stateset.com/api-reference/leads/create>
//!
//! - The page's body parameter `current_token` belongs to another product; it is never sent.
//! - Success is the lead's `id`; the response has no envelope. Two shapes of error are documented
//!   (<https://docs.stateset.com/api-reference/errors>). The page does not say which one this route uses; both are read.
//! - Email is unique, so a repeated create is rejected. `Idempotency-Key` is sent as well, but the page does not say that
//!   this route honors it.

use serde_json::{Value as Json, json};

use crate::domain::typed::Value;
use crate::domain::{Kind, Lead, LeadField, Template, TypedField};

use super::draft::{Draft, Source, named_in, says_already_there};
use super::{
    AnyConnector, Call, Connector, Descriptor, FailureKind, Guarantee, Opt, Options, Outcome, Pace, Progress, Record,
    RecordRef, Response, Secret, Step,
};

/// What a StateSet destination is.
pub static DESCRIPTOR: Descriptor = Descriptor {
    name: "stateset",
    title: "StateSet",
    records: &[Record { name: "lead", creates: "a lead", guarantee: Guarantee::OncePerPerson, needs_token: false }],
    secrets: &[Secret {
        suffix: "API_KEY",
        hint: "the StateSet API key (sk_live_ or sk_test_), from Settings > API keys",
    }],
    pace: Some(Pace { points: 100, window_ms: 60_000 }),
    options: &[
        Opt::choice("environment", &["production", "sandbox"], "which StateSet to call"),
        Opt::template(
            "lead_source",
            "{source|website}",
            "written to `leadSource`; a word StateSet does not know becomes `other`",
        ),
        Opt::fields("fields", TYPES, "your own values for StateSet's writable fields"),
    ],
    is_own_format: |body| body["id"].is_string() || body["error"]["code"].is_string(),
    message: |body| body["error"]["message"].as_str().map(str::to_owned),
    build,
};

/// Fields of a lead that the vendor's page lets a client write; the last two are true or false, the others texts.
const WRITABLE: &[&str] = &[
    "firstName",
    "lastName",
    "email",
    "phone",
    "title",
    "department",
    "leadSource",
    "description",
    "mailingStreet",
    "mailingCity",
    "mailingState",
    "mailingCountry",
    "do_not_call",
    "email_opt_out",
];

const FLAGS: &[&str] = &["do_not_call", "email_opt_out"];

const TYPES: &[(&str, Kind)] = &[("text", Kind::Text), ("bool", Kind::Bool), ("date", Kind::Date)];

/// The words for `leadSource`.
const LEAD_SOURCES: &[&str] = &["website", "referral", "trade_show", "cold_call", "social_media", "partner", "other"];

/// What is never omitted.
const REQUIRED: &[&str] = &["firstName", "lastName", "email", "description"];

/// Where the lead's fields go unless the operator's `fields` fill the same key.
const DEFAULTS: &[(&str, Source)] = &[
    ("firstName", Source::FirstName),
    ("lastName", Source::LastName),
    ("email", Source::Field(LeadField::Email)),
    ("phone", Source::Field(LeadField::Phone)),
    ("title", Source::Field(LeadField::JobTitle)),
    ("mailingStreet", Source::Field(LeadField::Street)),
    ("mailingCity", Source::Field(LeadField::City)),
    ("mailingState", Source::Field(LeadField::State)),
    ("mailingCountry", Source::Field(LeadField::Country)),
];

/// A StateSet account.
#[derive(Debug)]
struct StateSet {
    destination: String,
    origin: &'static str,
    lead_source: Template,
    fields: Vec<TypedField>,
}

fn build(destination: &str, options: &mut Options<'_, '_>) -> Option<Box<dyn AnyConnector>> {
    let origin = match options.choice("environment") {
        Some("sandbox") => "https://api.sandbox.stateset.com",
        _ => "https://api.stateset.com",
    };
    let (lead_source, fields) = (options.template("lead_source"), options.fields("fields"));
    for field in &fields {
        let key = format!("fields.{}", field.name);
        if !WRITABLE.contains(&field.name.as_str()) {
            options
                .reader()
                .error(&key, format!("is not a writable field of StateSet; it takes one of {}", WRITABLE.join(", ")));
        } else if FLAGS.contains(&field.name.as_str()) != (field.kind == Kind::Bool) {
            options.reader().error(&key, "has the wrong type; do_not_call and email_opt_out are bool, all others text");
        }
    }
    Some(Box::new(StateSet { destination: destination.to_owned(), origin, lead_source: lead_source?, fields }))
}

impl Connector for StateSet {
    type State = ();
    type Account = ();

    fn next(&self, lead: &Lead, progress: &Progress<()>, (): &()) -> Step {
        let mut draft = Draft::new(lead, &progress.omitted);
        draft.fields(&self.fields, REQUIRED, json_of).defaults(DEFAULTS, REQUIRED);
        draft.one_of("leadSource", &self.lead_source, LEAD_SOURCES, "other").note_under("description");
        let drafted = draft.take();
        if !drafted.values.contains_key("email") {
            return Step::incomplete("StateSet requires an email");
        }
        // A known key gets the stored response whatever is sent, so each different request needs another key.
        let suffix = |word: &str, number: usize| if number == 0 { String::new() } else { format!("-{word}-{number}") };
        let (resends, omissions) =
            (suffix("again", progress.resends as usize), suffix("without", progress.omitted.count()));
        Call::post("lead", format!("{}/v1/leads", self.origin))
            .bearer("API_KEY")
            .header("Idempotency-Key", format!("{}-{}{resends}{omissions}", lead.submission.id, self.destination))
            .json(&Json::Object(drafted.values.clone()))
            .carries(&drafted)
            .idempotent()
            .into()
    }

    fn read(&self, call: &Call, response: &Response, progress: &mut Progress<()>, (): &mut ()) -> Outcome {
        let Some(body) = response.json() else { return response.by_status() };
        if let Some(id) = RecordRef::id_in(&body["id"]).filter(|_| response.is_success()) {
            return Outcome::Delivered(RecordRef::new(id));
        }
        let named = named_fields(body, call, response);
        match response.status {
            // The same request is being handled, or was; a later repeat gets its response.
            _ if body["error"]["code"] == "idempotency_key_in_use" => {
                Outcome::Retry(response.failure(FailureKind::Unavailable))
            }
            // StateSet takes no second lead for an email and does not say which one has it.
            400 | 409 | 422 if email_is_taken(body, call, response, &named) => {
                let record = RecordRef::already_there("", "StateSet has a lead with this email");
                Outcome::Delivered(record.without_message())
            }
            400 | 422 if named.iter().any(|field| field == "description") => {
                progress.omitted.after_note_rejection(call, response.failure(FailureKind::Invalid))
            }
            400 | 422 => progress.omitted.after_rejection(call, &named, response.failure(FailureKind::Invalid)),
            _ => response.by_status(),
        }
    }
}

/// Every writable field is a text or a flag.
fn json_of(_: &TypedField, value: Value) -> Result<Json, String> {
    match value {
        Value::Text(text) | Value::Date(text) | Value::DateTime(text) => Ok(json!(text)),
        Value::Bool(flag) => Ok(json!(flag)),
        Value::Number(number) => Err(number.to_string()),
        Value::List(list) => Err(list.join(", ")),
    }
}

/// The fields `call` carried that an error names, by its members or in words.
fn named_fields(body: &Json, call: &Call, response: &Response) -> Vec<String> {
    let (error, details) = (&body["error"], &body["error"]["details"]);
    let sent = call.sent();
    let sent = sent.as_object();
    let members =
        [&error["param"], &error["field"], &details["field"], &details["param"]].into_iter().filter_map(Json::as_str);
    let keys = details.as_object().into_iter().flat_map(|details| details.keys().map(String::as_str));
    let carried = |name: &&str| sent.is_some_and(|sent| sent.contains_key(*name));
    let by_member: Vec<String> = members.chain(keys).filter(carried).map(str::to_owned).collect();
    if !by_member.is_empty() {
        return by_member;
    }
    let names = sent.into_iter().flat_map(|sent| sent.keys().map(String::as_str));
    named_in(&response.phrases(call), names).map(str::to_owned).into_iter().collect()
}

fn email_is_taken(body: &Json, call: &Call, response: &Response, named: &[String]) -> bool {
    const CODES: &[&str] = &["already", "email_exists", "duplicate", "taken", "unique", "conflict"];
    let code = body["error"]["code"].as_str().unwrap_or_default().to_lowercase();
    let phrases = response.phrases(call);
    let of_email = code.contains("email") || phrases.contains("email") || named.iter().any(|field| field == "email");
    of_email && (CODES.iter().any(|word| code.contains(word)) || says_already_there(&phrases))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::testing::{self, account, lead};

    #[test]
    fn requests_for_a_full_and_a_minimal_lead() {
        let stateset = account(
            "stateset",
            json!({ "type": "stateset", "fields": {
            "department": "{team|Sales}", "do_not_call": { "bool": "{no_calls}" }, "email_opt_out": { "bool": "{opt_out}" },
        } }),
        );
        let full = lead(&[
            ("name", "Sarah Johnson"),
            ("email", "sarah@example.com"),
            ("phone", "+1-555-0100"),
            ("job_title", "CTO"),
            ("street", "1 Main St"),
            ("city", "Springfield"),
            ("country", "US"),
            ("source", "Trade Show"),
            ("message", "Please call."),
            ("no_calls", "yes"),
            ("opt_out", "perhaps"),
            ("budget", "5000"),
        ]);
        let call = testing::first_call(&*stateset, &full);
        assert_eq!(
            (call.method, call.url.as_str()),
            (crate::connectors::Method::Post, "https://api.stateset.com/v1/leads")
        );
        assert_eq!(
            testing::headers(&call),
            [
                "Accept: application/json",
                "Authorization: Bearer {API_KEY}",
                "Idempotency-Key: 0192-id-stateset",
                "Content-Type: application/json",
            ]
        );
        assert_eq!(
            testing::body(&call),
            json!({
                "department": "Sales", "do_not_call": true, "firstName": "Sarah", "lastName": "Johnson",
                "email": "sarah@example.com", "phone": "+1-555-0100", "title": "CTO", "mailingStreet": "1 Main St",
                "mailingCity": "Springfield", "mailingCountry": "US", "leadSource": "trade_show",
                "description": "Please call.\n\nbudget: 5000\nemail_opt_out: perhaps",
            })
        );
        let minimal = testing::first_call(&*stateset, &lead(&[("email", "s@example.com")]));
        assert_eq!(
            testing::body(&minimal),
            json!({
                "department": "Sales", "firstName": "-", "lastName": "-", "email": "s@example.com", "leadSource": "website",
            })
        );
        let nobody = stateset.next(&lead(&[("name", "Sarah")]), &Progress::default(), &Json::Null);
        assert_eq!(nobody, Ok(Step::incomplete("StateSet requires an email")));
    }

    #[test]
    fn what_each_response_means() {
        let stateset = account("stateset", json!({ "type": "stateset" }));
        let full = lead(&[("name", "S J"), ("email", "s@example.com"), ("phone", "1"), ("message", "Hi <b>")]);
        let call = testing::first_call(&*stateset, &full);
        for (status, body, expected) in [
            (201, json!({ "id": "7c9e", "object": "lead" }), "delivered 7c9e"),
            (201, json!({ "id": "" }), "retry unexpected"),
            (201, json!({ "lead": { "id": "7c9e" } }), "retry unexpected"),
            (
                409,
                json!({ "error": { "code": "RESOURCE_ALREADY_EXISTS", "message": "A lead with this email exists" } }),
                "delivered (already there: StateSet has a lead with this email) without the message",
            ),
            (
                400,
                json!({ "error": { "code": "parameter_invalid", "message": "must be unique", "param": "email" } }),
                "delivered (already there: StateSet has a lead with this email) without the message",
            ),
            (
                422,
                json!({ "error": { "code": "parameter_invalid", "message": "the domain of this email does not exist", "param": "email" } }),
                "rejected invalid",
            ),
            (
                409,
                json!({ "error": { "code": "RESOURCE_CONFLICT", "message": "handle is taken" } }),
                "rejected conflict",
            ),
            (
                409,
                json!({ "error": { "code": "idempotency_key_in_use", "message": "key in use" } }),
                "retry unavailable",
            ),
            (
                422,
                json!({ "error": { "code": "parameter_invalid", "message": "too long", "param": "phone" } }),
                "continue omitted phone",
            ),
            (
                422,
                json!({ "error": { "code": "X", "message": "leadSource is not one of the known sources" } }),
                "continue omitted leadSource",
            ),
            (
                422,
                json!({ "error": { "code": "X", "message": "no", "param": "description" } }),
                "continue omitted the note's markup and length",
            ),
            (
                422,
                json!({ "error": { "code": "parameter_unknown", "message": "no", "param": "current_token" } }),
                "continue omitted everything optional",
            ),
            (
                401,
                json!({ "error": { "code": "INVALID_API_KEY", "message": "API key is invalid" } }),
                "retry credentials",
            ),
            (404, json!({ "error": { "code": "RESOURCE_NOT_FOUND", "message": "no" } }), "rejected not_found"),
            (500, json!({ "error": { "code": "INTERNAL_ERROR", "message": "no" } }), "retry unavailable"),
        ] {
            assert_eq!(
                testing::outcome(&*stateset, &DESCRIPTOR, &call, status, &body.to_string()),
                expected,
                "{status} {body}"
            );
        }
    }
}
