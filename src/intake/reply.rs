//! The reply: status, headers and body, made from the visit alone. The error page is rendered by `pages`.
//!
//! One JSON shape satisfies the form libraries in use: `ok` for our own, `success` for `Web3Forms` and similar ones, `next`
//! and `errors[].message` for Formspree's. The shapes are pinned by tests.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::language::Language;
use super::messages;
use super::negotiate::{Wants, wants};
use super::refusal::{FieldError, Refusal};
use super::visit::Visit;

/// Headers that a script may send along; the last two are those of the Formspree clients.
const ALLOWED_HEADERS: &str =
    "Content-Type, Accept, X-Requested-With, Authorization, Idempotency-Key, Formspree-Client, Formspree-Session-Data";

/// How long a browser may remember a preflight, in seconds.
const PREFLIGHT_AGE: &str = "86400";

/// What goes back.
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

    /// JSON. It renders nothing, so its policy allows nothing.
    pub fn json(status: u16, body: &Value, language: Language) -> Self {
        let csp = "default-src 'none'; frame-ancestors 'none'".to_owned();
        Self::new(status, "application/json; charset=utf-8", csp, language, body.to_string())
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

    /// The same with this header set.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        self.headers.push((name, value.into()));
        self
    }

    /// The same with the header that HTTP demands with a refusal.
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
        // No `Referrer-Policy`, so that the website's counts: the thank-you page links back by the referrer, which
        // `same-origin` would drop on the way.
        let headers = vec![("Location", header_safe(next)), ("Cache-Control", "no-store".to_owned())];
        return Reply { status: 303, headers, body: String::new() };
    }
    // Clients treat `next` as an address to go to, so it is absolute.
    let next = visit.url.join(next).map_or_else(|_| next.to_owned(), String::from);
    let message = messages::accepted(visit.language());
    let body = json!({"ok": true, "success": true, "id": id, "message": message, "next": next});
    Reply::json(200, &body, visit.language())
}

/// A script's request was refused. A refusal that names no field is still an entry of `errors`, because Formspree's
/// libraries show nothing else.
pub fn refused_json(refusal: &Refusal, language: Language) -> Reply {
    let message = messages::refused(refusal.kind, language);
    let mut errors: Vec<Value> = refusal.errors.iter().map(|error| field_json(error, language)).collect();
    if errors.is_empty() {
        errors.push(json!({"code": refusal.kind.code(), "field": "", "message": message}));
    }
    let body =
        json!({"ok": false, "success": false, "error": refusal.kind.code(), "message": message, "errors": errors});
    Reply::json(refusal.kind.status(), &body, language).refusing(refusal)
}

fn field_json(error: &FieldError, language: Language) -> Value {
    json!({"code": error.code.code(), "field": error.field, "message": messages::field(error.code, language)})
}

/// Answers a preflight from any website. Whether it may post is decided at the post, where its script can read the reason.
pub fn preflight(visit: &Visit) -> Reply {
    let reply = Reply { status: 204, headers: Vec::new(), body: String::new() }
        .with("Access-Control-Allow-Methods", "POST")
        .with("Access-Control-Allow-Headers", ALLOWED_HEADERS)
        .with("Access-Control-Max-Age", PREFLIGHT_AGE);
    with_cors(visit, reply)
}

/// The reply, readable by the script of the page that asked, refusals included.
pub fn with_cors(visit: &Visit, reply: Reply) -> Reply {
    let vary = reply.header("Vary").map_or_else(|| "Origin".to_owned(), |vary| format!("{vary}, Origin"));
    let reply = reply.with("Vary", vary);
    match &visit.origin {
        Some(origin) => {
            reply.with("Access-Control-Allow-Origin", origin).with("Access-Control-Expose-Headers", "Retry-After")
        }
        None => reply,
    }
}

/// An address as a header can carry it: what is not printable ASCII is percent-encoded, a line break above all.
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
                r#"{{"ok":true,"success":true,"id":"0198","message":"Thank you. Your message has arrived.","next":"{whole}"}}"#
            );
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
            r#"{"ok":false,"success":false,"error":"INVALID","message":"표시된 항목을 확인한 뒤 다시 보내 주세요.","errors":[{"code":"REQUIRED_FIELD_MISSING","field":"이름","message":"필수 입력 항목입니다."},{"code":"TYPE_EMAIL","field":"email","message":"이메일 주소를 정확히 입력해 주세요. 예: name@example.com"}]}"#
        );
    }

    #[test]
    fn a_refusal_without_fields_is_listed_as_an_error_too() {
        let reply = refused_json(&RefusalKind::TooMany.into(), Language::En);
        assert_eq!(
            reply.body,
            r#"{"ok":false,"success":false,"error":"TOO_MANY_REQUESTS","message":"Too many messages at once. Please wait a minute and send it again.","errors":[{"code":"TOO_MANY_REQUESTS","field":"","message":"Too many messages at once. Please wait a minute and send it again."}]}"#
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
    fn every_website_can_read_its_answer() {
        let cors = |origin: Option<&str>, reply: Reply| {
            let headers: Vec<_> = origin.map(|origin| ("origin", origin)).into_iter().collect();
            let reply = with_cors(&Visit::post(&headers), reply);
            let names = ["Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Vary"];
            names.map(|name| reply.header(name).unwrap_or_default().to_owned())
        };
        let json = || Reply::json(200, &json!({}), Language::En);
        let bare = || Reply { status: 204, headers: Vec::new(), body: String::new() };
        for (found, expected) in [
            (cors(Some("null"), json()), ["null", "Retry-After", "Accept, Accept-Language, Origin"]),
            (cors(Some("https://a.example"), bare()), ["https://a.example", "Retry-After", "Origin"]),
            (cors(None, json()), ["", "", "Accept, Accept-Language, Origin"]),
        ] {
            assert_eq!(found, expected);
        }
    }
}
