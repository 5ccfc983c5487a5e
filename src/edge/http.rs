//! Sends a Call to its CRM, and what little else leaves the Worker. The only place where a CRM's secret meets a request.

use std::pin::pin;
use std::time::Duration;

use chrono::DateTime;
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use worker::{
    AbortController, AbortSignal, Delay, Env, Error, Fetch, Headers, Method, Request, RequestInit, RequestRedirect,
    Response,
};

use crate::config::{Config, Destination};
use crate::crm::{self, Answer, Call};

use super::{clock, environment};

/// How much of an answer is read. Every answer of a CRM's API fits; a runaway body is cut, not kept in memory.
const ANSWER_BYTES: usize = 512 * 1024;

/// Who calls. The platform sends no name of its own, and many firewalls in front of an API turn away who has none.
const USER_AGENT: &str = concat!("formcourier/", env!("CARGO_PKG_VERSION"));

/// Why there is no Answer.
#[derive(Debug)]
pub enum Failure {
    /// The request never left; for the operator, without a secret in it.
    NotSent(String),
    /// It may have left, and no whole answer came.
    NoAnswer(String),
}

/// Sends `call` and reads the whole answer, within the destination's timeout. Redirects are not followed: they would
/// carry the credentials along, and a create's answer is never a redirect.
pub async fn send(env: &Env, config: &Config, destination: &Destination, call: &Call) -> Result<Answer, Failure> {
    let request = request(env, config, destination, call)?;
    let patience = Duration::from_millis(destination.timeout_ms);
    let answer = exchange(request, patience).await.map_err(|error| Failure::NoAnswer(error.to_string()))?;
    // Here the secrets are known, and from here on the vendor's words are stored and shown.
    let secrets = call.secret_names().filter_map(|name| environment::secret(env, name));
    Ok(secrets.fold(answer, |answer, secret| answer.without(&secret)))
}

/// Posts what is no CRM call (an alert, a question for siteverify) and reads the whole answer. Below `CRM_ORIGIN` it goes
/// to `name`.
pub async fn post(
    config: &Config,
    name: &str,
    url: &str,
    content_type: &str,
    body: &str,
    patience: Duration,
) -> worker::Result<Answer> {
    let headers = Headers::new();
    headers.set("Content-Type", content_type)?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_headers(headers).with_redirect(RequestRedirect::Manual);
    init.with_body(Some(body.into()));
    exchange(Request::new_with_init(&address(config, name, url), &init)?, patience).await
}

/// The whole answer to a request: a server that sends its head and falls silent is cut off like one that says nothing.
async fn exchange(mut request: Request, patience: Duration) -> worker::Result<Answer> {
    request.headers_mut()?.set("User-Agent", USER_AGENT)?;
    let controller = AbortController::default();
    let signal = controller.signal();
    match select(pin!(fetch(request, &signal)), pin!(Delay::from(patience))).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => {
            controller.abort();
            Err(Error::RustError(format!("no whole answer within {} ms", patience.as_millis())))
        }
    }
}

async fn fetch(request: Request, signal: &AbortSignal) -> worker::Result<Answer> {
    let mut response = Fetch::Request(request).send_with_signal(signal).await?;
    let body = read(&mut response).await?;
    let mut headers: Vec<(String, String)> =
        response.headers().entries().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    // A wait can be given as a date, and the rooms that read it have no clock.
    if !headers.iter().any(|(name, _)| name == "date") {
        let now = DateTime::from_timestamp_millis(clock::now()).unwrap_or_default();
        headers.push(("date".to_owned(), now.to_rfc2822()));
    }
    Ok(Answer { status: response.status_code(), headers, body: String::from_utf8_lossy(&body).into_owned() })
}

fn request(env: &Env, config: &Config, destination: &Destination, call: &Call) -> Result<Request, Failure> {
    let sealed = call
        .sealed(clock::now(), |name| environment::secret(env, name))
        .map_err(|error| Failure::NotSent(error.to_string()))?;
    let headers = Headers::new();
    for (name, value) in sealed {
        // A secret with a line break in it, most of all. The platform's message would quote it, so it is not passed on.
        headers.set(name, &value).map_err(|_| {
            Failure::NotSent(format!("the header {name} cannot be sent: a secret has a character that headers forbid"))
        })?;
    }
    let mut init = RequestInit::new();
    init.with_method(match call.method {
        crm::Method::Get => Method::Get,
        crm::Method::Post => Method::Post,
    });
    init.with_headers(headers);
    init.with_redirect(RequestRedirect::Manual);
    if let Some(body) = &call.body {
        init.with_body(Some(body.as_str().into()));
    }
    Request::new_with_init(&address(config, destination.crm.name(), &call.url), &init)
        .map_err(|_| Failure::NotSent(format!("the request of the step {} cannot be built", call.step)))
}

/// An address, or its stand-in below `CRM_ORIGIN`: `{CRM_ORIGIN}/{name}/{path}`.
fn address(config: &Config, name: &str, url: &str) -> String {
    let Some(origin) = &config.crm_origin else { return url.to_owned() };
    let path = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = path.split_once('/').map_or("", |(_, path)| path);
    format!("{origin}/{name}/{path}")
}

async fn read(response: &mut Response) -> worker::Result<Vec<u8>> {
    let mut body = Vec::new();
    let Ok(mut stream) = response.stream() else { return Ok(body) };
    while let Some(chunk) = stream.next().await {
        body.extend_from_slice(&chunk?);
        if body.len() >= ANSWER_BYTES {
            break;
        }
    }
    Ok(body)
}
