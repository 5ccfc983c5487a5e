//! Sends a Call to its vendor, and the Worker's few other requests. The only place that puts a secret into a request.

use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use worker::{
    AbortController, AbortSignal, Delay, Env, Error, Fetch, Headers, Method, Request, RequestInit, RequestRedirect,
};

use crate::config::Config;
use crate::connectors::redact::redact;
use crate::connectors::{self, Call, Destination, Response};
use crate::delivery::Event;

use super::{clock, environment};

/// How much of a response is read. Every response of a vendor's API fits; a longer body is cut.
const RESPONSE_BYTES: usize = 512 * 1024;

/// The platform sends no User-Agent, and many firewalls in front of an API block requests without one.
const USER_AGENT: &str = concat!("formcourier/", env!("CARGO_PKG_VERSION"));

/// A response as it arrived.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text, invalid UTF-8 replaced.
    pub body: String,
}

/// Sends `call` to a destination and reads the whole response, within the destination's timeout. Redirects are not
/// followed: they would carry the credentials along, and a create's response is never a redirect.
pub async fn send(env: &Env, config: &Config, destination: &str, call: &Call) -> Event {
    let Some(destination) = config.destination(destination) else {
        return Event::NotSent(format!("the destination {destination} is not configured"));
    };
    let request = match request(env, config, destination, call) {
        Ok(request) => request,
        Err(reason) => return Event::NotSent(reason),
    };
    match exchange(request, Duration::from_millis(destination.timeout_ms)).await {
        Ok(reply) => {
            // Secrets are known only here, and the vendor's words are stored and shown later.
            let secrets = destination.secrets().filter_map(|name| environment::secret(env, &name));
            let body = secrets.fold(reply.body, |body, secret| redact(body, &secret));
            let response =
                Response::new(destination.descriptor.format(), reply.status, reply.headers, &body, clock::now());
            Event::Response(Box::new(response))
        }
        Err(error) => Event::NoResponse(error.to_string()),
    }
}

/// Posts a request other than a Call (an alert, a question for siteverify) and reads the whole response. With `CRM_ORIGIN`
/// it goes to the fake `name`.
pub async fn post(
    config: &Config,
    name: &str,
    url: &str,
    content_type: &str,
    body: &str,
    timeout: Duration,
) -> worker::Result<Reply> {
    let headers = Headers::new();
    headers.set("Content-Type", content_type)?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_headers(headers).with_redirect(RequestRedirect::Manual);
    init.with_body(Some(body.into()));
    exchange(Request::new_with_init(&address(config, name, url), &init)?, timeout).await
}

/// Gets a public document; with `CRM_ORIGIN`, from the fake `name`.
pub async fn get(config: &Config, name: &str, url: &str, timeout: Duration) -> worker::Result<Reply> {
    let mut init = RequestInit::new();
    init.with_redirect(RequestRedirect::Manual);
    exchange(Request::new_with_init(&address(config, name, url), &init)?, timeout).await
}

/// The whole response to a request. The timeout covers the body, too.
async fn exchange(mut request: Request, timeout: Duration) -> worker::Result<Reply> {
    request.headers_mut()?.set("User-Agent", USER_AGENT)?;
    let controller = AbortController::default();
    let signal = controller.signal();
    match select(pin!(fetch(request, &signal)), pin!(Delay::from(timeout))).await {
        Either::Left((reply, _)) => reply,
        Either::Right(_) => {
            controller.abort();
            Err(Error::RustError(format!("no complete response within {} ms", timeout.as_millis())))
        }
    }
}

async fn fetch(request: Request, signal: &AbortSignal) -> worker::Result<Reply> {
    let mut response = Fetch::Request(request).send_with_signal(signal).await?;
    let body = read(&mut response).await?;
    let headers = response.headers().entries().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    Ok(Reply { status: response.status_code(), headers, body: String::from_utf8_lossy(&body).into_owned() })
}

/// The request of a call, or why it cannot be sent; the reason holds no secret.
fn request(env: &Env, config: &Config, destination: &Destination, call: &Call) -> Result<Request, String> {
    let sealed = call
        .seal(&destination.name, clock::now(), |name| environment::secret(env, name))
        .map_err(|error| error.to_string())?;
    let headers = Headers::new();
    for (name, value) in sealed {
        // The platform's message would quote the value: a secret with a line break, most likely.
        headers
            .set(name, &value)
            .map_err(|_| format!("the header {name} cannot be sent: a secret has a character that headers forbid"))?;
    }
    let mut init = RequestInit::new();
    init.with_method(match call.method {
        connectors::Method::Get => Method::Get,
        connectors::Method::Post => Method::Post,
        connectors::Method::Patch => Method::Patch,
    });
    init.with_headers(headers);
    init.with_redirect(RequestRedirect::Manual);
    if let Some(body) = &call.body {
        init.with_body(Some(body.as_str().into()));
    }
    Request::new_with_init(&address(config, destination.descriptor.name, &call.url), &init)
        .map_err(|_| format!("the request of the step {} cannot be built", call.step))
}

/// An address; with `CRM_ORIGIN`, that of the fake: `{CRM_ORIGIN}/{name}/{path}`.
fn address(config: &Config, name: &str, url: &str) -> String {
    let Some(origin) = &config.crm_origin else { return url.to_owned() };
    let path = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = path.split_once('/').map_or("", |(_, path)| path);
    format!("{origin}/{name}/{path}")
}

async fn read(response: &mut worker::Response) -> worker::Result<Vec<u8>> {
    let mut body = Vec::new();
    let Ok(mut stream) = response.stream() else { return Ok(body) };
    while let Some(chunk) = stream.next().await {
        body.extend_from_slice(&chunk?);
        if body.len() >= RESPONSE_BYTES {
            break;
        }
    }
    Ok(body)
}
