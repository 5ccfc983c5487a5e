//! What StateSet's answers mean.
//!
//! Two shapes of error are documented, <https://docs.stateset.com/api-reference/errors> (`RESOURCE_ALREADY_EXISTS`,
//! with `details`) and the commerce API's (`parameter_invalid`, with `param`); which one the leads route speaks is not
//! said, so both are read.

use serde_json::{Map, Value as Json};

use crate::crm::already_there::says_already_there;
use crate::crm::left_out::{self, EVERYTHING, LONG_NOTE, MARKUP, OWN_FIELDS};
use crate::crm::{Answer, Call, RecordRef, Trouble, Verdict, Why, status};

use super::NEEDED;

/// The verdict on the one call; `own` are the operator's own fields.
pub(super) fn verdict(own: &[&str], call: &Call, answer: &Answer) -> Verdict {
    let body = answer.json().unwrap_or_default();
    if let Some(id) = body["id"].as_str().filter(|id| answer.is_success() && !id.is_empty()) {
        return Verdict::Delivered(RecordRef { id: id.to_owned(), note: None });
    }
    let error = ApiError::of(&body);
    let trouble = |why| Trouble::new(why, status::excerpt(answer)).wait(status::wait_ms(answer));
    match answer.status {
        // The same request is being handled right now, or was; a later repeat gets its answer.
        _ if error.code == "idempotency_key_in_use" => Verdict::TryLater(trouble(Why::Unavailable)),
        // The person is in StateSet already, and StateSet does not say under which id. It takes no second lead for an
        // email, so this is as delivered as it can be; the console shows the note, and the submission is kept.
        400 | 409 | 422 if error.says_email_is_taken() => {
            let note = "already there: StateSet has a lead with this email".to_owned();
            Verdict::Delivered(RecordRef { id: String::new(), note: Some(note) })
        }
        400 | 422 if !status::is_cut(answer) => left_out::met(error.left_out(own, call), trouble(Why::Invalid)),
        _ => status::verdict(call, answer),
    }
}

/// An error of either shape; empty where it says nothing.
#[derive(Debug)]
struct ApiError {
    /// In lower case.
    code: String,
    /// In lower case.
    message: String,
    /// The fields that it speaks of.
    fields: Vec<String>,
}

impl ApiError {
    fn of(body: &Json) -> Self {
        let error = &body["error"];
        let text = |value: &Json| value.as_str().unwrap_or_default().to_lowercase();
        let details = &error["details"];
        let named = [&error["param"], &error["field"], &details["field"], &details["param"]];
        let keys = details.as_object().into_iter().flat_map(|details| details.keys().cloned());
        let fields = named.into_iter().filter_map(|name| name.as_str().map(str::to_owned)).chain(keys).collect();
        // An error that is a mere text, or a message beside it.
        let message = [&error["message"], error, &body["message"]].into_iter().find(|value| value.is_string());
        Self { code: text(&error["code"]), message: message.map(text).unwrap_or_default(), fields }
    }

    fn says_email_is_taken(&self) -> bool {
        let says_email = self.code.contains("email") || self.message.contains("email");
        let of_email = says_email || self.fields.iter().any(|field| field == "email");
        let by_code = || {
            const CODES: &[&str] = &["already", "email_exists", "duplicate", "taken", "unique", "conflict"];
            CODES.iter().any(|code| self.code.contains(code))
        };
        of_email && (by_code() || says_already_there(&self.message))
    }

    /// What the lead goes without after this error, see [`left_out`]; nothing when that would not help.
    fn left_out(&self, own: &[&str], call: &Call) -> Vec<String> {
        let sent = call.json().as_ref().and_then(Json::as_object).cloned().unwrap_or_default();
        let spare = |key: &str| !NEEDED.contains(&key);
        let one = |field: &str| vec![field.to_owned()];
        // (1) The fields that the error names, in its members or in words.
        let by_member: Vec<&str> = sent.keys().map(String::as_str).filter(|key| self.names(key)).collect();
        let by_word = || left_out::named(&self.message, sent.keys().map(String::as_str)).into_iter().collect();
        let named: Vec<&str> = if by_member.is_empty() { by_word() } else { by_member };
        if named.contains(&"description") {
            return about_description(&sent).map(one).unwrap_or_default();
        }
        // When a needed one is wrong too, another call without the others changes nothing.
        if named.iter().any(|key| !spare(key)) {
            return Vec::new();
        }
        if !named.is_empty() {
            return named.into_iter().map(str::to_owned).collect();
        }
        // (2) The operator's own fields; (3) whatever is not needed; (4) the texts themselves.
        if sent.keys().any(|key| spare(key) && own.contains(&key.as_str())) {
            return one(OWN_FIELDS);
        }
        if sent.keys().any(|key| spare(key)) {
            return one(EVERYTHING);
        }
        about_description(&sent).map(one).unwrap_or_default()
    }

    fn names(&self, key: &str) -> bool {
        self.fields.iter().any(|field| field == key)
    }
}

/// What may be wrong with the text that holds the message.
fn about_description(sent: &Map<String, Json>) -> Option<&'static str> {
    let texts = || sent.iter().filter(|(key, _)| *key != "email").filter_map(|(_, value)| value.as_str());
    if texts().any(left_out::has_markup) {
        return Some(MARKUP);
    }
    sent.get("description")?.as_str().filter(|text| left_out::is_long(text)).map(|_| LONG_NOTE)
}
