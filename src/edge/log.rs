//! One structured line per event, with ids and classes, never a field's value, a vendor's words or a secret.

use serde_json::{Value, json};

use crate::domain::Address;
use crate::domain::settings::ConfigError;
use crate::domain::sorted::Map;
use crate::intake::{Refusal, RefusalKind};
use crate::outbox::core;

use super::platform;

/// A mistake in the configuration. The message quotes the operator's own vars, which hold no secrets.
pub fn config_error(error: &ConfigError) {
    platform::error(&json!({ "event": "config_error", "error": error.to_string() }).to_string());
}

/// A request did not become a submission. Errors are counted per code, without fields and values.
pub fn rejected(form: &str, refusal: &Refusal) {
    let kind = match refusal.kind {
        RefusalKind::Invalid => "validation".to_owned(),
        kind => kind.code().to_ascii_lowercase(),
    };
    let mut codes: Map<String, u32> = Map::new();
    for error in &refusal.errors {
        *codes.or_default(error.code.log_name()) += 1;
    }
    platform::log(&json!({ "event": "rejected", "form": form, "kind": kind, "codes": codes }).to_string());
}

/// A post came from a website that may not post: most often one that the operator forgot in `allowed_origins`. Only a valid
/// origin is shown; anybody can write anything there.
pub fn origin_refused(form: &str, origin: Option<&str>) {
    let origin = origin.and_then(|origin| Some(Address::parse(origin).ok()?.origin()));
    platform::log(&json!({ "event": "origin_refused", "form": form, "origin": origin }).to_string());
}

/// A visitor did not pass the captcha; the submission is not stored under this id.
pub fn captcha_refused(form: &str, submission: &str, why: &str) {
    platform::log(
        &json!({ "event": "captcha_refused", "form": form, "submission": submission, "why": why }).to_string(),
    );
}

/// The captcha could not be verified: submissions go to quarantine until the operator fixes it.
pub fn unverified(form: &str, submission: &str, why: &str) {
    platform::error(&json!({ "event": "unverified", "form": form, "submission": submission, "why": why }).to_string());
}

/// An event of an Outbox; a failure goes to the error log.
pub fn event(event: &Value) {
    if event["event"] == "failure" {
        platform::error(&event.to_string());
    } else {
        platform::log(&event.to_string());
    }
}

/// Something failed that should not; `what` names the place, `error` comes from the platform.
pub fn failure(what: &str, error: &dyn std::fmt::Display) {
    event(&core::failure(what, None, None, error));
}

/// As [`failure`], about a form and, where there is one, a submission.
pub fn form_failure(what: &str, form: &str, submission: Option<&str>, error: &dyn std::fmt::Display) {
    event(&core::failure(what, Some(form), submission, error));
}
