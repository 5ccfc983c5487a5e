//! Replies: to a refusal, and in the platform's types.

use serde_json::{Value, json};
use worker::{Headers, Response, ResponseBody, Result, Url};

use crate::config::{Config, Lookup};
use crate::domain::text;
use crate::intake::negotiate::{Wants, wants};
use crate::intake::redirect::{BACK, back};
use crate::intake::{Form, Input, RefusalKind, Refused, Reply, Visit, reply};
use crate::pages::{self, Kept};

/// The form of this name, or the reason for the refusal.
pub fn form<'c>(config: &'c Config, name: &str) -> std::result::Result<&'c Form, RefusalKind> {
    match config.form(name) {
        Lookup::Found(form) => Ok(form),
        Lookup::Broken => Err(RefusalKind::BrokenForm),
        Lookup::Unknown => Err(RefusalKind::UnknownForm),
    }
}

/// A refusal as page or JSON; the page keeps what the visitor typed. `form` is `None` for an unknown or broken form.
pub fn refused(visit: &Visit, form: Option<&Form>, local: bool, Refused { refusal, input }: &Refused) -> Reply {
    match wants(visit) {
        Wants::Json => reply::refused_json(refusal, visit.language()),
        Wants::Html => {
            let back = form.and_then(|form| back(visit, form, input.control.first(BACK), local));
            // A fragment is shown on the website's own page, where a path would lead to the website.
            let action = if visit.is_fragment { visit.url.as_str() } else { visit.url.path() };
            let back = back.as_ref().map(Url::as_str);
            let kept = Kept { action, back, fields: &input.fields, control: &input.control };
            pages::refused(refusal, &kept, visit.language())
        }
    }
}

/// A refusal of a request without a body.
pub fn refuse(visit: &Visit, kind: RefusalKind) -> Reply {
    refused(visit, None, false, &Input::default().refused(kind))
}

/// A reply of the operator API, as JSON. What visitors wrote is in it, so control characters are escaped.
pub fn json_reply(status: u16, value: &Value) -> Reply {
    let body = text::escape_controls(&format!("{value}\n")).into_owned();
    Reply { status, headers: headers("application/json; charset=utf-8"), body }
}

/// The headers of the operator API's replies.
pub fn headers(content_type: &str) -> Vec<(&'static str, String)> {
    vec![
        ("Content-Type", content_type.to_owned()),
        ("Cache-Control", "no-store".to_owned()),
        ("X-Content-Type-Options", "nosniff".to_owned()),
    ]
}

/// An error of the operator API: what is wrong and what to do.
pub fn error(status: u16, message: &str) -> Reply {
    json_reply(status, &json!({ "ok": false, "error": message }))
}

/// The reply in the platform's types; HEAD gets no body.
pub fn respond(visit: &Visit, reply: Reply) -> Result<Response> {
    let headers = Headers::new();
    for (name, value) in &reply.headers {
        headers.append(name, value)?;
    }
    let body = if visit.method == "HEAD" || reply.body.is_empty() {
        ResponseBody::Empty
    } else {
        ResponseBody::Body(reply.body.into_bytes())
    };
    Ok(Response::from_body(body)?.with_headers(headers).with_status(reply.status))
}
