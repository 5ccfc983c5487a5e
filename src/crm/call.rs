//! A Call: one HTTP request that a CRM needs; an Answer: what came back.
//!
//! A Call holds secrets only by name. [`Call::sealed`] fills them in, and only `edge/http` does that, right before
//! sending: no log, preview, stored attempt or error can contain one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// One HTTP request that a CRM needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Its step in the delivery (`company`, `people`, `lead`); stored with the attempt.
    pub step: &'static str,
    /// GET or POST.
    pub method: Method,
    /// The whole address, without a secret in it.
    pub url: String,
    /// Headers, in order. `Content-Type` and `Accept` are the CRM's to set.
    pub headers: Vec<(&'static str, HeaderValue)>,
    /// The JSON body.
    pub body: Option<String>,
    /// Whether it may be sent again.
    pub safety: Safety,
}

/// The method of a [`Call`]: no CRM here needs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
}

impl Method {
    /// As HTTP spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// Whether a Call may be sent again when its answer never came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Safety {
    /// Changes nothing.
    Read,
    /// Sending it twice leaves one record (unique email, upsert, idempotency key).
    Idempotent,
    /// Sending it twice may leave two records: when its answer never came, look first.
    Create,
}

/// The value of a header, secrets by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderValue {
    /// As it stands.
    Text(String),
    /// A secret, with text in front of it (`Bearer `).
    Secret {
        /// What stands before the secret.
        prefix: &'static str,
        /// The secret's name in the environment.
        name: String,
    },
    /// The time of sending, seconds since 1970.
    Timestamp,
    /// The Standard Webhooks signature of `{id}.{timestamp}.{body}`:
    /// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.
    Signature {
        /// The message's id, as sent in `webhook-id`.
        id: String,
        /// The name of the secret (`whsec_` and base64).
        name: String,
    },
}

/// Why a call cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealError {
    /// The secret of this name is not set.
    Missing(String),
    /// The secret of this name is not of the form that its header needs.
    Malformed(String),
}

impl std::fmt::Display for SealError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "the secret {name} is not set: run `npx wrangler secret put {name}`"),
            Self::Malformed(name) => write!(f, "the secret {name} is malformed: it takes `whsec_` and base64"),
        }
    }
}

impl Call {
    /// The headers with the secrets filled in, for a request that is sent at `now_ms`.
    pub fn sealed(
        &self,
        now_ms: i64,
        secret: impl Fn(&str) -> Option<String>,
    ) -> Result<Vec<(&'static str, String)>, SealError> {
        let get = |name: &str| secret(name).ok_or_else(|| SealError::Missing(name.to_owned()));
        let seconds = now_ms / 1000;
        self.headers
            .iter()
            .map(|(header, value)| {
                let value = match value {
                    HeaderValue::Text(text) => text.clone(),
                    HeaderValue::Secret { prefix, name } => format!("{prefix}{}", get(name)?),
                    HeaderValue::Timestamp => seconds.to_string(),
                    HeaderValue::Signature { id, name } => {
                        let body = self.body.as_deref().unwrap_or_default();
                        signature(&get(name)?, id, seconds, body).ok_or_else(|| SealError::Malformed(name.clone()))?
                    }
                };
                Ok((*header, value))
            })
            .collect()
    }

    /// The body as JSON, as it was sent.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_str(self.body.as_deref()?).ok()
    }

    /// The text of a header, when it has one without a secret; `name` in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|(header, value)| match value {
            HeaderValue::Text(text) if header.eq_ignore_ascii_case(name) => Some(text.as_str()),
            _ => None,
        })
    }

    /// The names of the secrets that its headers take.
    pub fn secret_names(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().filter_map(|(_, value)| match value {
            HeaderValue::Secret { name, .. } | HeaderValue::Signature { name, .. } => Some(name.as_str()),
            HeaderValue::Text(_) | HeaderValue::Timestamp => None,
        })
    }
}

/// `v1,` and the base64 HMAC-SHA256 of `{id}.{seconds}.{body}` under a `whsec_` secret; `None` when the secret is not base64.
pub fn signature(secret: &str, id: &str, seconds: i64, body: &str) -> Option<String> {
    let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    Some(format!("v1,{}", BASE64.encode(mac.finalize().into_bytes())))
}

/// The fewest bytes that [`Answer::without`] takes for a secret.
const SHORTEST_SECRET: usize = 8;

/// What came back for a [`Call`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text, invalid UTF-8 replaced.
    pub body: String,
}

impl Answer {
    /// A header's value; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON, if it is JSON.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_str(&self.body).ok()
    }

    /// The same with `secret` blotted out of the body: what a vendor says is kept and shown, and some repeat the key
    /// that they refuse. A text too short to be a key is left alone, lest it take the meaning out of the answer.
    #[must_use]
    pub fn without(mut self, secret: &str) -> Self {
        let secret = secret.trim();
        if secret.len() < SHORTEST_SECRET {
            return self;
        }
        // In JSON it may be written with escapes, and some write a slash with one as well.
        let json = serde_json::Value::from(secret).to_string();
        let escaped = json.trim_matches('"');
        for form in [secret, escaped, &escaped.replace('/', "\\/")] {
            if self.body.contains(form) {
                self.body = self.body.replace(form, "(secret)");
            }
        }
        self
    }

    /// 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secrets_of_a_call_by_name() {
        let call = Call {
            step: "post",
            method: Method::Post,
            url: "https://crm.example.com".into(),
            headers: vec![
                ("Accept", HeaderValue::Text("application/json".into())),
                ("x-key", HeaderValue::Secret { prefix: "Bearer ", name: "CRM_KEY".into() }),
                ("webhook-timestamp", HeaderValue::Timestamp),
                ("webhook-signature", HeaderValue::Signature { id: "1".into(), name: "CRM_SIGNING".into() }),
            ],
            body: None,
            safety: Safety::Idempotent,
        };
        assert_eq!(call.secret_names().collect::<Vec<_>>(), ["CRM_KEY", "CRM_SIGNING"]);
    }

    #[test]
    fn a_secret_is_blotted_out_however_it_is_written() {
        for (secret, body, expected) in [
            ("key-12345", "key-12345 is not key-12345", "(secret) is not (secret)"),
            (" key-12345\n", "no key-12345", "no (secret)"),
            ("ab\"cd/efgh", r#"{"said":"ab\"cd/efgh"}"#, r#"{"said":"(secret)"}"#),
            ("ab\"cd/efgh", r#"{"said":"ab\"cd\/efgh"}"#, r#"{"said":"(secret)"}"#),
            ("ab\"cd/efgh", "ab\"cd/efgh", "(secret)"),
            (" key-1234\n", "no key-1234", "no (secret)"),
            ("success", r#"{"success":true}"#, r#"{"success":true}"#),
            ("", "as it was", "as it was"),
        ] {
            let answer = Answer { status: 401, headers: Vec::new(), body: body.into() };
            assert_eq!(answer.without(secret).body, expected, "{secret}");
        }
    }
}
