//! Routes: a `match` on method and path segments.
//!
//! | route | what |
//! |---|---|
//! | `POST /f/{form}` | submit |
//! | `POST /p/{project}/f/{form}` | the same: Formspree's clients post there when they are given a project |
//! | `GET /f/{form}/start` | a signed time for the time trap |
//! | `OPTIONS` of these | CORS preflight |
//! | `GET /f/{form}/thanks` | the built-in thank-you page |
//! | `GET /` | the demo page, when `DEMO = "on"` |
//! | `/api/…` | the operator API, with `ADMIN_TOKEN` |

use worker::{Env, Request, Response, Result, Url};

use crate::intake::redirect::{BACK, back};
use crate::intake::{RefusalKind, Reply, Visit};
use crate::pages::{self, DemoForm};

use super::answer::{self, refuse, respond};
use super::{admin, environment, request, submit};

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
        ("GET" | "HEAD", []) => demo(&visit, env),
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
    let local = config.crm_origin.is_some();
    let back = match answer::form(&config, form) {
        Err(RefusalKind::UnknownForm) => return refuse(visit, RefusalKind::UnknownForm),
        form => form.ok().and_then(|form| back(visit, form, visit.parameter(BACK).as_deref(), local)),
    };
    pages::thanks(visit.language(), back.as_ref().map(Url::as_str))
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
