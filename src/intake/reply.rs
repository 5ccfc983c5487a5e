//! Reply: status, headers and body of what goes back, ready for `edge/` to send. CORS headers are edge's to add.
//!
//! One JSON shape satisfies the form libraries in use: `ok` for our own, `success` for `Web3Forms` and its kin, `next` and
//! `errors[].message` for Formspree's. The shapes are pinned by tests.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{FieldError, Language, Refusal, messages};

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

    /// The same with this header set, instead of any that it had.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        self.headers.push((name, value.into()));
        self
    }

    /// The same with the header that HTTP asks for with a refusal.
    #[must_use]
    pub fn refusing(self, refusal: &Refusal) -> Self {
        match refusal.kind.header() {
            Some((name, value)) => self.with(name, value),
            None => self,
        }
    }
}

/// A script's submission was taken: its id, and the page that an HTML visitor would have been sent to.
pub fn accepted_json(id: &str, next: &str, language: Language) -> Reply {
    let message = messages::accepted(language);
    Reply::json(200, &json!({"ok": true, "success": true, "id": id, "message": message, "next": next}), language)
}

/// A visitor's submission was taken: on to `to` with a GET. Without a `Referrer-Policy` of its own, so that the website's
/// counts: the thank-you page finds its way back by the referrer, which `same-origin` would take away on the way.
pub fn accepted_redirect(to: &str) -> Reply {
    let headers = vec![("Location", header_safe(to)), ("Cache-Control", "no-store".to_owned())];
    Reply { status: 303, headers, body: String::new() }
}

/// A script's request was refused. A refusal that names no field is still an entry of `errors`, because Formspree's
/// libraries show nothing else.
pub fn refused_json(refusal: &Refusal, language: Language) -> Reply {
    let message = messages::refused(refusal.kind, language);
    let mut errors: Vec<Value> = refusal.errors.iter().map(|error| field_json(error, language)).collect();
    if errors.is_empty() {
        errors.push(json!({"code": refusal.code(), "field": "", "message": message}));
    }
    let body = json!({"ok": false, "success": false, "error": refusal.code(), "message": message, "errors": errors});
    Reply::json(refusal.status(), &body, language).refusing(refusal)
}

fn field_json(error: &FieldError, language: Language) -> Value {
    json!({"code": error.code.code(), "field": error.field, "message": messages::field(error.code, language)})
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
    use crate::form::{FieldCode, RefusalKind};

    #[test]
    fn a_script_gets_exactly_this() {
        let reply = accepted_json("0198", "https://example.com/thanks", Language::En);
        assert_eq!(reply.status, 200);
        assert_eq!(
            reply.body,
            r#"{"ok":true,"success":true,"id":"0198","message":"Thank you. Your message has arrived.","next":"https://example.com/thanks"}"#
        );
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
    fn a_refusal_of_no_field_is_an_entry_too() {
        let reply = refused_json(&RefusalKind::TooMany.into(), Language::En);
        assert_eq!(
            reply.body,
            r#"{"ok":false,"success":false,"error":"TOO_MANY_REQUESTS","message":"Too many messages at once. Please wait a minute and send it again.","errors":[{"code":"TOO_MANY_REQUESTS","field":"","message":"Too many messages at once. Please wait a minute and send it again."}]}"#
        );
        assert_eq!(reply.header("retry-after"), Some("60"));
        assert_eq!(reply.with("Retry-After", "7").headers.last(), Some(&("Retry-After", "7".to_owned())));
    }

    #[test]
    fn a_redirect_carries_no_line_break_and_no_foreign_letter() {
        let reply = accepted_redirect("https://example.com/감사?a=1&b=%20\r\nSet-Cookie: x=y");
        assert_eq!(
            reply,
            Reply {
                status: 303,
                headers: vec![
                    ("Location", "https://example.com/%EA%B0%90%EC%82%AC?a=1&b=%20%0D%0ASet-Cookie:%20x=y".to_owned()),
                    ("Cache-Control", "no-store".to_owned()),
                ],
                body: String::new(),
            }
        );
    }
}
