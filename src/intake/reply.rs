//! The reply: status, headers and body. Pages are rendered by `pages`.
//!
//! One JSON shape serves the form libraries in use: `ok` for our own, `success` for `Web3Forms` and similar ones, `code` and
//! `status` for Formcarry's, `next` and `errors[].message` for Formspree's. Tests pin the shapes.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::language::Language;
use super::messages;
use super::negotiate::{Wants, wants};
use super::refusal::{FieldError, Refusal};
use super::visit::Visit;

/// How much of `Access-Control-Request-Headers` is allowed, in bytes.
const ASKED_BYTES: usize = 1024;

/// How long a browser may remember a preflight, in seconds.
const PREFLIGHT_AGE: &str = "86400";

/// A response, without the platform's types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers, each name once.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

impl Reply {
    /// A page with the security headers that every page has; `csp` is its Content-Security-Policy.
    pub fn page(status: u16, csp: String, language: Language, body: String) -> Self {
        Self::new(status, "text/html; charset=utf-8", csp, language, body)
    }

    /// JSON, with a line end for terminals. Its policy allows nothing.
    pub fn json(status: u16, body: &Value, language: Language) -> Self {
        let csp = "default-src 'none'; frame-ancestors 'none'".to_owned();
        Self::new(status, "application/json; charset=utf-8", csp, language, format!("{body}\n"))
    }

    fn new(status: u16, content_type: &str, csp: String, language: Language, body: String) -> Self {
        let headers = vec![
            ("Content-Type", content_type.to_owned()),
            ("Content-Language", language.tag().to_owned()),
            ("Vary", "Accept, Accept-Language".to_owned()),
            ("Cache-Control", "no-store".to_owned()),
            ("Content-Security-Policy", csp),
            ("X-Content-Type-Options", "nosniff".to_owned()),
            // Not `no-referrer`: with that, a browser sends `Origin: null` with our own page's form, and a form with
            // allowed origins would refuse it.
            ("Referrer-Policy", "same-origin".to_owned()),
        ];
        Self { status, headers, body }
    }

    /// A header's value; `name` as it is set.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Sets a header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        self.headers.push((name, value.into()));
        self
    }

    /// Sets the header that HTTP requires with a refusal.
    #[must_use]
    pub fn refusing(self, refusal: &Refusal) -> Self {
        match refusal.kind.header() {
            Some((name, value)) => self.with(name, value),
            None => self,
        }
    }
}

/// A submission was accepted: a redirect to `next` for a page, JSON with its id for a script.
pub fn accepted(visit: &Visit, id: &str, next: &str) -> Reply {
    if wants(visit) == Wants::Html {
        // No `Referrer-Policy`: with `same-origin` the thank-you page would get no referrer to link back to.
        let headers = vec![("Location", header_safe(next)), ("Cache-Control", "no-store".to_owned())];
        return Reply { status: 303, headers, body: String::new() };
    }
    // Clients treat `next` as an address to go to, so it is absolute.
    let next = visit.url.join(next).map_or_else(|_| next.to_owned(), String::from);
    let message = messages::accepted(visit.language());
    let body = json!({
        "ok": true, "success": true, "code": 200, "status": "success", "id": id, "message": message, "next": next,
    });
    Reply::json(200, &body, visit.language())
}

/// A refusal for a script. A refusal that names no field is an entry of `errors` too, because Formspree's libraries show
/// nothing else.
pub fn refused_json(refusal: &Refusal, language: Language) -> Reply {
    let message = messages::refused(refusal.kind, language);
    let mut errors: Vec<Value> = refusal.errors.iter().map(|error| field_json(error, language)).collect();
    if errors.is_empty() {
        errors.push(json!({"code": refusal.kind.code(), "field": "", "message": message}));
    }
    let status = refusal.kind.status();
    let body = json!({
        "ok": false, "success": false, "code": status, "status": "error", "error": refusal.kind.code(), "message": message,
        "errors": errors,
    });
    Reply::json(status, &body, language).refusing(refusal)
}

fn field_json(error: &FieldError, language: Language) -> Value {
    json!({"code": error.code.code(), "field": error.field, "message": messages::field(error.code, language)})
}

/// Answers a preflight from any website and allows the headers that it asks for: tracing scripts add their own. Whether the
/// website may post is decided at the post, where its script can read the reason.
pub fn preflight(visit: &Visit, method: &str, may_post: bool) -> Reply {
    let reply = Reply { status: 204, headers: Vec::new(), body: String::new() }
        .with("Vary", "Access-Control-Request-Headers")
        .with("Access-Control-Allow-Methods", method)
        .with("Access-Control-Max-Age", PREFLIGHT_AGE);
    let is_list =
        |headers: &str| headers.len() <= ASKED_BYTES && headers.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    let reply = match visit.requested_headers.as_deref().filter(|headers| is_list(headers)) {
        Some(headers) => reply.with("Access-Control-Allow-Headers", headers),
        None => reply,
    };
    with_cors(visit, reply, may_post)
}

/// Makes a reply readable by the script that asked, refusals included. A website that may post can send `credentials` too:
/// `sendBeacon` always does, and the form route reads no cookie.
pub fn with_cors(visit: &Visit, reply: Reply, may_post: bool) -> Reply {
    let vary = reply.header("Vary").map_or_else(|| "Origin".to_owned(), |vary| format!("{vary}, Origin"));
    let reply = reply.with("Vary", vary);
    let Some(origin) = &visit.origin else { return reply };
    let reply = reply.with("Access-Control-Allow-Origin", origin).with("Access-Control-Expose-Headers", "Retry-After");
    if may_post { reply.with("Access-Control-Allow-Credentials", "true") } else { reply }
}

/// An address for a header: anything but printable ASCII is percent-encoded, line breaks above all.
fn header_safe(address: &str) -> String {
    let mut safe = String::with_capacity(address.len());
    for byte in address.bytes() {
        if byte.is_ascii_graphic() {
            safe.push(char::from(byte));
        } else {
            let _ = write!(safe, "%{byte:02X}");
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::refusal::{FieldCode, RefusalKind};

    #[test]
    fn a_script_gets_exactly_this() {
        let visit = Visit::post(&[("accept", "application/json")]);
        for (next, whole) in [
            ("https://example.com/thanks", "https://example.com/thanks"),
            ("/f/contact/thanks", "https://forms.example.com/f/contact/thanks"),
        ] {
            let body = format!(
                r#"{{"ok":true,"success":true,"code":200,"status":"success","id":"0198","message":"Thank you. Your message has arrived.","next":"{whole}"}}"#
            ) + "\n";
            let reply = accepted(&visit, "0198", next);
            assert_eq!((reply.status, reply.body), (200, body));
            assert_eq!(
                reply.headers,
                [
                    ("Content-Type", "application/json; charset=utf-8".to_owned()),
                    ("Content-Language", "en".to_owned()),
                    ("Vary", "Accept, Accept-Language".to_owned()),
                    ("Cache-Control", "no-store".to_owned()),
                    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'".to_owned()),
                    ("X-Content-Type-Options", "nosniff".to_owned()),
                    ("Referrer-Policy", "same-origin".to_owned()),
                ]
            );
        }
    }

    #[test]
    fn a_refusal_lists_its_fields_in_the_language_asked_for() {
        let refusal = Refusal {
            kind: RefusalKind::Invalid,
            errors: vec![
                FieldError { code: FieldCode::RequiredFieldMissing, field: "이름".into() },
                FieldError { code: FieldCode::TypeEmail, field: "email".into() },
            ],
        };
        let reply = refused_json(&refusal, Language::Ko);
        assert_eq!(reply.status, 422);
        assert_eq!(
            reply.body,
            r#"{"ok":false,"success":false,"code":422,"status":"error","error":"INVALID","message":"표시된 항목을 확인한 뒤 다시 보내 주세요.","errors":[{"code":"REQUIRED_FIELD_MISSING","field":"이름","message":"필수 입력 항목입니다."},{"code":"TYPE_EMAIL","field":"email","message":"이메일 주소를 정확히 입력해 주세요. 예: name@example.com"}]}"#
                .to_owned()
                + "\n"
        );
    }

    #[test]
    fn a_refusal_without_fields_is_listed_as_an_error_too() {
        let reply = refused_json(&RefusalKind::TooMany.into(), Language::En);
        assert_eq!(
            reply.body,
            r#"{"ok":false,"success":false,"code":429,"status":"error","error":"TOO_MANY_REQUESTS","message":"Too many messages at once. Please wait a minute and send it again.","errors":[{"code":"TOO_MANY_REQUESTS","field":"","message":"Too many messages at once. Please wait a minute and send it again."}]}"#
                .to_owned()
                + "\n"
        );
        assert_eq!(reply.header("retry-after"), Some("60"));
    }

    #[test]
    fn a_redirect_is_printable_ascii() {
        let visit = Visit::post(&[("sec-fetch-mode", "navigate")]);
        let reply = accepted(&visit, "0198", "https://example.com/감사?a=1&b=%20\r\nSet-Cookie: x=y");
        let to = "https://example.com/%EA%B0%90%EC%82%AC?a=1&b=%20%0D%0ASet-Cookie:%20x=y".to_owned();
        let headers = vec![("Location", to), ("Cache-Control", "no-store".to_owned())];
        assert_eq!(reply, Reply { status: 303, headers, body: String::new() });
    }

    #[test]
    fn every_website_can_read_its_reply_and_with_credentials_if_it_may_post() {
        let json = || Reply::json(200, &json!({}), Language::En);
        let bare = || Reply { status: 204, headers: Vec::new(), body: String::new() };
        let site = "https://a.example";
        for (origin, may_post, reply, expected) in [
            (Some("null"), false, json(), ["null", "Retry-After", "", "Accept, Accept-Language, Origin"]),
            (Some(site), true, json(), [site, "Retry-After", "true", "Accept, Accept-Language, Origin"]),
            (Some(site), false, bare(), [site, "Retry-After", "", "Origin"]),
            (None, true, json(), ["", "", "", "Accept, Accept-Language, Origin"]),
        ] {
            let headers: Vec<_> = origin.map(|origin| ("origin", origin)).into_iter().collect();
            let reply = with_cors(&Visit::post(&headers), reply, may_post);
            let names = ["Allow-Origin", "Expose-Headers", "Allow-Credentials"];
            let [allowed, exposed, credentials] = names.map(|name| format!("Access-Control-{name}"));
            let found = [allowed.as_str(), &exposed, &credentials, "Vary"];
            assert_eq!(found.map(|name| reply.header(name).unwrap_or_default()), expected, "{origin:?} {may_post}");
        }
    }

    #[test]
    fn a_preflight_allows_the_headers_that_are_asked_for() {
        let (most, more) = ("x".repeat(ASKED_BYTES), "x".repeat(ASKED_BYTES + 1));
        for (asked, allowed) in [
            (Some("content-type,traceparent, x-csrf-token"), Some("content-type,traceparent, x-csrf-token")),
            (Some(&most), Some(most.as_str())),
            (Some(&more), None),
            (Some("x\u{e9}"), None),
            (None, None),
        ] {
            let headers: Vec<_> = asked.map(|asked| ("access-control-request-headers", asked)).into_iter().collect();
            let reply = preflight(&Visit::post(&headers), "POST", false);
            assert_eq!((reply.status, reply.header("Access-Control-Allow-Headers")), (204, allowed));
            assert_eq!(reply.header("Vary"), Some("Access-Control-Request-Headers, Origin"));
            assert_eq!(reply.header("Access-Control-Allow-Methods"), Some("POST"));
        }
    }
}
