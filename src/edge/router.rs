//! Routes: a `match` on method and path segments.
//!
//! | route | what |
//! |---|---|
//! | `POST /f/{form}` | submit |
//! | `POST /p/{project}/f/{form}` | the same: Formspree's clients post there when they are given a project |
//! | `GET /f/{form}/start` | a signed time for the time trap |
//! | `OPTIONS` of these | CORS preflight |
//! | `GET /f/{form}/thanks` | the built-in thank-you page |
//! | `GET /` | the operator's first page, with forms to try when `DEMO = "on"`; 404 when `HOME = "off"` |
//! | `/api/…` | the operator API, with `ADMIN_TOKEN` |

use worker::{Env, Request, Response, Result};

use crate::config::secrets;
use crate::connectors::Record;
use crate::intake::redirect::BACK;
use crate::intake::{RefusalKind, Reply, Visit};
use crate::pages::{self, Home, HomeForm};

use super::answer::{self, refuse, respond};
use super::{admin, clock, environment, request, submit};

/// Answers one request.
pub async fn route(request: Request, env: &Env) -> Result<Response> {
    let Ok((visit, body)) = request::open(request) else {
        return Response::error("The request has no valid address: check its Host header.", 400);
    };
    let path: Vec<&str> = visit.url.path().trim_end_matches('/').split('/').skip(1).collect();
    let reply = match (visit.method.as_str(), path.as_slice()) {
        ("POST", ["f", form] | ["p", _, "f", form]) => submit::submit(&visit, body, env, form).await,
        ("GET" | "HEAD", ["f", form, "start"]) => submit::start(&visit, env, form).await,
        ("OPTIONS", ["f", form] | ["p", _, "f", form]) => submit::preflight(&visit, env, form, "POST"),
        ("OPTIONS", ["f", form, "start"]) => submit::preflight(&visit, env, form, "GET"),
        ("GET" | "HEAD", ["f", form, "thanks"]) => thanks(&visit, env, form),
        (_, ["f", form] | ["p", _, "f", form]) => not_a_post(&visit, env, form),
        (_, ["api", path @ ..]) => admin::route(&visit, env, path).await,
        ("GET" | "HEAD", []) => home(&visit, env),
        (_, ["f", _, "start"]) => refuse(&visit, RefusalKind::Method).with("Allow", "GET, HEAD, OPTIONS"),
        (_, ["f", _, "thanks"]) => refuse(&visit, RefusalKind::Method).with("Allow", "GET, HEAD"),
        _ => refuse(&visit, RefusalKind::UnknownForm),
    };
    respond(&visit, reply)
}

/// Opening a form's address in a browser shows whether the form exists.
fn not_a_post(visit: &Visit, env: &Env, form: &str) -> Reply {
    match answer::form(&environment::config(env), form) {
        Err(RefusalKind::UnknownForm) => refuse(visit, RefusalKind::UnknownForm),
        _ => refuse(visit, RefusalKind::Method),
    }
}

fn thanks(visit: &Visit, env: &Env, form: &str) -> Reply {
    let config = environment::config(env);
    match answer::form(&config, form) {
        Err(RefusalKind::UnknownForm) => refuse(visit, RefusalKind::UnknownForm),
        form => answer::thanks(visit, &config, form.ok(), visit.parameter(BACK).as_deref()),
    }
}

fn home(visit: &Visit, env: &Env) -> Reply {
    let config = environment::config(env);
    if !config.home {
        return refuse(visit, RefusalKind::UnknownForm);
    }
    let is_local = visit.is_local();
    let is_unset = |name: &String| environment::secret(env, name).is_none();
    let broken = config.broken.iter().map(|name| HomeForm {
        name,
        form: None,
        destinations: Vec::new(),
        is_user: false,
        unset: Vec::new(),
    });
    let forms = config.forms.values().map(|form| {
        let destinations = || form.destinations.iter().filter_map(|name| config.destination(name));
        // Without what happens to repeats.
        let creates = |record: &Record| record.creates.split([':', ';']).next().unwrap_or_default();
        HomeForm {
            name: &form.name,
            form: Some(form),
            destinations: destinations()
                .map(|destination| format!("{}: {}", destination.descriptor.title, creates(destination.record)))
                .collect(),
            is_user: destinations().any(|destination| destination.record.needs_token),
            unset: config.secrets_of(form).filter(is_unset).collect(),
        }
    });
    let mut errors: Vec<String> = config.errors.iter().map(|error| error.shown(is_local)).collect();
    if config.crm_origin.is_some() && !is_local {
        errors.push("CRM_ORIGIN is set, so no form takes leads: it is for local development only".to_owned());
    }
    let mut unset = Vec::new();
    if !is_local {
        let recommended = secrets::RECOMMENDED.iter().filter(|(name, _)| environment::secret(env, name).is_none());
        unset.extend(recommended.map(|(name, why)| (*name, *why)));
        let token = environment::secret(env, "ADMIN_TOKEN");
        if token.is_some() && secrets::admin_token_error(token.as_deref(), false).is_some() {
            unset.push(("ADMIN_TOKEN", "it has fewer than 24 characters and is not accepted"));
        }
    }
    let home = Home {
        origin: &visit.own_origin(),
        forms: forms.chain(broken).collect(),
        errors,
        unset,
        is_local,
        demo: config.demo.then(clock::new_id),
        crms: config.crm_origin.as_deref().filter(|_| config.demo),
    };
    pages::home(&home, visit.language())
}
