//! What the operator asks: the submissions of a form and where their deliveries stand, as JSON, with `ADMIN_TOKEN`.

use serde::Serialize;
use serde_json::json;
use worker::{Env, Request, Result};

use crate::config::Lookup;
use crate::delivery::outboxes;
use crate::form::reply::Reply;

use super::outbox::PAGE;
use super::outbox::client::Client;
use super::outbox::wire::SubmissionView;
use super::{environment, log, submit};

/// A page of submissions, newest first; `before` is the id of the last one of the page before.
pub async fn submissions(request: &Request, env: &Env, form: &str, before: Option<&str>) -> Result<Reply> {
    if let Err(reply) = authorize(request, env, form) {
        return Ok(reply);
    }
    let before = before.filter(|id| is_id(id));
    let mut views: Vec<SubmissionView> = Vec::new();
    for outbox in outboxes(env, form).await {
        views.extend(Client::new(env, &outbox).submissions(before).await?);
    }
    // Ids are in the order of time.
    views.sort_by(|a, b| b.submission.id.cmp(&a.submission.id));
    views.truncate(PAGE);
    Ok(json_reply(200, &json!({ "submissions": views })))
}

/// One submission with the timeline of each delivery.
pub async fn submission(request: &Request, env: &Env, form: &str, id: &str) -> Result<Reply> {
    if let Err(reply) = authorize(request, env, form) {
        return Ok(reply);
    }
    if is_id(id) {
        for outbox in outboxes(env, form).await {
            if let Some(view) = Client::new(env, &outbox).submission(id).await? {
                return Ok(json_reply(200, &view));
            }
        }
    }
    Ok(error(404, "there is no such submission"))
}

/// Releases a submission from quarantine, or sends it again after it was refused.
pub async fn release(request: &Request, env: &Env, form: &str, id: &str) -> Result<Reply> {
    if let Err(reply) = authorize(request, env, form) {
        return Ok(reply);
    }
    if is_id(id) {
        for outbox in outboxes(env, form).await {
            if let Some(view) = Client::new(env, &outbox).release(id).await? {
                return Ok(json_reply(200, &view));
            }
        }
    }
    Ok(error(404, "there is no such submission"))
}

/// Every Outbox of a form: those of its config, and those that it had before.
async fn outboxes(env: &Env, form: &str) -> Vec<String> {
    let shards = environment::config(env).forms.get(form).map_or(1, |form| form.shards);
    let mut names = outboxes::of_form(form, shards);
    match Client::new(env, outboxes::REGISTRY).outboxes().await {
        Ok(registered) => {
            let others = registered.into_iter().filter(|name| outboxes::form_of(name) == form);
            let others: Vec<String> = others.filter(|name| !names.contains(name)).collect();
            names.extend(others);
        }
        Err(error) => log::failure("registry", &error),
    }
    names
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
