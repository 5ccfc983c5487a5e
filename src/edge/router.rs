//! Routes. Fewer than fifteen, so a `match` on method and path segments is the smallest router and the easiest to read.
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
//! | `GET /api/forms/{form}/submissions[/{id}]` | the operator's view, with `ADMIN_TOKEN` |
//! | `POST /api/forms/{form}/submissions/{id}/release` | out of quarantine, or once more after a refusal |

use worker::{Env, Method, Request, Response, Result, Url};

use crate::config::Lookup;
use crate::form::refusal::RefusalKind;
use crate::form::reply::Reply;
use crate::pages;

use super::answer::{preflight, refuse, respond, shared};
use super::request::{came_from, header, language};
use super::{admin, environment, submit};

/// Answers one request.
pub async fn route(mut request: Request, env: &Env) -> Result<Response> {
    let url = request.url()?;
    let method = request.method();
    let path: Vec<&str> = url.path().trim_end_matches('/').split('/').skip(1).collect();
    let reply = match (&method, path.as_slice()) {
        (Method::Post, ["f", form] | ["p", _, "f", form]) => {
            let reply = submit::submit(&mut request, env, form).await?;
            shared(&request, reply)
        }
        (Method::Options, ["f", _] | ["p", _, "f", _]) => preflight(&request),
        (Method::Get, ["f", form, "start"]) => shared(&request, submit::start(&request, env, form)),
        (Method::Get | Method::Head, ["f", form, "thanks"]) => thanks(&request, env, form),
        (_, ["f", form] | ["p", _, "f", form]) => not_a_post(&request, env, form),
        (Method::Get, ["api", "forms", form, "submissions"]) => {
            let before = url.query_pairs().find(|(key, _)| key == "before").map(|(_, value)| value.into_owned());
            admin::submissions(&request, env, form, before.as_deref()).await?
        }
        (Method::Get, ["api", "forms", form, "submissions", id]) => admin::submission(&request, env, form, id).await?,
        (Method::Post, ["api", "forms", form, "submissions", id, "release"]) => {
            admin::release(&request, env, form, id).await?
        }
        (_, ["api", ..]) => admin::elsewhere(&request, env),
        (Method::Get | Method::Head, ["formcourier.js"]) => pages::script(header(&request, "if-none-match").as_deref()),
        (Method::Get | Method::Head, []) => demo(&request, env),
        _ => refuse(&request, RefusalKind::UnknownForm),
    };
    respond(&method, reply)
}

/// Who opens a form's address in a browser to see whether it is right learns it when it is wrong.
fn not_a_post(request: &Request, env: &Env, form: &str) -> Reply {
    match environment::config(env).form(form) {
        Lookup::Unknown => refuse(request, RefusalKind::UnknownForm),
        Lookup::Found(_) | Lookup::Broken => refuse(request, RefusalKind::Method),
    }
}

fn thanks(request: &Request, env: &Env, form: &str) -> Reply {
    match environment::config(env).form(form) {
        Lookup::Unknown => refuse(request, RefusalKind::UnknownForm),
        Lookup::Found(_) | Lookup::Broken => {
            pages::thanks(language(request), came_from(request).as_ref().map(Url::as_str))
        }
    }
}

fn demo(request: &Request, env: &Env) -> Reply {
    let config = environment::config(env);
    if !config.demo {
        return refuse(request, RefusalKind::UnknownForm);
    }
    pages::demo(&pages::demo_forms(&config), language(request))
}
