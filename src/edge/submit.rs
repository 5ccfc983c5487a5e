//! `POST /f/{form}`: does the I/O for intake. Success is answered only after the submission is stored.

use serde_json::json;
use worker::Env;

use crate::config::Config;
use crate::intake::form::Access;
use crate::intake::guard::timing::{self, Trap};
use crate::intake::negotiate::{Wants, needs_page_itself, wants};
use crate::intake::{self, Accepted, Context, Form, Input, RefusalKind, Refused, Reply, Visit, reply};
use crate::outbox;

use super::answer::{self, refuse, refused};
use super::outbox::Platform;
use super::request::Body;
use super::{beside, clock, environment, guard, log};

/// Answers a submission.
pub async fn submit(visit: &Visit, body: Body, env: &Env, name: &str) -> Reply {
    let config = environment::config(env);
    let local = config.crm_origin.is_some();
    let form = answer::form(&config, name);
    let reply = if guard::is_blocked(visit) {
        if form.is_ok() {
            beside::turned_away(visit, name, RefusalKind::TooMany, None);
        }
        refuse(visit, RefusalKind::TooMany)
    } else {
        match accept(visit, body, env, &config, name).await {
            Ok((_, next)) if needs_page_itself(visit, &next) => answer::thanks(visit, &config, form.ok(), None),
            Ok((id, next)) => reply::accepted(visit, &id, &next),
            Err(refusal) => {
                note(visit, env, name, refusal.refusal.kind).await;
                refused(visit, form.ok(), local, &refusal)
            }
        }
    };
    reply::with_cors(visit, reply, may_read(visit, form.ok(), local))
}

/// Counts a refusal: for the operator, and against the client if the client caused it.
async fn note(visit: &Visit, env: &Env, form: &str, kind: RefusalKind) {
    // What was not stored was counted there, unless the quarantine is full, which the Outbox tells itself.
    if matches!(kind, RefusalKind::UnknownForm | RefusalKind::NotStored) {
        return;
    }
    beside::turned_away(visit, form, kind, visit.website());
    if kind != RefusalKind::BrokenForm {
        guard::count_refused(env, visit, form).await;
    }
}

/// Answers a preflight of a form's routes.
pub fn preflight(visit: &Visit, env: &Env, name: &str, method: &str) -> Reply {
    let config = environment::config(env);
    let form = answer::form(&config, name).ok();
    reply::preflight(visit, method, may_read(visit, form, config.crm_origin.is_some()))
}

/// `GET /f/{form}/start`: a signed time for a page that is opened now; empty when there is no key to sign with.
pub async fn start(visit: &Visit, env: &Env, name: &str) -> Reply {
    let config = environment::config(env);
    let local = config.crm_origin.is_some();
    let form = answer::form(&config, name);
    let reply = match form {
        Err(kind) => refuse(visit, kind),
        Ok(form) if !intake::may_open(visit, form, local) => refuse(visit, RefusalKind::Origin),
        Ok(form) => {
            let trap = beside::ask_for_key(env).await.map(Trap::new);
            let token = trap.map(|trap| trap.start(&form.name, clock::now())).unwrap_or_default();
            Reply::json(200, &json!({ timing::FIELD: token }), visit.language())
        }
    };
    reply::with_cors(visit, reply, may_read(visit, form.ok(), local))
}

/// Whether a script of the website may send credentials.
fn may_read(visit: &Visit, form: Option<&Form>, local: bool) -> bool {
    form.is_some_and(|form| intake::may_open(visit, form, local))
}

/// A refusal of a post that is not read any further. A page keeps what the visitor typed; JSON needs no body.
async fn unread(visit: &Visit, body: Body, form: Option<&Form>, kind: RefusalKind) -> Refused {
    let plain = Form::plain("", &[]);
    let form = form.unwrap_or(&plain);
    let body = match wants(visit) {
        Wants::Html => body.read(form.limits.body_bytes).await.unwrap_or_default(),
        Wants::Json => Vec::new(),
    };
    intake::input(visit, form, &body).refused(kind)
}

/// The id of the stored submission and where its visitor goes next.
async fn accept(
    visit: &Visit,
    body: Body,
    env: &Env,
    config: &Config,
    name: &str,
) -> Result<(String, String), Refused> {
    let form = match answer::form(config, name) {
        Ok(form) => form,
        Err(kind) => return Err(unread(visit, body, None, kind).await),
    };
    let local = config.crm_origin.is_some();
    if local && !visit.is_local() {
        let error = "CRM_ORIGIN is set, so no lead would reach a CRM: it is for local development only";
        log::form_failure("accept", &form.name, None, &error);
        return Err(unread(visit, body, Some(form), RefusalKind::BrokenForm).await);
    }
    if !intake::may_post(visit, form, local) {
        log::origin_refused(&form.name, visit.website());
        return Err(unread(visit, body, Some(form), RefusalKind::Origin).await);
    }
    let body = body.read(form.limits.body_bytes).await.map_err(|refusal| Input::default().refused(refusal))?;
    let token = token(env, form);
    let now = clock::now();
    let context = Context { id: clock::new_id(now), now, token: token.as_deref(), local, nfc: environment::nfc };
    let candidate =
        intake::read(visit, form, &body, context).inspect_err(|refused| log::rejected(&form.name, &refused.refusal))?;
    // Many may be waiting for what comes next, and a Worker has 128 MB.
    drop(body);
    let evidence = guard::evidence(env, config, visit, form, &candidate).await;
    let Accepted { new, next, input } = intake::judge(candidate, form, &evidence)?;
    let id = new.submission.id.clone();
    let refusal = match outbox::client::store(&Platform::new(env), form, new, visit.own_origin.clone()).await {
        Ok(outbox::Accepted::Stored(id)) => return Ok((id, next)),
        Ok(outbox::Accepted::KeyReused) => RefusalKind::KeyReused,
        Ok(outbox::Accepted::QuarantineFull) => RefusalKind::NotStored,
        Err(error) => {
            log::form_failure("accept", &form.name, Some(&id), &error);
            beside::turned_away(visit, &form.name, RefusalKind::NotStored, None);
            RefusalKind::NotStored
        }
    };
    Err(input.refused(refusal))
}

/// The secret that opens a form for staff.
fn token(env: &Env, form: &Form) -> Option<String> {
    let Access::Token { secret } = &form.access else { return None };
    let token = environment::secret(env, secret);
    if token.is_none() {
        let error = format!("the secret {secret} is not set: run `npx wrangler secret put {secret}`");
        log::form_failure("authorize", &form.name, None, &error);
    }
    token
}
