//! Who may use the operator API: `ADMIN_TOKEN` as a bearer, a console session, or Cloudflare Access. And the routes of a
//! session: `POST`, `GET` and `DELETE /console/session`.
//!
//! - Until `ADMIN_TOKEN` or Access is configured, everything here is 404.
//! - A browser sends cookies by itself, from any page. So what they authorize changes nothing without our own `Origin`.

use std::cell::RefCell;

use serde_json::{Value, json};
use worker::Env;

use crate::config::Operators;
use crate::config::secrets::admin_token_error;
use crate::domain::sorted::Map;
use crate::intake::guard::key::Key;
use crate::intake::visit::is_secret;
use crate::intake::{Reply, Visit};
use crate::operator::session::{Signer, has_cookie, set_cookie};
use crate::outbox::client::{Client, Session};
use crate::outbox::names;

use super::assertion;
use crate::edge::answer::{error, json_reply};
use crate::edge::outbox::Platform;
use crate::edge::request::Body;
use crate::edge::{clock, environment, log};

/// The longest body of a login, in bytes.
const LOGIN_BYTES: usize = 4096;

/// The most clients that an isolate remembers as refused.
const REFUSED: usize = 1000;

thread_local! {
    /// Until when a client's attempts are refused, as far as this isolate has learned from the registry.
    static REFUSALS: RefCell<Map<String, i64>> = const { RefCell::new(Map::new()) };
}

/// The operator: `token`, or the name that Cloudflare Access vouches for: an email address, or that of a service token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor(pub String);

/// How an actor is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Bearer,
    Session,
    Access,
}

/// The operator behind a request, or the reply that refuses it.
pub async fn authorize(visit: &Visit, env: &Env) -> Result<Actor, Reply> {
    let (actor, by) = identify(visit, env).await?;
    let is_change = !matches!(visit.method.as_str(), "GET" | "HEAD");
    if is_change && by != By::Bearer {
        must_be_ours(visit)?;
    }
    Ok(actor)
}

/// Answers a request to `/console/session`.
pub async fn session(visit: &Visit, body: Body, env: &Env) -> Reply {
    let answered = match visit.method.as_str() {
        _ if visit.url.query().is_some() => Err(error(400, "this route takes no parameters")),
        "POST" => login(visit, body, env).await,
        "GET" => identify(visit, env).await.map(|(actor, by)| {
            let by = match by {
                By::Bearer => "bearer",
                By::Session => "session",
                By::Access => "access",
            };
            json_reply(200, &json!({ "actor": actor.0, "by": by }))
        }),
        "DELETE" => logout(visit, env).await,
        _ => Err(error(405, "the methods are POST, GET and DELETE").with("Allow", "POST, GET, DELETE")),
    };
    answered.unwrap_or_else(|refused| refused)
}

async fn login(visit: &Visit, body: Body, env: &Env) -> Result<Reply, Reply> {
    let token = match &environment::config(env).operators {
        Operators::Session => admin_token(visit, env)?,
        Operators::Access(_) => {
            return Err(error(403, "Cloudflare Access signs you in; there is no login with a token"));
        }
        Operators::Broken => return Err(broken()),
    };
    must_be_ours(visit)?;
    let malformed = || error(400, "the body is {\"token\": \"…\"}, as JSON, and nothing else");
    let body = body.read(LOGIN_BYTES).await.map_err(|_| error(400, "the body does not arrive or is too long"))?;
    let login: Value = serde_json::from_slice(&body).map_err(|_| malformed())?;
    let given = login["token"].as_str().filter(|_| login.as_object().is_some_and(|members| members.len() == 1));
    let session = attempt(visit, env, is_secret(given.ok_or_else(malformed)?.trim(), &token)).await?;
    let Some(session) = session else { return Err(error(401, "this is not the ADMIN_TOKEN of this deployment")) };
    let value = signer(session, &token).issue(clock::now());
    Ok(no_content().with("Set-Cookie", set_cookie(Some(&value), is_secure(visit))))
}

async fn logout(visit: &Visit, env: &Env) -> Result<Reply, Reply> {
    authorize(visit, env).await?;
    Client::new(&Platform::new(env), names::REGISTRY).logout().await.map_err(|error| unavailable(&error))?;
    Ok(no_content().with("Set-Cookie", set_cookie(None, is_secure(visit))))
}

async fn identify(visit: &Visit, env: &Env) -> Result<(Actor, By), Reply> {
    let by_token = |by| (Actor("token".to_owned()), by);
    match &environment::config(env).operators {
        Operators::Broken => Err(broken()),
        Operators::Session => {
            let token = admin_token(visit, env)?;
            if visit.authorization.is_some() {
                return bearer(visit, env, Some(&token)).await.map(|()| by_token(By::Bearer));
            }
            let login = || error(401, "log in at /console/, or send ADMIN_TOKEN as `Authorization: Bearer`");
            let cookie = visit.cookie.as_deref().filter(|cookie| has_cookie(cookie)).ok_or_else(login)?;
            let session = ask(env, None, false).await?;
            let is_open = signer(session, &token).is_open(cookie, clock::now());
            if is_open { Ok(by_token(By::Session)) } else { Err(login()) }
        }
        Operators::Access(application) => {
            // Scripts send the token past Access, or beside a service token of it.
            if visit.authorization.is_some() {
                let token = admin_token(visit, env).ok();
                return bearer(visit, env, token.as_deref()).await.map(|()| by_token(By::Bearer));
            }
            let Some(jwt) = &visit.assertion else {
                return Err(error(401, "no JWT of Cloudflare Access: put this address behind your Access application"));
            };
            match assertion::identity(env, application, jwt).await {
                Ok(name) => Ok((Actor(name), By::Access)),
                Err(assertion::Refused::Invalid(why)) => {
                    Err(error(401, &format!("the JWT of Cloudflare Access {why}")))
                }
                Err(assertion::Refused::NoKeys) => {
                    Err(error(503, "the keys of Cloudflare Access cannot be read: check ACCESS_TEAM, or try again"))
                }
            }
        }
    }
}

/// `ADMIN_TOKEN`, if it may be used.
fn admin_token(visit: &Visit, env: &Env) -> Result<String, Reply> {
    let token = environment::secret(env, "ADMIN_TOKEN");
    match (admin_token_error(token.as_deref(), visit.is_local()), token) {
        (None, Some(token)) => Ok(token),
        (Some(why), Some(_)) => Err(error(503, why)),
        (why, None) => Err(error(404, why.unwrap_or_default())),
    }
}

/// Checks the bearer token. A right one is not counted, so scripts cost no question to the registry.
async fn bearer(visit: &Visit, env: &Env, token: Option<&str>) -> Result<(), Reply> {
    if let Some(until) = refused_here(&client(visit)) {
        return Err(too_many(until));
    }
    if token.is_some_and(|token| visit.has_bearer(token)) {
        return Ok(());
    }
    attempt(visit, env, false).await?;
    Err(error(401, "wrong ADMIN_TOKEN: send it as `Authorization: Bearer`"))
}

/// An attempt with the token. Right: what signs its session. Wrong: it is counted.
async fn attempt(visit: &Visit, env: &Env, is_right: bool) -> Result<Option<Session>, Reply> {
    let client = client(visit);
    if let Some(until) = refused_here(&client) {
        return Err(too_many(until));
    }
    let session = ask(env, Some(&client), !is_right).await?;
    if let Some(until) = session.refused_until {
        refuse_here(client, until);
        return Err(too_many(until));
    }
    Ok(is_right.then_some(session))
}

async fn ask(env: &Env, client: Option<&str>, is_wrong: bool) -> Result<Session, Reply> {
    let asked = Client::new(&Platform::new(env), names::REGISTRY).session(client, is_wrong).await;
    asked.map_err(|error| unavailable(&error))
}

fn signer(session: Session, token: &str) -> Signer {
    Signer::new(Key::from_text(session.key), session.epoch, token)
}

/// The key by which attempts are counted.
fn client(visit: &Visit) -> String {
    visit.network().unwrap_or_default()
}

fn refused_here(client: &str) -> Option<i64> {
    let until = REFUSALS.with(|refusals| refusals.borrow().get(client).copied());
    until.filter(|until| *until > clock::now())
}

fn refuse_here(client: String, until: i64) {
    let now = clock::now();
    REFUSALS.with(|refusals| {
        let mut refusals = refusals.borrow_mut();
        if refusals.len() >= REFUSED {
            refusals.retain(|_, until| *until > now);
        }
        if refusals.len() < REFUSED {
            refusals.insert(client, until);
        }
    });
}

fn must_be_ours(visit: &Visit) -> Result<(), Reply> {
    if visit.origin.as_deref() == Some(visit.own_origin.as_str()) {
        return Ok(());
    }
    Err(error(403, "a change needs the header `Origin` with the address of the console, or `Authorization: Bearer`"))
}

/// Whether the cookie is kept from plain http, which only this machine may use.
fn is_secure(visit: &Visit) -> bool {
    visit.url.scheme() == "https" || !visit.is_local()
}

fn no_content() -> Reply {
    Reply { status: 204, headers: vec![("Cache-Control", "no-store".to_owned())], body: String::new() }
}

fn broken() -> Reply {
    error(503, "ACCESS_TEAM or ACCESS_AUD has an error: run `make check`")
}

fn too_many(until: i64) -> Reply {
    let seconds = (until - clock::now()).max(0) / 1000 + 1;
    error(429, "too many wrong attempts: wait ten minutes").with("Retry-After", seconds.to_string())
}

fn unavailable(why: &dyn std::fmt::Display) -> Reply {
    log::failure("registry", why);
    error(503, "the storage does not respond: try again")
}
