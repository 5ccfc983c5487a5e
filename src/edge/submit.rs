//! `POST /f/{form}`: the shell around intake. Success is answered only after the submission is stored.

use serde_json::json;
use worker::Env;

use crate::config::Config;
use crate::intake::form::Access;
use crate::intake::guard::timing;
use crate::intake::{self, Accepted, Context, Form, Input, RefusalKind, Refused, Reply, Visit, reply};
use crate::outbox;

use super::answer::{self, refuse, refused};
use super::outbox::Platform;
use super::request::Body;
use super::{clock, environment, guard, log};

/// Answers a submission.
pub async fn submit(visit: &Visit, body: Body, env: &Env, name: &str) -> Reply {
    let config = environment::config(env);
    let form = match answer::form(&config, name) {
        Ok(form) => form,
        Err(kind) => return refuse(visit, kind),
    };
    if !intake::may_post(visit, form, config.crm_origin.is_some()) {
        log::origin_refused(&form.name, visit.website());
        return refuse(visit, RefusalKind::Origin);
    }
    match accept(visit, body, env, &config, form).await {
        Ok((id, next)) => reply::accepted(visit, &id, &next),
        Err(refusal) => refused(visit, &refusal),
    }
}

/// `GET /f/{form}/start`: a signed time for a page that is opened now; empty when there is no key to sign with.
pub fn start(visit: &Visit, env: &Env, name: &str) -> Reply {
    let config = environment::config(env);
    let form = match answer::form(&config, name) {
        Ok(form) => form,
        Err(kind) => return refuse(visit, kind),
    };
    if !intake::may_open(visit, form, config.crm_origin.is_some()) {
        return refuse(visit, RefusalKind::Origin);
    }
    let token = guard::trap(env).map(|trap| trap.start(&form.name, clock::now())).unwrap_or_default();
    Reply::json(200, &json!({ timing::FIELD: token }), visit.language())
}

/// The id of the stored submission and where its visitor goes next.
async fn accept(
    visit: &Visit,
    body: Body,
    env: &Env,
    config: &Config,
    form: &Form,
) -> Result<(String, String), Refused> {
    let body = body.read(form.limits.body_bytes).await.map_err(|refusal| Input::default().refused(refusal))?;
    let token = token(env, form);
    let local = config.crm_origin.is_some();
    let context =
        Context { id: clock::new_id(), now: clock::now(), token: token.as_deref(), local, nfc: environment::nfc };
    let candidate =
        intake::read(visit, form, &body, context).inspect_err(|refused| log::rejected(&form.name, &refused.refusal))?;
    // Many may be waiting for what comes next, and a Worker has 128 MB.
    drop(body);
    let evidence = guard::evidence(env, config, visit, form, &candidate).await;
    let Accepted { new, next, input } = intake::judge(candidate, form, &evidence)?;
    let id = new.submission.id.clone();
    let refusal = match outbox::client::store(&Platform::new(env), form, new).await {
        Ok(outbox::Accepted::Stored(id)) => return Ok((id, next)),
        Ok(outbox::Accepted::KeyReused) => RefusalKind::KeyReused,
        Err(error) => {
            log::form_failure("accept", &form.name, Some(&id), &error);
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
