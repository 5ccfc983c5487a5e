//! The operator API: the submissions of a form and their deliveries, as JSON, with `ADMIN_TOKEN`.

use futures_util::future::join_all;
use serde_json::json;
use worker::Env;

use crate::config::Lookup;
use crate::intake::{Reply, Visit};
use crate::outbox::client::Client;
use crate::outbox::object::{PAGE, PAGE_BYTES};
use crate::outbox::{OutboxError, SubmissionView, names};

use super::answer::{error, json_reply};
use super::api::access::authorize;
use super::outbox::Platform;
use super::{environment, log};

/// Every route, for whoever asks for another.
const ROUTES: &str = "the routes are GET /api/forms/{form}/submissions, GET and DELETE /api/forms/{form}/submissions/{id}, \
                      POST /api/forms/{form}/submissions/{id}/release, POST /api/destinations/{name}/resume and POST \
                      /api/alerts/{id}/dismiss";

/// Answers a request below `/api/`.
pub async fn route(visit: &Visit, env: &Env, path: &[&str]) -> Reply {
    // The token comes first: without it, nothing is said about forms.
    if let Err(reply) = authorize(visit, env).await {
        return reply;
    }
    let parameters: &[&str] = if matches!(path, ["forms", _, "submissions"]) { &["before"] } else { &[] };
    if let Some(unknown) = visit.url.query_pairs().map(|(name, _)| name).find(|name| !parameters.contains(&&**name)) {
        let known = if parameters.is_empty() { "this route takes none".to_owned() } else { parameters.join(", ") };
        return error(400, &format!("unknown parameter {unknown:?}; known here: {known}"));
    }
    match (visit.method.as_str(), path) {
        ("GET", ["forms", form, "submissions"]) => submissions(visit, env, form).await,
        (_, ["forms", _, "submissions", id, ..]) if !is_id(id) => error(404, "there is no such submission"),
        ("GET", ["forms", form, "submissions", id]) => submission(env, form, id).await,
        ("DELETE", ["forms", form, "submissions", id]) => erase(env, form, id).await,
        ("POST", ["forms", form, "submissions", id, "release"]) => release(env, form, id).await,
        ("POST", ["destinations", name, "resume"]) => resume(env, name).await,
        ("POST", ["alerts", id, "dismiss"]) => dismiss(env, id).await,
        _ => error(404, ROUTES),
    }
}

/// A page of submissions, newest first; `before` is the id of the last one of the previous page. An Outbox that does not
/// answer is named in `unreachable`; the others are listed all the same.
async fn submissions(visit: &Visit, env: &Env, form: &str) -> Reply {
    let before = visit.parameter("before");
    let before = before.as_deref();
    if before.is_some_and(|id| !is_id(id)) {
        return error(400, "before takes the id of a submission");
    }
    let (names, mut unreachable) = outboxes(env, form).await;
    if names.is_empty() && unreachable.is_empty() {
        return error(404, "there is no such form");
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
    json_reply(200, &body)
}

/// One submission with the timeline of each delivery.
async fn submission(env: &Env, form: &str, id: &str) -> Reply {
    let network = &Platform::new(env);
    let (names, mut unreachable) = outboxes(env, form).await;
    for name in names {
        match Client::new(network, &name).submission(id).await {
            Ok(Some(view)) => return json_reply(200, &view),
            Ok(None) => {}
            Err(error) => unreachable.push(failed(name, &error)),
        }
    }
    not_found(&unreachable)
}

/// Releases a submission from quarantine, or sends it again after it was refused.
async fn release(env: &Env, form: &str, id: &str) -> Reply {
    let (answers, unreachable) = everywhere(env, form, async |client| client.release(id).await).await;
    let released: usize = answers.iter().flatten().map(|released| released.released).sum();
    let Some(first) = answers.into_iter().flatten().next() else { return not_found(&unreachable) };
    let mut body = json!(first.view);
    body["released"] = json!(released);
    if released == 0 {
        body["note"] = json!("nothing to send: no delivery waits for you or for a pause to end");
    }
    json_reply(200, &body)
}

/// Deletes a submission.
async fn erase(env: &Env, form: &str, id: &str) -> Reply {
    let (answers, unreachable) = everywhere(env, form, async |client| client.erase(id).await).await;
    if !unreachable.is_empty() {
        return not_found(&unreachable);
    }
    let mut was_out = answers.into_iter().flatten().peekable();
    if was_out.peek().is_none() {
        return not_found(&unreachable);
    }
    let mut body = json!({ "deleted": id });
    if was_out.any(|was_out| was_out) {
        body["note"] = json!("a call was under way: the record may exist at the destination");
    }
    json_reply(200, &body)
}

/// Ends the pause of a destination, in every Outbox that ever registered.
async fn resume(env: &Env, destination: &str) -> Reply {
    let (names, unreachable) = outboxes(env, "").await;
    let (answers, unreachable) = all(env, names, unreachable, async |client| client.resume(destination).await).await;
    if answers.contains(&true) {
        json_reply(200, &json!({ "resumed": destination }))
    } else if unreachable.is_empty() {
        json_reply(200, &json!({ "resumed": null, "note": "nothing to resume: this destination is not paused" }))
    } else {
        not_found(&unreachable)
    }
}

/// Dismisses an alert: `{form}:{condition}`.
async fn dismiss(env: &Env, id: &str) -> Reply {
    let Some((form, condition)) = id.split_once(':') else { return error(404, "there is no such alert") };
    let (answers, unreachable) = everywhere(env, form, async |client| client.dismiss(condition).await).await;
    if answers.contains(&true) {
        json_reply(200, &json!({ "dismissed": id }))
    } else if unreachable.is_empty() {
        error(404, "there is no such alert")
    } else {
        not_found(&unreachable)
    }
}

/// Asks every Outbox of a form, the overflow first: what it hands over meanwhile is then met by the others.
async fn everywhere<T>(
    env: &Env,
    form: &str,
    ask: impl AsyncFn(Client<'_>) -> Result<T, OutboxError>,
) -> (Vec<T>, Vec<String>) {
    let (mut names, unreachable) = outboxes(env, form).await;
    names.sort_by_key(|name| !names::is_overflow(name));
    all(env, names, unreachable, ask).await
}

/// What these Outboxes answer, and those that do not.
async fn all<T>(
    env: &Env,
    names: Vec<String>,
    mut unreachable: Vec<String>,
    ask: impl AsyncFn(Client<'_>) -> Result<T, OutboxError>,
) -> (Vec<T>, Vec<String>) {
    let network = &Platform::new(env);
    let mut answers = Vec::new();
    for name in names {
        match ask(Client::new(network, &name)).await {
            Ok(answer) => answers.push(answer),
            Err(error) => unreachable.push(failed(name, &error)),
        }
    }
    (answers, unreachable)
}

fn failed(outbox: String, error: &OutboxError) -> String {
    log::failure("submission", error);
    outbox
}

fn not_found(unreachable: &[String]) -> Reply {
    if unreachable.is_empty() {
        error(404, "there is no such submission")
    } else {
        error(503, "a part of the form's storage does not answer, and the other parts do not have this submission")
    }
}

/// Every Outbox of a form (of no form: of all), by its config and by the registry, and those that do not answer. A form that
/// is gone from the config keeps the ones it had.
async fn outboxes(env: &Env, form: &str) -> (Vec<String>, Vec<String>) {
    let mut names = match environment::config(env).form(form) {
        Lookup::Found(form) => names::of_form(&form.name, form.shards),
        Lookup::Broken => names::of_form(form, 1),
        Lookup::Unknown => Vec::new(),
    };
    match Client::new(&Platform::new(env), names::REGISTRY).outboxes().await {
        Ok(registered) => {
            let others = registered.into_iter().filter(|name| form.is_empty() || names::form_of(name) == form);
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

fn is_id(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}
