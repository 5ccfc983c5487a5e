//! Replies: to a refusal, and in the platform's types.

use worker::{Headers, Response, ResponseBody, Result, Url};

use crate::config::{Config, Lookup};
use crate::intake::negotiate::{Wants, wants};
use crate::intake::redirect::{BACK, back};
use crate::intake::{Brand, Form, Input, RefusalKind, Refused, Reply, Visit, reply};
use crate::pages::{self, Kept, Thanks};

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
