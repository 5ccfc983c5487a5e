//! What the connectors' tests share: an account from its settings, a lead from its fields, outcomes in a few words.

use serde_json::Value as Json;

use crate::domain::Lead;
use crate::domain::settings::Reader;
use crate::intake::map::tests::lead_of;

use super::{AnyConnector, Call, Descriptor, Destination, HeaderValue, Outcome, Progress, Response, Step};

/// The connector of a destination with these settings, which must be valid.
pub(super) fn account(name: &str, settings: Json) -> std::rc::Rc<dyn AnyConnector> {
    destination(name, settings).unwrap_or_else(|errors| panic!("{errors}")).connector
}

/// A destination, or its mistakes, one a line.
#[allow(clippy::needless_pass_by_value, reason = "callers build it with json! in place")]
pub(crate) fn destination(name: &str, settings: Json) -> Result<Destination, String> {
    let mut errors = Vec::new();
    let table = settings.as_object().expect("a table");
    let read = Destination::read(name, Reader::new("DESTINATION_X", table, &mut errors));
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    read.filter(|_| lines.is_empty()).ok_or_else(|| lines.join("\n"))
}

/// A lead of the submission `0192-id` with these form fields.
pub(crate) fn lead(fields: &[(&str, &str)]) -> Lead {
    lead_of(fields)
}

/// The call of a step that must be one.
pub(super) fn call(step: Result<Step, super::StateError>) -> Call {
    match step {
        Ok(Step::Call(call)) => *call,
        other => panic!("no call: {other:?}"),
    }
}

/// The first call for a lead.
pub(super) fn first_call(connector: &dyn AnyConnector, lead: &Lead) -> Call {
    call(connector.next(lead, &Progress::default(), &Json::Null))
}

/// The body of a call.
pub(super) fn body(call: &Call) -> Json {
    serde_json::from_str(call.body.as_deref().unwrap_or("null")).expect("JSON")
}

/// The headers of a call, secrets as `{SUFFIX}`.
pub(super) fn headers(call: &Call) -> Vec<String> {
    let text = |value: &HeaderValue| match value {
        HeaderValue::Text(text) => text.clone(),
        HeaderValue::Secret { prefix, suffix } => format!("{prefix}{{{suffix}}}"),
        HeaderValue::Timestamp => "{timestamp}".to_owned(),
        HeaderValue::Signature { id, suffix } => format!("{{signature of {id} with {suffix}}}"),
    };
    call.headers.iter().map(|(name, value)| format!("{name}: {}", text(value))).collect()
}

/// What a response to `call` means, in a few words: `delivered 7c9e`, `rejected invalid`, `continue omitted phone`.
pub(super) fn outcome(
    connector: &dyn AnyConnector,
    descriptor: &Descriptor,
    call: &Call,
    status: u16,
    body: &str,
) -> String {
    let (mut progress, mut account) = (Progress::default(), Json::Null);
    read(connector, descriptor, call, status, body, &mut progress, &mut account)
}

/// The same with progress and account, which the response may change.
pub(super) fn read(
    connector: &dyn AnyConnector,
    descriptor: &Descriptor,
    call: &Call,
    status: u16,
    body: &str,
    progress: &mut Progress<Json>,
    account: &mut Json,
) -> String {
    let response = Response::new(descriptor.format(), status, Vec::new(), body, 0);
    let kind = |failure: &super::Failure| serde_json::to_value(failure.kind).expect("a word");
    match connector.read(call, &response, progress, account).expect("state that can be read") {
        Outcome::Continue(text) => {
            let text = text.split(": ").next().unwrap_or_default();
            format!("continue {text}").trim().to_owned()
        }
        Outcome::Delivered(record) => match record.note {
            Some(note) => {
                let missing = if record.message_missing { " without the message" } else { "" };
                format!("delivered {} ({note}){missing}", record.id).replace("  ", " ")
            }
            None => format!("delivered {}", record.id),
        },
        Outcome::Retry(failure) => format!("retry {}", kind(&failure).as_str().unwrap_or_default()),
        Outcome::Rejected(failure) => format!("rejected {}", kind(&failure).as_str().unwrap_or_default()),
    }
}
