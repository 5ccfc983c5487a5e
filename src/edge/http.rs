//! Sends a Call to its vendor, and the Worker's few other requests. The only place that puts a secret into a request.

use serde::Deserialize;
use serde_json::json;
use worker::Env;

use crate::config::Config;
use crate::connectors::redact::redact;
use crate::connectors::{self, Call, Destination, Response};
use crate::delivery::Event;

use super::{clock, environment, platform};

/// How much of a response is read. Every response of a vendor's API fits; a longer body is cut.
const RESPONSE_BYTES: u32 = 512 * 1024;

/// The platform sends no User-Agent, and many firewalls in front of an API block requests without one.
const USER_AGENT: &str = concat!("formcourier/", env!("CARGO_PKG_VERSION"));

/// A response as it arrived.
#[derive(Debug, Deserialize)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text, invalid UTF-8 replaced.
    pub body: String,
}

/// Sends `call` to a destination and reads the whole response, within the destination's timeout. Redirects are not
/// followed: a create's response is never one.
pub async fn send(env: &Env, config: &Config, destination: &str, call: &Call) -> Event {
    let Some(destination) = config.destination(destination) else {
        return Event::NotSent(format!("the destination {destination} is not configured"));
    };
    let named = |name: String| environment::secret(env, &name).map(|secret| (name, secret));
    let secrets: Vec<(String, String)> = destination.secrets().filter_map(named).collect();
    let request = match request(config, destination, call, &secrets) {
        Ok(request) => request,
        Err(reason) => return Event::NotSent(reason),
    };
    match exchange(request, u32::try_from(destination.timeout_ms).unwrap_or(u32::MAX)).await {
        Ok(reply) => {
            // Secrets are known only here, and the vendor's words are stored and shown later.
            let body = secrets.iter().fold(reply.body, |body, (_, secret)| redact(body, secret));
            let response =
                Response::new(destination.descriptor.format(), reply.status, reply.headers, &body, clock::now());
            Event::Response(Box::new(response))
        }
        Err(error) => Event::NoResponse(error),
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
    timeout_ms: u32,
) -> Result<Reply, String> {
    let headers = vec![("Content-Type", content_type.to_owned())];
    exchange(Request { url: address(config, name, url), method: "POST", headers, body: Some(body) }, timeout_ms).await
}

/// Gets a public document; with `CRM_ORIGIN`, from the fake `name`.
pub async fn get(config: &Config, name: &str, url: &str, timeout_ms: u32) -> Result<Reply, String> {
    let request = Request { url: address(config, name, url), method: "GET", headers: Vec::new(), body: None };
    exchange(request, timeout_ms).await
}

/// What is sent.
struct Request<'a> {
    url: String,
    method: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Option<&'a str>,
}

/// The complete response to a request, or an error. The timeout includes reading the body. Redirects are not followed.
async fn exchange(mut request: Request<'_>, timeout_ms: u32) -> Result<Reply, String> {
    request.headers.push(("User-Agent", USER_AGENT.to_owned()));
    let init = json!({ "method": request.method, "headers": request.headers, "body": request.body }).to_string();
    let reply = platform::exchange(&request.url, &init, RESPONSE_BYTES, timeout_ms).await;
    let reply = reply.map_err(|error| platform::message(&error))?.as_string().unwrap_or_default();
    serde_json::from_str(&reply).map_err(|_| "the response cannot be read".to_owned())
}

/// Builds the request of a call, or says why it cannot be sent, never quoting a secret. `secrets`: the destination's, by name.
fn request<'a>(
    config: &Config,
    destination: &Destination,
    call: &'a Call,
    secrets: &[(String, String)],
) -> Result<Request<'a>, String> {
    let secret = |wanted: &str| secrets.iter().find(|(name, _)| name == wanted).map(|(_, secret)| secret.clone());
    let sealed = call.seal(&destination.name, clock::now(), secret).map_err(|error| error.to_string())?;
    // The platform's message would quote the value: a secret with a line break, most likely.
    if let Some((name, _)) = sealed.iter().find(|(_, value)| !value.chars().all(is_header_char)) {
        return Err(format!("the header {name} cannot be sent: a secret has a character that headers forbid"));
    }
    let method = match call.method {
        connectors::Method::Get => "GET",
        connectors::Method::Post => "POST",
        connectors::Method::Patch => "PATCH",
    };
    let url = address(config, destination.descriptor.name, &call.url);
    Ok(Request { url, method, headers: sealed, body: call.body.as_deref() })
}

/// What the Fetch Standard allows in a header (<https://fetch.spec.whatwg.org/#concept-header-value>).
fn is_header_char(char: char) -> bool {
    char <= '\u{ff}' && !matches!(char, '\0' | '\n' | '\r')
}

/// An address; with `CRM_ORIGIN`, that of the fake: `{CRM_ORIGIN}/{name}/{path}`.
fn address(config: &Config, name: &str, url: &str) -> String {
    let Some(origin) = &config.crm_origin else { return url.to_owned() };
    let path = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = path.split_once('/').map_or("", |(_, path)| path);
    format!("{origin}/{name}/{path}")
}
