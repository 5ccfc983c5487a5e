//! Routes: a `match` on method and path segments.
//!
//! | route | what |
//! |---|---|
//! | `POST /f/{form}` | submit |
//! | `OPTIONS /f/{form}` | CORS preflight |
//! | `POST`, `OPTIONS /p/{project}/f/{form}` | the same: Formspree's clients post there when they are given a project |
//! | `GET /f/{form}/start` | a signed time for the time trap |
//! | `GET /f/{form}/thanks` | the built-in thank-you page |
//! | `GET /formcourier.js` | the optional script of a website's page |
//! | `GET /` | the demo page, when `DEMO = "on"` |
//! | `/api/…` | the operator API, with `ADMIN_TOKEN` |

use worker::{Env, Request, Response, Result, Url};

use crate::intake::reply::{preflight, with_cors};
use crate::intake::{RefusalKind, Reply, Visit};
use crate::pages::{self, DemoForm};

use super::answer::{self, refuse, respond};
use super::{admin, environment, request, submit};

/// Answers one request.
pub async fn route(request: Request, env: &Env) -> Result<Response> {
    let (visit, body) = request::open(request)?;
    let path: Vec<&str> = visit.url.path().trim_end_matches('/').split('/').skip(1).collect();
    let reply = match (visit.method.as_str(), path.as_slice()) {
        ("POST", ["f", form] | ["p", _, "f", form]) => with_cors(&visit, submit::submit(&visit, body, env, form).await),
        ("OPTIONS", ["f", _] | ["p", _, "f", _]) => preflight(&visit),
        ("GET", ["f", form, "start"]) => with_cors(&visit, submit::start(&visit, env, form).await),
        ("GET" | "HEAD", ["f", form, "thanks"]) => thanks(&visit, env, form),
        (_, ["f", form] | ["p", _, "f", form]) => not_a_post(&visit, env, form),
        (_, ["api", path @ ..]) => admin::route(&visit, env, path).await,
        ("GET" | "HEAD", ["formcourier.js"]) => pages::script(visit.if_none_match.as_deref()),
        ("GET" | "HEAD", []) => demo(&visit, env),
        _ => refuse(&visit, RefusalKind::UnknownForm),
    };
    respond(&visit, reply)
}

/// Whoever opens a form's address in a browser learns whether the form exists.
fn not_a_post(visit: &Visit, env: &Env, form: &str) -> Reply {
    match answer::form(&environment::config(env), form) {
        Err(RefusalKind::UnknownForm) => refuse(visit, RefusalKind::UnknownForm),
        _ => refuse(visit, RefusalKind::Method),
    }
}

fn thanks(visit: &Visit, env: &Env, form: &str) -> Reply {
    match answer::form(&environment::config(env), form) {
        Err(RefusalKind::UnknownForm) => refuse(visit, RefusalKind::UnknownForm),
        _ => pages::thanks(visit.language(), visit.page().as_ref().map(Url::as_str)),
    }
}

fn demo(visit: &Visit, env: &Env) -> Reply {
    let config = environment::config(env);
    if !config.demo {
        return refuse(visit, RefusalKind::UnknownForm);
    }
    let account = |name: &String| {
        let (name, destination) = config.destinations.get_key_value(name)?;
        Some((name.as_str(), destination.descriptor.name, destination.record.name))
    };
    let forms = config.forms.values();
    let forms = forms.map(|form| DemoForm {
        name: &form.name,
        destinations: form.destinations.iter().filter_map(account).collect(),
    });
    pages::demo(&forms.collect::<Vec<_>>(), visit.language())
}
