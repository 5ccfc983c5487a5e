//! What the operator asks: the submissions of a form and where their deliveries stand, as JSON, with `ADMIN_TOKEN`.

use serde::Serialize;
use serde_json::json;
use worker::{Env, Request, Result};

use crate::config::Lookup;
use crate::form::reply::Reply;

use super::outbox::client::Client;
use super::{environment, submit};

/// A page of submissions, newest first; `before` is the id of the last one of the page before.
pub async fn submissions(request: &Request, env: &Env, form: &str, before: Option<&str>) -> Result<Reply> {
    if let Err(reply) = authorize(request, env, form) {
        return Ok(reply);
    }
    let before = before.filter(|id| is_id(id));
    Ok(json_reply(200, &json!({ "submissions": Client::new(env, form).submissions(before).await? })))
}

/// One submission with the timeline of each delivery.
pub async fn submission(request: &Request, env: &Env, form: &str, id: &str) -> Result<Reply> {
    if let Err(reply) = authorize(request, env, form) {
        return Ok(reply);
    }
    let found = if is_id(id) { Client::new(env, form).submission(id).await? } else { None };
    Ok(match found {
        Some(view) => json_reply(200, &view),
        None => error(404, "there is no such submission"),
    })
}

/// Releases a submission from quarantine, or sends it again after it was refused.
pub async fn release(request: &Request, env: &Env, form: &str, id: &str) -> Result<Reply> {
    if let Err(reply) = authorize(request, env, form) {
        return Ok(reply);
    }
    let released = if is_id(id) { Client::new(env, form).release(id).await? } else { None };
    Ok(match released {
        Some(view) => json_reply(200, &view),
        None => error(404, "there is no such submission"),
    })
}

/// The token first: whoever has none learns nothing about forms.
fn authorize(request: &Request, env: &Env, form: &str) -> std::result::Result<(), Reply> {
    let Some(token) = environment::secret(env, "ADMIN_TOKEN") else {
        return Err(error(503, "the secret ADMIN_TOKEN is not set"));
    };
    if !submit::is_bearer(request, &token) {
        return Err(error(401, "this needs the header `Authorization: Bearer` with the ADMIN_TOKEN"));
    }
    match environment::config(env).form(form) {
        Lookup::Found(_) | Lookup::Broken => Ok(()),
        Lookup::Unknown => Err(error(404, "there is no such form")),
    }
}

fn is_id(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

fn error(status: u16, message: &str) -> Reply {
    json_reply(status, &json!({ "ok": false, "error": message }))
}

fn json_reply<T: Serialize>(status: u16, value: &T) -> Reply {
    let headers = vec![
        ("Content-Type", "application/json; charset=utf-8".to_owned()),
        ("Cache-Control", "no-store".to_owned()),
        ("X-Content-Type-Options", "nosniff".to_owned()),
    ];
    Reply { status, headers, body: serde_json::to_string(value).unwrap_or_default() }
}
