//! What goes back to a visitor: a success or a refusal in the form that the client expects, readable by the scripts of
//! other websites.

use worker::{Headers, Method, Request, Response, ResponseBody, Result, Url};

use crate::config::Form;
use crate::form::decode::Decoded;
use crate::form::negotiate::Wants;
use crate::form::redirect::Next;
use crate::form::refusal::{Refusal, RefusalKind};
use crate::form::reply::{self, Reply};
use crate::pages;

use super::request::{came_from, header, language, wanted};

/// Headers that a script may send along; the last two are those of the Formspree clients.
const ALLOWED_HEADERS: &str =
    "Content-Type, Accept, X-Requested-With, Authorization, Idempotency-Key, Formspree-Client, Formspree-Session-Data";

/// How long a browser may remember a preflight, in seconds.
const PREFLIGHT_AGE: &str = "86400";

/// The success: where the visitor goes next.
pub fn accepted(request: &Request, form: &Form, id: &str, next: Next) -> Result<Reply> {
    let next = match (next, &form.redirect) {
        (Next::To(page), _) => page,
        (Next::Unsaid | Next::Refused(_), Some(redirect)) => redirect.clone(),
        (Next::Unsaid | Next::Refused(_), None) => format!("/f/{}/thanks", form.name),
    };
    Ok(match wanted(request) {
        Wants::Html => reply::accepted_redirect(&next),
        Wants::Json => {
            // Clients treat `next` as an address to go to: it is given whole.
            let next = request.url()?.join(&next).map(String::from).unwrap_or(next);
            reply::accepted_json(id, &next, language(request))
        }
    })
}

/// The refusal in the form that this client expects; the page keeps what the visitor typed.
pub fn refused(request: &Request, refusal: &Refusal, decoded: &Decoded) -> Reply {
    match wanted(request) {
        Wants::Json => reply::refused_json(refusal, language(request)),
        Wants::Html => {
            let back = came_from(request);
            let (action, back) = (&request.path(), back.as_ref().map(Url::as_str));
            let kept = pages::Kept { action, back, fields: &decoded.fields, control: &decoded.control };
            pages::refused(refusal, &kept, language(request))
        }
    }
}

/// A refusal that has nothing to keep: the body was not read.
pub fn refuse(request: &Request, kind: RefusalKind) -> Reply {
    refused(request, &Refusal::new(kind), &Decoded::default())
}

/// Answers a preflight, of any website: whether it may post is decided at the post, where its script can read the reason.
pub fn preflight(request: &Request) -> Reply {
    let reply = Reply { status: 204, headers: Vec::new(), body: String::new() }
        .with("Access-Control-Allow-Methods", "POST")
        .with("Access-Control-Allow-Headers", ALLOWED_HEADERS)
        .with("Access-Control-Max-Age", PREFLIGHT_AGE);
    shared(request, reply)
}

/// The reply, readable by the script of the page that asked: an error that it cannot read is a riddle in its console.
pub fn shared(request: &Request, reply: Reply) -> Reply {
    let vary = reply.header("Vary").map_or_else(|| "Origin".to_owned(), |vary| format!("{vary}, Origin"));
    let reply = reply.with("Vary", vary);
    match header(request, "origin") {
        Some(origin) => reply
            .with("Access-Control-Allow-Origin", origin)
            // Without this line a script of another site cannot read it.
            .with("Access-Control-Expose-Headers", "Retry-After"),
        None => reply,
    }
}

/// The reply as the platform takes it; HEAD gets no body.
pub fn respond(method: &Method, reply: Reply) -> Result<Response> {
    let headers = Headers::new();
    for (name, value) in &reply.headers {
        headers.append(name, value)?;
    }
    let body = if *method == Method::Head || reply.body.is_empty() {
        ResponseBody::Empty
    } else {
        ResponseBody::Body(reply.body.into_bytes())
    };
    Ok(Response::from_body(body)?.with_headers(headers).with_status(reply.status))
}
