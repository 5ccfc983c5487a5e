//! One structured line per event, with ids and classes, never a field's value, a vendor's words or a secret.

use serde_json::{Value, json};
use worker::{console_error, console_log};

use crate::config::ConfigError;
use crate::config::address::Address;

/// A mistake in the configuration. The message quotes the operator's own vars, which hold no secrets.
pub fn config_error(error: &ConfigError) {
    console_error!("{}", json!({ "event": "config_error", "error": error.to_string() }));
}

/// A post came from a website that may not post; the one that is missing in `allowed_origins` is most often the operator's
/// own. What is no origin is not told: anybody can write anything there.
pub fn origin_refused(form: &str, origin: Option<&str>) {
    let origin = origin.and_then(|origin| Some(Address::parse(origin).ok()?.origin()));
    console_log!("{}", json!({ "event": "origin_refused", "form": form, "origin": origin }));
}

/// A visitor did not pass the captcha.
pub fn captcha_refused(form: &str, why: &str) {
    console_log!("{}", json!({ "event": "captcha_refused", "form": form, "why": why }));
}

/// The captcha could not be asked or does not fit the form, and submissions pile up in quarantine until the operator mends it.
pub fn unverified(form: &str, why: &str) {
    console_error!("{}", json!({ "event": "unverified", "form": form, "why": why }));
}

/// An event of an Outbox; a failure goes to the error log.
pub fn event(event: &Value) {
    if event["event"] == "failure" {
        console_error!("{event}");
    } else {
        console_log!("{event}");
    }
}

/// Something failed that should not; `what` names the place, `error` comes from the platform.
pub fn failure(what: &str, error: &dyn std::fmt::Display) {
    event(&json!({ "event": "failure", "what": what, "error": error.to_string() }));
}

/// The same, for a form and, where there is one, a submission.
pub fn failure_of(what: &str, form: &str, submission: Option<&str>, error: &dyn std::fmt::Display) {
    event(&json!({
        "event": "failure", "what": what, "form": form, "submission": submission, "error": error.to_string(),
    }));
}
