//! Sends a Call to its CRM. The only place where a secret meets a request.

use futures_util::StreamExt;
use worker::{AbortSignal, Env, Fetch, Headers, Method, Request, RequestInit, RequestRedirect, Response};

use crate::config::{Config, Destination};
use crate::crm::{self, Answer, Call};

use super::{clock, environment};

/// How much of an answer is read. Every answer of a CRM's API fits; a runaway body is cut, not kept in memory.
const ANSWER_BYTES: usize = 512 * 1024;

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
    let millis = u32::try_from(destination.timeout_ms).unwrap_or(u32::MAX);
    let signal = AbortSignal::from(web_sys::AbortSignal::timeout_with_u32(millis));
    let mut response = Fetch::Request(request).send_with_signal(&signal).await.map_err(no_answer)?;
    let body = read(&mut response).await.map_err(no_answer)?;
    let answer = Answer {
        status: response.status_code(),
        headers: response.headers().entries().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    // Here the secrets are known, and from here on the vendor's words are stored and shown.
    let secrets = call.secret_names().filter_map(|name| environment::secret(env, name));
    Ok(secrets.fold(answer, |answer, secret| answer.without(&secret)))
}

fn request(env: &Env, config: &Config, destination: &Destination, call: &Call) -> Result<Request, Failure> {
    let sealed = call
        .sealed(clock::now(), |name| environment::secret(env, name))
        .map_err(|error| Failure::NotSent(error.to_string()))?;
    // A secret with a line break in it cannot be a header; the platform's message would quote it, so it is not passed on.
    let not_sendable = |_| Failure::NotSent(format!("the request of the step {} cannot be built", call.step));
    let headers = Headers::new();
    for (name, value) in sealed {
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
    Request::new_with_init(&address(config, destination, call), &init).map_err(not_sendable)
}

/// The vendor's address, or its stand-in below `CRM_ORIGIN`: `{CRM_ORIGIN}/{crm}/{path}`.
fn address(config: &Config, destination: &Destination, call: &Call) -> String {
    let Some(origin) = &config.crm_origin else { return call.url.clone() };
    let path = call.url.split_once("://").map_or(call.url.as_str(), |(_, rest)| rest);
    let path = path.split_once('/').map_or("", |(_, path)| path);
    format!("{origin}/{}/{path}", destination.crm.name())
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

#[allow(clippy::needless_pass_by_value, reason = "the shape of map_err")]
fn no_answer(error: worker::Error) -> Failure {
    Failure::NoAnswer(error.to_string())
}
