//! Replies: to a refusal, and as the platform takes them.

use serde_json::{Value, json};
use wasm_bindgen::JsValue;
use worker::Url;

use crate::config::{Config, Lookup};
use crate::domain::text;
use crate::intake::negotiate::{Wants, wants};
use crate::intake::redirect::{BACK, back};
use crate::intake::{Brand, Form, Input, RefusalKind, Refused, Reply, Visit, reply};
use crate::pages::{self, Kept, Thanks};

/// The form of this name, or the reason for the refusal.
pub fn form<'c>(config: &'c Config, name: &str) -> Result<&'c Form, RefusalKind> {
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
            let brand = form.map_or(&Brand::NONE, |form| &form.brand);
            let kept = Kept { action, back, brand, fields: &input.fields, control: &input.control };
            pages::refused(refusal, &kept, visit.language())
        }
    }
}

/// The thank-you page; in the demo, it links to the record in the fake CRM.
pub fn thanks(visit: &Visit, config: &Config, form: Option<&Form>, passed_on: Option<&str>) -> Reply {
    let local = config.crm_origin.is_some();
    let back = form.and_then(|form| back(visit, form, passed_on, local));
    let destination = form.and_then(|form| config.destination(form.destinations.first()?));
    let crm = config.crm_origin.as_deref().filter(|_| config.demo);
    let record = crm.zip(destination).map(|(crm, destination)| format!("{crm}/#{}", destination.descriptor.name));
    let brand = form.map_or(&Brand::NONE, |form| &form.brand);
    Thanks { back: back.as_ref().map(Url::as_str), brand, record: record.as_deref() }.page(visit.language())
}

/// A refusal of a request without a body.
pub fn refuse(visit: &Visit, kind: RefusalKind) -> Reply {
    refused(visit, None, false, &Input::default().refused(kind))
}

/// A reply of the operator API, as JSON. It may contain visitors' input, so control characters are escaped.
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

/// A part of the storage does not answer, and without it the reply would be wrong.
pub fn unreachable() -> Reply {
    error(503, "a part of the storage does not answer: send the same again in a minute")
}

/// The reply as the Worker's entry takes it: status, headers and body, as JSON. HEAD gets no body.
pub fn respond(visit: &Visit, reply: &Reply) -> JsValue {
    let body = Some(&reply.body).filter(|body| visit.method != "HEAD" && !body.is_empty());
    serde_json::to_string(&(reply.status, &reply.headers, body)).unwrap_or_default().into()
}
