//! Turnstile: a form's settings, what to ask siteverify, and what its answer means.
//! <https://developers.cloudflare.com/turnstile/get-started/server-side-validation/>
//!
//! - Siteverify answers 200 even when it rejects a token: only `success` counts, and then `hostname` and `action`, because
//!   a token from anybody's page with the same widget is a success too.
//! - A token is good once and for 300 seconds; `idempotency_key` lets the same question be asked again.
//! - A visitor's failure is refused. When the operator or Cloudflare is at fault, the submission is kept and the operator
//!   gets an alert.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use uuid::Builder;

use crate::domain::Address;
use crate::domain::settings::Reader;

/// The secret that siteverify takes, one for all forms.
pub const SECRET: &str = "TURNSTILE_SECRET";

/// Where the question goes.
pub const URL: &str = "https://challenges.cloudflare.com/turnstile/v0/siteverify";

/// The reason for quarantine when the captcha could not be verified.
pub const UNVERIFIED: &str = "unverified";

/// The longest action that a widget takes.
const ACTION_CHARS: usize = 32;

/// The longest token.
const TOKEN_CHARS: usize = 2048;

/// The published test secrets accept or reject every token, so they count in local development only.
const TEST_SECRETS: [&str; 3] = [
    "1x0000000000000000000000000000000AA",
    "2x0000000000000000000000000000000AA",
    "3x0000000000000000000000000000000AA",
];

/// What a Turnstile token must say: the key `turnstile` of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turnstile {
    /// The widget's `data-action`; `None`: any.
    pub action: Option<String>,
    /// The hosts whose pages show the widget, in lower case; never empty.
    pub hostnames: Vec<String>,
}

impl Turnstile {
    /// Reads the key `turnstile`.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut table = reader.table("turnstile")?;
        let turnstile = Self { action: action(&mut table), hostnames: hostnames(&mut table) };
        table.finish();
        Some(turnstile)
    }
}

fn action(table: &mut Reader<'_>) -> Option<String> {
    const KEY: &str = "action";
    let action = table.text(KEY)?;
    let fits = action.len() <= ACTION_CHARS
        && action.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if !fits {
        let allowed = format!("a widget's action has up to {ACTION_CHARS} of A-Z, a-z, 0-9, _ and -");
        table.error(KEY, format!("found \"{action}\"; {allowed}"));
    }
    fits.then_some(action)
}

fn hostnames(table: &mut Reader<'_>) -> Vec<String> {
    const KEY: &str = "hostnames";
    if !table.has(KEY) {
        table.error(KEY, "is missing; it takes the hosts whose pages show the widget, as in [\"www.example.com\"]");
    }
    let mut hosts = Vec::new();
    for text in table.texts(KEY).unwrap_or_default() {
        let with_scheme = if text.contains("://") { text.clone() } else { format!("https://{text}") };
        match Address::parse(&with_scheme) {
            Ok(address) if address.host.eq_ignore_ascii_case(&text) => hosts.push(address.host),
            Ok(address) => table.error(KEY, format!("\"{text}\" is more than a host; write \"{}\"", address.host)),
            Err(error) => {
                table.error(KEY, format!("the entry \"{text}\" {error}; it takes hosts, as in \"www.example.com\""));
            }
        }
    }
    hosts
}

/// What is known about a visitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Captcha {
    /// The visitor passed.
    Passed,
    /// The visitor did not pass, for this reason; another token may.
    Failed(String),
    /// Unknown, for this reason, which is for the operator.
    Unverified(String),
}

/// What siteverify's answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// The question is settled.
    Final(Captcha),
    /// Siteverify is unavailable; asking again may help. Why, for the operator.
    AskAgain(String),
}

/// Everything that a question is made of.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// What the form wants.
    pub expected: &'a Turnstile,
    /// The form's name.
    pub form: &'a str,
    /// Identifies the submission when it is sent again: one whose answer was lost then finds its token still good, while
    /// another submission with the same token does not.
    pub repeat_key: &'a str,
    /// What the visitor's page sent.
    pub token: Option<&'a str>,
    /// `TURNSTILE_SECRET`.
    pub secret: Option<&'a str>,
    /// The visitor's address.
    pub address: Option<&'a str>,
    /// Local development.
    pub local: bool,
}

/// A question for siteverify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The body, urlencoded. Holds the secret and the token.
    pub body: String,
    /// What the answer must say; `None` with a test secret, whose answers name a fixed host and action.
    expected: Option<Turnstile>,
}

#[derive(Debug, Deserialize)]
struct Answer {
    success: bool,
    #[serde(default, rename = "error-codes")]
    codes: Vec<String>,
    hostname: Option<String>,
    action: Option<String>,
}

impl Asking<'_> {
    /// The question, or the result when there is nothing to ask.
    pub fn question(&self) -> Result<Question, Captcha> {
        let token = self.token.map(str::trim).filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| Captcha::Failed("no token".into()))?;
        if token.chars().count() > TOKEN_CHARS {
            return Err(Captcha::Failed("a token that is too long".into()));
        }
        let unverified = |why: &str| Captcha::Unverified(why.to_owned());
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
        body.append_pair("idempotency_key", &self.idempotency_key(token));
        Ok(Question { body: body.finish(), expected: (!is_test).then(|| self.expected.clone()) })
    }

    fn idempotency_key(&self, token: &str) -> String {
        let mut digest = Sha256::new();
        for part in [self.form, self.repeat_key, token] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.finalize()[..16]);
        Builder::from_custom_bytes(bytes).into_uuid().to_string()
    }
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
        if answer.success { Reading::Final(self.compare(&answer)) } else { rejected(&answer.codes) }
    }

    fn compare(&self, answer: &Answer) -> Captcha {
        let Some(expected) = &self.expected else { return Captcha::Passed };
        let hostname = answer.hostname.as_deref().unwrap_or_default();
        if !expected.hostnames.iter().any(|known| known.eq_ignore_ascii_case(hostname)) {
            return Captcha::Unverified(format!("the token is for the host {hostname:?}, which is not in hostnames"));
        }
        let action = answer.action.as_deref().unwrap_or_default();
        if expected.action.as_deref().is_some_and(|expected| expected != action) {
            return Captcha::Unverified(format!("the token is for the action {action:?}, which is not the form's"));
        }
        Captcha::Passed
    }
}

/// What the error codes mean. An unknown one is not held against the visitor.
fn rejected(codes: &[String]) -> Reading {
    let listed = codes.join(", ");
    let is_visitors = |code: &String| {
        ["missing-input-response", "invalid-input-response", "timeout-or-duplicate"].contains(&code.as_str())
    };
    if codes.is_empty() {
        Reading::Final(Captcha::Unverified("siteverify refuses the token and does not say why".into()))
    } else if codes.iter().any(|code| code == "internal-error") {
        Reading::AskAgain(format!("siteverify says {listed}"))
    } else if codes.iter().all(is_visitors) {
        Reading::Final(Captcha::Failed(listed))
    } else {
        Reading::Final(Captcha::Unverified(format!("siteverify says {listed}")))
    }
}

#[cfg(test)]
mod tests;
