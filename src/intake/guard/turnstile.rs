//! Turnstile: what to ask siteverify, and what its answer means.
//! <https://developers.cloudflare.com/turnstile/get-started/server-side-validation/>
//!
//! - It answers 200 even when a token is refused: only `success` counts, and then `hostname` and `action`, because a token
//!   from anybody's page with the same widget is a success too.
//! - A token is good once and for 300 seconds. `idempotency_key` lets the same question be asked again.
//! - The visitor's fault is told to the visitor. Ours (a wrong secret, a website that `hostnames` does not name) and
//!   Cloudflare's (no answer) are told to the operator, and the submission is kept: nobody is lost because of either.
//! - The published test secrets accept or refuse every token, so they are not believed outside local development.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use uuid::Builder;

use crate::config::Turnstile;

/// Where the question goes.
pub const URL: &str = "https://challenges.cloudflare.com/turnstile/v0/siteverify";

/// No token is longer.
const TOKEN_CHARS: usize = 2048;

/// The published test secrets: always passes, always fails, token already spent.
const TEST_SECRETS: [&str; 3] = [
    "1x0000000000000000000000000000000AA",
    "2x0000000000000000000000000000000AA",
    "3x0000000000000000000000000000000AA",
];

/// What is known about a visitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Passed.
    Human,
    /// Not passed, for this reason; another token may.
    Visitor(String),
    /// Not known, for this reason, which is for the operator.
    Unverified(String),
}

/// What siteverify's answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// That is it.
    Final(Verdict),
    /// Siteverify is not well; asking the same again may help. Why, for the operator.
    AskAgain(String),
}

/// A question for siteverify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The body, urlencoded. Holds the secret and the token.
    pub body: String,
    /// What the answer must say; `None` with a test secret, which answers for a host and an action of its own.
    expected: Option<Turnstile>,
}

/// Everything that a question is made of.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// What the form wants.
    pub expected: &'a Turnstile,
    /// What the visitor's page sent.
    pub token: Option<&'a str>,
    /// `TURNSTILE_SECRET`.
    pub secret: Option<&'a str>,
    /// The visitor's address.
    pub address: Option<&'a str>,
    /// A UUID, the same when the same is asked again.
    pub idempotency_key: &'a str,
    /// Local development.
    pub local: bool,
}

impl Asking<'_> {
    /// The question, or the verdict when there is nothing to ask.
    pub fn question(&self) -> Result<Question, Verdict> {
        let token = self.token.map(str::trim).filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| Verdict::Visitor("no token".into()))?;
        if token.chars().count() > TOKEN_CHARS {
            return Err(Verdict::Visitor("a token that is too long".into()));
        }
        let unverified = |why: &str| Verdict::Unverified(why.to_owned());
        let secret = self.secret.map(str::trim);
        let secret = secret.ok_or_else(|| unverified("the secret TURNSTILE_SECRET is not set"))?;
        let is_test = TEST_SECRETS.contains(&secret);
        if is_test && !self.local {
            return Err(unverified("TURNSTILE_SECRET is a test secret; it works in local development only"));
        }
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.append_pair("secret", secret).append_pair("response", token);
        if let Some(address) = self.address {
            body.append_pair("remoteip", address);
        }
        body.append_pair("idempotency_key", self.idempotency_key);
        Ok(Question { body: body.finish(), expected: (!is_test).then(|| self.expected.clone()) })
    }
}

/// The idempotency key of a question. `same` is what a submission has in common with itself when it is sent again: one whose
/// answer was lost then finds its token still good; another submission with the same token does not.
pub fn idempotency_key(form: &str, same: &str, token: &str) -> String {
    let mut digest = Sha256::new();
    for part in [form, same, token] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.finalize()[..16]);
    Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

#[derive(Debug, Deserialize)]
struct Answer {
    success: bool,
    #[serde(default, rename = "error-codes")]
    codes: Vec<String>,
    #[serde(default)]
    hostname: Option<String>,
    #[serde(default)]
    action: Option<String>,
}

impl Question {
    /// Reads what siteverify answered.
    pub fn read(&self, status: u16, body: &str) -> Reading {
        if status >= 500 {
            return Reading::AskAgain(format!("siteverify answered {status}"));
        }
        let Ok(answer) = serde_json::from_str::<Answer>(body) else {
            return Reading::AskAgain(format!("siteverify answered {status} and no JSON of its kind"));
        };
        if !answer.success {
            return refused(&answer.codes);
        }
        Reading::Final(self.compare(&answer))
    }

    fn compare(&self, answer: &Answer) -> Verdict {
        let Some(expected) = &self.expected else { return Verdict::Human };
        let hostname = answer.hostname.as_deref().unwrap_or_default();
        if !expected.hostnames.iter().any(|known| known.eq_ignore_ascii_case(hostname)) {
            return Verdict::Unverified(format!("the token is for the host {hostname:?}, which is not in hostnames"));
        }
        let action = answer.action.as_deref().unwrap_or_default();
        if expected.action.as_deref().is_some_and(|expected| expected != action) {
            return Verdict::Unverified(format!("the token is for the action {action:?}, which is not the form's"));
        }
        Verdict::Human
    }
}

/// The codes decide. One that nobody has heard of is not held against the visitor.
fn refused(codes: &[String]) -> Reading {
    let listed = codes.join(", ");
    let visitors = ["missing-input-response", "invalid-input-response", "timeout-or-duplicate"];
    if codes.iter().any(|code| code == "internal-error") {
        Reading::AskAgain(format!("siteverify says {listed}"))
    } else if !codes.is_empty() && codes.iter().all(|code| visitors.contains(&code.as_str())) {
        Reading::Final(Verdict::Visitor(listed))
    } else if codes.is_empty() {
        Reading::Final(Verdict::Unverified("siteverify refuses the token and does not say why".into()))
    } else {
        Reading::Final(Verdict::Unverified(format!("siteverify says {listed}")))
    }
}

#[cfg(test)]
mod tests;
