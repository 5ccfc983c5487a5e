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
//! | `/api/…` | the operator API, for those whom `api/access` authorizes |
//! | `GET /health` | whether leads reach their CRMs, for a monitor |
//! | `/console/session` | a console session: log in, who is logged in, log out |

use futures_util::FutureExt;
use serde_json::json;
use wasm_bindgen::JsValue;
use worker::Env;

use crate::config::secrets;
use crate::connectors::Destination;
use crate::intake::redirect::BACK;
use crate::intake::{RefusalKind, Reply, Visit};
use crate::pages::{self, Home, HomeForm};

use super::answer::{self, refuse, respond};
use super::request::{Body, Head};
use super::{api, clock, environment, submit};

const NO_ADDRESS: &str = "The request has no valid address: check its Host header.";

/// Answers one request, given its head and its body. The answer is JSON, or a platform's response whose body is a stream.
pub async fn route(head: &str, body: Body, env: &Env) -> JsValue {
    let Some(visit) = serde_json::from_str(head).ok().and_then(Head::visit) else {
        return json!((400, [("Content-Type", "text/plain")], NO_ADDRESS)).to_string().into();
    };
    let path: Vec<&str> = visit.url.path().trim_end_matches('/').split('/').skip(1).collect();
    // V8 compiles a function as a whole when it is first called. A box keeps the other routes out of this one, so that they
    // do not delay the first submission.
    match (visit.method.as_str(), path.as_slice()) {
        ("POST", ["f", form] | ["p", _, "f", form]) => respond(&visit, &submit::submit(&visit, body, env, form).await),
        _ => other(&visit, body, env, &path).boxed_local().await,
    }
}

async fn other(visit: &Visit, body: Body, env: &Env, path: &[&str]) -> JsValue {
    let reply = match (visit.method.as_str(), path) {
        ("GET" | "HEAD", ["f", form, "start"]) => submit::start(visit, env, form).await,
        ("OPTIONS", ["f", form] | ["p", _, "f", form]) => submit::preflight(visit, env, form, "POST"),
        ("OPTIONS", ["f", form, "start"]) => submit::preflight(visit, env, form, "GET"),
        ("GET" | "HEAD", ["f", form, "thanks"]) => thanks(visit, env, form),
        (_, ["f", form] | ["p", _, "f", form]) => not_a_post(visit, env, form),
        (_, ["api", ..]) => return api::answer(visit, body, env).await,
        (_, ["health"]) => api::health(visit, env).await,
        (_, ["console", "session"]) => api::access::session(visit, body, env).await,
        ("GET" | "HEAD", []) => home(visit, env),
        (_, ["f", _, "start"]) => refuse(visit, RefusalKind::Method).with("Allow", "GET, HEAD, OPTIONS"),
        (_, ["f", _, "thanks"]) => refuse(visit, RefusalKind::Method).with("Allow", "GET, HEAD"),
        _ => refuse(visit, RefusalKind::UnknownForm),
    };
    respond(visit, &reply)
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
    let is_set = |name: &str| environment::secret(env, name).is_some();
    let mut forms = Vec::new();
    for form in config.forms.values() {
        let mut shown = HomeForm { unset: config.secrets_of(form), ..HomeForm::new(&form.name, Some(form)) };
        shown.unset.retain(|name| !is_set(name));
        for Destination { descriptor, record, .. } in
            form.destinations.iter().filter_map(|name| config.destination(name))
        {
            // Without what happens to repeats.
            let creates = record.creates.split([':', ';']).next().unwrap_or_default();
            shown.destinations.push(format!("{}: {creates}", descriptor.title));
            shown.is_user |= record.needs_token;
        }
        forms.push(shown);
    }
    for name in &config.broken {
        forms.push(HomeForm::new(name, None));
    }
    let mut errors: Vec<String> = config.errors.iter().map(|error| error.shown(is_local)).collect();
    if config.crm_origin.is_some() && !is_local {
        errors.push("CRM_ORIGIN is set, so no form takes leads: it is for local development only".to_owned());
    }
    let mut unset = Vec::new();
    if !is_local {
        unset.extend(secrets::RECOMMENDED.iter().filter(|(name, _)| !is_set(name)));
        let token = environment::secret(env, "ADMIN_TOKEN");
        if token.is_some() && secrets::admin_token_error(token.as_deref(), false).is_some() {
            unset.push(("ADMIN_TOKEN", "it has fewer than 24 characters and is not accepted"));
        }
    }
    let home = Home {
        origin: &visit.own_origin,
        forms,
        errors,
        unset,
        is_local,
        demo: config.demo.then(|| clock::new_id(clock::now())),
        crms: config.crm_origin.as_deref().filter(|_| config.demo),
    };
    pages::home(&home, visit.language())
}
