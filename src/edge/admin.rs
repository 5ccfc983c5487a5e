//! The operator API: the submissions of a form and their deliveries, as JSON, with `ADMIN_TOKEN`.

use futures_util::future::join_all;
use serde::Serialize;
use serde_json::json;
use worker::{Env, Result};

use crate::config::Lookup;
use crate::intake::{Reply, Visit};
use crate::outbox::client::Client;
use crate::outbox::object::{PAGE, PAGE_BYTES};
use crate::outbox::{OutboxError, SubmissionView, names};

use super::outbox::Platform;
use super::{environment, log};

/// A page of submissions, newest first; `before` is the id of the last one of the previous page. An Outbox that does not
/// answer is named in `unreachable`; the others are listed all the same.
pub async fn submissions(visit: &Visit, env: &Env, form: &str) -> Result<Reply> {
    if let Err(reply) = authorize(visit, env) {
        return Ok(reply);
    }
    let before = visit.parameter("before").filter(|id| is_id(id));
    let before = before.as_deref();
    let (names, mut unreachable) = outboxes(env, form).await;
    if names.is_empty() && unreachable.is_empty() {
        return Ok(error(404, "there is no such form"));
    }
    let bytes = PAGE_BYTES / names.len().max(1);
    let network = &Platform::new(env);
    let pages =
        join_all(names.iter().map(|name| async move { Client::new(network, name).submissions(before, bytes).await }))
            .await;
    let mut views: Vec<SubmissionView> = Vec::new();
    // Submissions older than the end of a page that was cut come with the next page: others there may be newer.
    let mut end = String::new();
    for (name, page) in names.into_iter().zip(pages) {
        match page {
            Ok(page) => {
                let last = page.submissions.last().filter(|_| page.is_cut);
                end = end.max(last.map(|view| view.submission.id.clone()).unwrap_or_default());
                views.extend(page.submissions);
            }
            Err(error) => {
                log::failure("submissions", &error);
                unreachable.push(name);
            }
        }
    }
    views.retain(|view| view.submission.id >= end);
    // Ids are in the order of time. A submission that an overflow is handing over is shown once.
    views.sort_by(|a, b| b.submission.id.cmp(&a.submission.id));
    views.dedup_by(|later, earlier| later.submission.id == earlier.submission.id);
    views.truncate(PAGE);
    let mut body = json!({ "submissions": views });
    if !unreachable.is_empty() {
        body["unreachable"] = json!(unreachable);
    }
    Ok(json_reply(200, &body))
}

/// One submission with the timeline of each delivery.
pub async fn submission(visit: &Visit, env: &Env, form: &str, id: &str) -> Result<Reply> {
    if let Err(reply) = authorize(visit, env) {
        return Ok(reply);
    }
    Ok(find(env, form, id, Ask::One, async |client| client.submission(id).await).await)
}

/// Releases a submission from quarantine, or sends it again after it was refused.
pub async fn release(visit: &Visit, env: &Env, form: &str, id: &str) -> Result<Reply> {
    if let Err(reply) = authorize(visit, env) {
        return Ok(reply);
    }
    Ok(find(env, form, id, Ask::All, async |client| client.release(id).await).await)
}

/// Any other request below `/api`.
pub fn elsewhere(visit: &Visit, env: &Env) -> Reply {
    let routes = "the routes are GET /api/forms/{form}/submissions, GET /api/forms/{form}/submissions/{id} and POST \
                  /api/forms/{form}/submissions/{id}/release";
    authorize(visit, env).err().unwrap_or_else(|| error(404, routes))
}

/// Which of the Outboxes that have the submission are asked.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ask {
    /// The first that has it.
    One,
    /// All: while an overflow hands a submission over, the form's Outbox may have it as well.
    All,
}

/// Asks one Outbox after the other for the submission.
async fn find(
    env: &Env,
    form: &str,
    id: &str,
    whom: Ask,
    ask: impl AsyncFn(Client<'_>) -> Result<Option<SubmissionView>, OutboxError>,
) -> Reply {
    if !is_id(id) {
        return error(404, "there is no such submission");
    }
    let (names, mut unreachable) = outboxes(env, form).await;
    let mut found = None;
    for name in names {
        match ask(Client::new(&Platform::new(env), &name)).await {
            Ok(Some(view)) => {
                found.get_or_insert(view);
                if whom == Ask::One {
                    break;
                }
            }
            Ok(None) => {}
            Err(error) => {
                log::failure("submission", &error);
                unreachable.push(name);
            }
        }
    }
    if let Some(view) = found {
        json_reply(200, &view)
    } else if unreachable.is_empty() {
        error(404, "there is no such submission")
    } else {
        error(503, "a part of the form's storage does not answer, and the other parts do not have this submission")
    }
}

/// Every Outbox of a form, by its config and by the registry, and those that do not answer. A form that is gone from the
/// config keeps the ones it had.
async fn outboxes(env: &Env, form: &str) -> (Vec<String>, Vec<String>) {
    let mut names = match environment::config(env).form(form) {
        Lookup::Found(form) => names::of_form(&form.name, form.shards),
        Lookup::Broken => names::of_form(form, 1),
        Lookup::Unknown => Vec::new(),
    };
    match Client::new(&Platform::new(env), names::REGISTRY).outboxes().await {
        Ok(registered) => {
            let others = registered.into_iter().filter(|name| names::form_of(name) == form);
            let others: Vec<String> = others.filter(|name| !names.contains(name)).collect();
            names.extend(others);
            (names, Vec::new())
        }
        Err(error) => {
            log::failure("registry", &error);
            (names, vec![names::REGISTRY.to_owned()])
        }
    }
}

/// The token comes first: without it, nothing is said about forms.
fn authorize(visit: &Visit, env: &Env) -> std::result::Result<(), Reply> {
    let Some(token) = environment::secret(env, "ADMIN_TOKEN") else {
        return Err(error(503, "the secret ADMIN_TOKEN is not set: run `npx wrangler secret put ADMIN_TOKEN`"));
    };
    if visit.has_bearer(&token) {
        Ok(())
    } else {
        Err(error(401, "wrong ADMIN_TOKEN: send it as `Authorization: Bearer`"))
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
    Reply { status, headers, body: serde_json::to_string(value).unwrap_or_default() + "\n" }
}
