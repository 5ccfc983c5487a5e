//! Turnstile's siteverify, as documented:
//! <https://developers.cloudflare.com/turnstile/get-started/server-side-validation/>.
//!
//! A token is valid once and for 300 seconds; a repeat with the same `idempotency_key` gets the same response. A rejected
//! token is answered with 200. The published test secrets accept or reject every token and know no real ones.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{Fake, Request, Response};

/// How long a token is valid.
const GOOD_MS: i64 = 300_000;

/// The longest token.
const TOKEN_CHARS: usize = 2048;

/// The token that the test site keys give.
const DUMMY_TOKEN: &str = "XXXX.DUMMY.TOKEN.XXXX";

/// The test secret that always passes.
pub const PASSES: &str = "1x0000000000000000000000000000000AA";
/// The test secret that always fails.
pub const FAILS: &str = "2x0000000000000000000000000000000AA";
/// The test secret for which every token is spent already.
pub const SPENT: &str = "3x0000000000000000000000000000000AA";

/// The verifier of one widget.
#[derive(Debug, Default)]
pub struct Turnstile {
    secret: String,
    tokens: BTreeMap<String, Token>,
    complaints: Vec<String>,
}

#[derive(Debug)]
struct Token {
    hostname: String,
    action: String,
    issued_ms: i64,
    spent: Spent,
}

/// Whether a token is spent.
#[derive(Debug, PartialEq, Eq)]
enum Spent {
    Not,
    Once,
    WithKey(String),
}

impl Turnstile {
    /// The verifier of the widget with this secret.
    pub fn new(secret: &str) -> Self {
        Self { secret: secret.to_owned(), ..Self::default() }
    }

    /// A visitor passes the widget of this action on a page of this host: the token that the page gets.
    pub fn issue(&mut self, hostname: &str, action: &str, issued_ms: i64) -> String {
        let token = format!("0.token-{}", self.tokens.len() + 1);
        let (hostname, action) = (hostname.to_owned(), action.to_owned());
        self.tokens.insert(token.clone(), Token { hostname, action, issued_ms, spent: Spent::Not });
        token
    }

    /// Whether a token was spent.
    pub fn is_spent(&self, token: &str) -> bool {
        self.tokens.get(token).is_some_and(|token| token.spent != Spent::Not)
    }

    fn verify(&mut self, fields: &BTreeMap<String, String>, now_ms: i64) -> Result<Value, &'static str> {
        let field = |name: &str| fields.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let secret = field("secret").ok_or("missing-input-secret")?;
        let tests = [PASSES, FAILS, SPENT];
        if secret != self.secret && !tests.contains(&secret) {
            return Err("invalid-input-secret");
        }
        let response = field("response").ok_or("missing-input-response")?;
        match secret {
            PASSES => return Ok(success("example.com", "test", now_ms)),
            FAILS => return Err("invalid-input-response"),
            SPENT => return Err("timeout-or-duplicate"),
            _ => {}
        }
        if response.chars().count() > TOKEN_CHARS {
            self.complaints.push("a token of more than 2048 characters was sent".into());
            return Err("invalid-input-response");
        }
        if response == DUMMY_TOKEN {
            return Err("invalid-input-response");
        }
        let key = field("idempotency_key");
        if key.is_some_and(|key| !is_uuid(key)) {
            return Err("bad-request");
        }
        let token = self.tokens.get_mut(response).ok_or("invalid-input-response")?;
        let is_open = match &token.spent {
            Spent::Not => true,
            Spent::Once => false,
            Spent::WithKey(spent) => key == Some(spent),
        };
        if !is_open || now_ms - token.issued_ms > GOOD_MS {
            return Err("timeout-or-duplicate");
        }
        token.spent = key.map_or(Spent::Once, |key| Spent::WithKey(key.to_owned()));
        Ok(success(&token.hostname, &token.action, token.issued_ms))
    }
}

fn success(hostname: &str, action: &str, at_ms: i64) -> Value {
    let time = chrono::DateTime::from_timestamp_millis(at_ms).unwrap_or_default();
    json!({
        "success": true,
        "error-codes": [],
        "challenge_ts": time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        "hostname": hostname,
        "action": action,
        "cdata": "",
        "metadata": { "interactive": false },
    })
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        })
}

/// The fields of a body that is a form or JSON.
fn fields_of(request: &Request) -> Option<BTreeMap<String, String>> {
    let content_type = request.header("content-type")?;
    if content_type.starts_with("application/x-www-form-urlencoded") {
        return Some(form_urlencoded::parse(request.body.as_bytes()).into_owned().collect());
    }
    if content_type.starts_with("application/json") {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        return request.json()?.as_object()?.iter().map(|(name, value)| Some((name.clone(), text(value)?))).collect();
    }
    None
}

impl Fake for Turnstile {
    fn name(&self) -> &'static str {
        "turnstile"
    }

    fn hosts(&self) -> &'static [&'static str] {
        &["challenges.cloudflare.com"]
    }

    fn answer(&mut self, request: &Request, now_ms: i64) -> Response {
        if request.path != "/turnstile/v0/siteverify" {
            return Response::html(404, "Not Found");
        }
        if request.method != "POST" {
            return Response::html(405, "Method Not Allowed");
        }
        let refused = |status, code: &str| {
            Response::json(status, json!({ "success": false, "error-codes": [code], "messages": [] }))
        };
        let Some(fields) = fields_of(request) else { return refused(400, "bad-request") };
        match self.verify(&fields, now_ms) {
            Ok(answer) => Response::json(200, answer),
            Err(code @ "bad-request") => refused(400, code),
            Err(code) => refused(200, code),
        }
    }

    fn records(&self) -> Vec<Value> {
        Vec::new()
    }

    fn complaints(&self) -> Vec<String> {
        self.complaints.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_763_000_000_000;
    const KEY: &str = "0198c0de-0000-7000-8000-000000000000";
    const OTHER_KEY: &str = "0198c0de-0000-7000-8000-000000000001";

    fn ask(fake: &mut Turnstile, body: &str, now_ms: i64) -> (u16, Value) {
        let request = Request {
            method: "POST".into(),
            host: "challenges.cloudflare.com".into(),
            path: "/turnstile/v0/siteverify".into(),
            query: Vec::new(),
            headers: vec![("content-type".into(), "application/x-www-form-urlencoded".into())],
            body: body.into(),
        };
        let response = fake.answer(&request, now_ms);
        (response.status, serde_json::from_str(&response.body).unwrap())
    }

    fn codes(fake: &mut Turnstile, body: &str, now_ms: i64) -> String {
        let (_, answer) = ask(fake, body, now_ms);
        if answer["success"] == true { "success".into() } else { answer["error-codes"][0].as_str().unwrap().into() }
    }

    #[test]
    fn a_token_says_where_it_was_got() {
        let mut fake = Turnstile::new("s");
        let token = fake.issue("www.example.com", "contact", NOW);
        assert_eq!(
            ask(&mut fake, &format!("secret=s&response={token}&remoteip=203.0.113.7"), NOW + 1),
            (
                200,
                json!({
                    "success": true,
                    "error-codes": [],
                    "challenge_ts": "2025-11-13T02:13:20.000Z",
                    "hostname": "www.example.com",
                    "action": "contact",
                    "cdata": "",
                    "metadata": { "interactive": false },
                })
            )
        );
        assert!(fake.is_spent(&token));
    }

    #[test]
    fn once_and_for_five_minutes_except_with_the_same_key() {
        let mut fake = Turnstile::new("s");
        let token = fake.issue("h", "a", NOW);
        let plain = format!("secret=s&response={token}");
        assert_eq!(codes(&mut fake, &plain, NOW + 300_000), "success");
        assert_eq!(codes(&mut fake, &plain, NOW), "timeout-or-duplicate");

        let token = fake.issue("h", "a", NOW);
        let with = |key: &str| format!("secret=s&response={token}&idempotency_key={key}");
        assert_eq!(codes(&mut fake, &with(KEY), NOW), "success");
        assert_eq!(codes(&mut fake, &with(KEY), NOW), "success");
        assert_eq!(codes(&mut fake, &with(OTHER_KEY), NOW), "timeout-or-duplicate");
        assert_eq!(codes(&mut fake, &format!("secret=s&response={token}"), NOW), "timeout-or-duplicate");

        let token = fake.issue("h", "a", NOW);
        assert_eq!(codes(&mut fake, &format!("secret=s&response={token}"), NOW + 300_001), "timeout-or-duplicate");
    }

    #[test]
    fn every_code() {
        let mut fake = Turnstile::new("s");
        let token = fake.issue("h", "a", NOW);
        let long = "t".repeat(2049);
        for (body, expected) in [
            (format!("response={token}"), "missing-input-secret"),
            (format!("secret=x&response={token}"), "invalid-input-secret"),
            ("secret=s".into(), "missing-input-response"),
            ("secret=s&response=".into(), "missing-input-response"),
            ("secret=s&response=nothing".into(), "invalid-input-response"),
            (format!("secret=s&response={DUMMY_TOKEN}"), "invalid-input-response"),
            (format!("secret=s&response={token}&idempotency_key=1"), "bad-request"),
            (format!("secret={PASSES}&response={DUMMY_TOKEN}"), "success"),
            (format!("secret={FAILS}&response={DUMMY_TOKEN}"), "invalid-input-response"),
            (format!("secret={SPENT}&response={DUMMY_TOKEN}"), "timeout-or-duplicate"),
            (format!("secret=s&response={long}"), "invalid-input-response"),
        ] {
            assert_eq!(codes(&mut fake, &body, NOW), expected, "{body}");
        }
        assert!(!fake.is_spent(&token));
        assert_eq!(fake.complaints(), ["a token of more than 2048 characters was sent"]);
    }
}
