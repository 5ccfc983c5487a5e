//! What a request says: who asks, from which website and page, in which language, and for what kind of answer.

use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use worker::{Request, Url};

use crate::form::language::Language;
use crate::form::negotiate::{Asked, Wants, wants};
use crate::form::refusal::{FieldCode, Refusal, RefusalKind};
use crate::guard::origin;

/// A header of the request, if it is there and readable.
pub fn header(request: &Request, name: &str) -> Option<String> {
    request.headers().get(name).ok().flatten()
}

/// The language in which this visitor is answered.
pub fn language(request: &Request) -> Language {
    Language::from_header(header(request, "accept-language").as_deref())
}

/// What kind of answer this client expects.
pub fn wanted(request: &Request) -> Wants {
    wants(&Asked {
        accept: header(request, "accept").as_deref(),
        content_type: header(request, "content-type").as_deref(),
        requested_with: header(request, "x-requested-with").as_deref(),
        fetch_mode: header(request, "sec-fetch-mode").as_deref(),
        fetch_site: header(request, "sec-fetch-site").as_deref(),
    })
}

/// The website that this request comes from, as far as the browser tells.
pub fn website(request: &Request) -> Option<String> {
    let (origin, fetch_mode) = (header(request, "origin"), header(request, "sec-fetch-mode"));
    origin::told(origin.as_deref(), fetch_mode.as_deref()).map(str::to_owned)
}

/// The page of the website that the visitor came from: a browser keeps it over the redirect after the post. Pages of
/// this Worker below `/f/` (the error page that was sent again) are none of the website.
pub fn came_from(request: &Request) -> Option<Url> {
    let page = Url::parse(&header(request, "referer")?).ok()?;
    let is_web = matches!(page.scheme(), "http" | "https") && page.username().is_empty();
    let is_ours = page.path().starts_with("/f/") && request.url().is_ok_and(|own| own.origin() == page.origin());
    (is_web && !is_ours).then_some(page)
}

/// The Worker's own origin, as this request sees it.
pub fn own_origin(request: &Request) -> String {
    request.url().map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

/// Whether the request carries this bearer token.
pub fn is_bearer(request: &Request, expected: &str) -> bool {
    let Some(authorization) = header(request, "authorization") else { return false };
    let given = match authorization.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => return false,
    };
    is_same(given, expected)
}

/// Digests are compared, so that the time it takes says nothing about the secret.
pub fn is_same(given: &str, expected: &str) -> bool {
    Sha256::digest(given) == Sha256::digest(expected)
}

/// The body, unless it is longer than `limit` or breaks off.
pub async fn read(request: &mut Request, limit: usize) -> Result<Vec<u8>, Refusal> {
    let mut body = Vec::new();
    let Ok(mut stream) = request.stream() else { return Ok(body) };
    while let Some(chunk) = stream.next().await {
        // Chunks that are none, or a visitor who is gone: no fault of ours, and nothing to log.
        body.extend_from_slice(&chunk.map_err(|_| Refusal::new(RefusalKind::Malformed))?);
        if body.len() > limit {
            return Err(Refusal::because(RefusalKind::TooLarge, FieldCode::BodyTooLarge(limit), ""));
        }
    }
    Ok(body)
}
