//! A Call: one HTTP request that a connector needs, and the builder for it.
//!
//! A Call holds secrets only by name. [`Call::seal`] fills them in, and only `edge/http` does that, right before sending:
//! no log, preview, stored attempt or error can contain one.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value as Json};
use sha2::Sha256;

use crate::domain::settings::secret_name;

/// One HTTP request that a connector needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Its step in the delivery (`person`, `lead`); stored with the attempt.
    pub step: &'static str,
    /// The method.
    pub method: Method,
    /// The whole address, without a secret in it.
    pub url: String,
    /// Headers, in order.
    pub headers: Vec<(&'static str, HeaderValue)>,
    /// The JSON body.
    pub body: Option<String>,
    /// Whether it may be sent again.
    pub safety: Safety,
    /// The optional values, by their omission keys; see [`Omitted`](super::Omitted).
    pub optional: Vec<String>,
    /// The note of the created record, when the call has no place for a part of the lead.
    pub remark: Option<String>,
}

/// The values of one section (a record at the vendor), placed.
#[derive(Debug, Default)]
pub struct Drafted {
    /// The values by the vendor's names, in the order in which they were placed.
    pub values: Map<String, Json>,
    /// The omission keys of the optional values.
    pub optional: Vec<String>,
}

/// The method of a [`Call`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
    /// PATCH.
    Patch,
}

impl Method {
    /// As HTTP spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
        }
    }
}

/// Whether a Call may be sent again when its outcome is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Safety {
    /// Changes nothing.
    Read,
    /// Sending it twice leaves one record (unique email, upsert, idempotency key).
    Idempotent,
    /// Sending it twice can leave two records: look it up first.
    Create,
}

/// The value of a header, secrets by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderValue {
    /// Plain text.
    Text(String),
    /// A secret of the destination, by its suffix, with text in front (`Bearer `).
    Secret {
        /// What precedes the secret.
        prefix: &'static str,
        /// The secret's name without the destination's.
        suffix: &'static str,
    },
    /// The time of sending, seconds since 1970.
    Timestamp,
    /// The Standard Webhooks signature of `{id}.{timestamp}.{body}`:
    /// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.
    Signature {
        /// The message's id, as sent in `webhook-id`.
        id: String,
        /// The secret's name without the destination's; its value is `whsec_` and base64.
        suffix: &'static str,
    },
}

/// Why a call cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealError {
    /// The secret of this name is not set.
    Missing(String),
    /// The secret of this name is not `whsec_` and base64.
    Malformed(String),
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "the secret {name} is not set: run `npx wrangler secret put {name}`"),
            Self::Malformed(name) => write!(f, "the secret {name} is malformed: it takes `whsec_` and base64"),
        }
    }
}

impl std::error::Error for SealError {}

impl Call {
    fn new(step: &'static str, method: Method, url: String, safety: Safety) -> Self {
        let accept = ("Accept", HeaderValue::Text("application/json".into()));
        Self { step, method, url, headers: vec![accept], body: None, safety, optional: Vec::new(), remark: None }
    }

    /// A GET, which changes nothing.
    pub fn get(step: &'static str, url: impl Into<String>) -> Self {
        Self::new(step, Method::Get, url.into(), Safety::Read)
    }

    /// A POST. It counts as a create until [`Call::idempotent`] or [`Call::read`] says otherwise.
    pub fn post(step: &'static str, url: impl Into<String>) -> Self {
        Self::new(step, Method::Post, url.into(), Safety::Create)
    }

    /// A PATCH, which may be repeated.
    pub fn patch(step: &'static str, url: impl Into<String>) -> Self {
        Self::new(step, Method::Patch, url.into(), Safety::Idempotent)
    }

    /// `Authorization: Bearer` with this secret of the destination.
    #[must_use]
    pub fn bearer(self, suffix: &'static str) -> Self {
        self.header_value("Authorization", HeaderValue::Secret { prefix: "Bearer ", suffix })
    }

    /// A header that is a secret of the destination.
    #[must_use]
    pub fn secret(self, header: &'static str, suffix: &'static str) -> Self {
        self.header_value(header, HeaderValue::Secret { prefix: "", suffix })
    }

    /// A plain header.
    #[must_use]
    pub fn header(self, name: &'static str, value: impl Into<String>) -> Self {
        self.header_value(name, HeaderValue::Text(value.into()))
    }

    /// A header of any kind.
    #[must_use]
    pub fn header_value(mut self, name: &'static str, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// A JSON body.
    #[must_use]
    pub fn json(mut self, body: &Json) -> Self {
        self.body = Some(body.to_string());
        self.header("Content-Type", "application/json")
    }

    /// The call carries this draft; a rejection can omit its optional values.
    #[must_use]
    pub fn carries(mut self, drafted: &Drafted) -> Self {
        self.optional.extend(drafted.optional.iter().cloned());
        self
    }

    /// The note of the record that this call creates.
    #[must_use]
    pub fn remark(mut self, text: Option<String>) -> Self {
        self.remark = text;
        self
    }

    /// Sending it twice leaves one record.
    #[must_use]
    pub const fn idempotent(mut self) -> Self {
        self.safety = Safety::Idempotent;
        self
    }

    /// It changes nothing, although it is a POST.
    #[must_use]
    pub const fn read(mut self) -> Self {
        self.safety = Safety::Read;
        self
    }

    /// The JSON that it sends; null when it has no body.
    pub fn sent(&self) -> Json {
        self.body.as_deref().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default()
    }

    /// The headers with the secrets of `destination` filled in, for a request that is sent at `now` (milliseconds).
    pub fn seal(
        &self,
        destination: &str,
        now: i64,
        secret: impl Fn(&str) -> Option<String>,
    ) -> Result<Vec<(&'static str, String)>, SealError> {
        let get = |suffix: &str| {
            let name = secret_name(destination, suffix);
            secret(&name).ok_or(SealError::Missing(name))
        };
        let seconds = now / 1000;
        let sealed = |value: &HeaderValue| match value {
            HeaderValue::Text(text) => Ok(text.clone()),
            HeaderValue::Secret { prefix, suffix } => Ok(format!("{prefix}{}", get(suffix)?)),
            HeaderValue::Timestamp => Ok(seconds.to_string()),
            HeaderValue::Signature { id, suffix } => {
                signature(&get(suffix)?, id, seconds, self.body.as_deref().unwrap_or_default())
                    .ok_or_else(|| SealError::Malformed(secret_name(destination, suffix)))
            }
        };
        self.headers.iter().map(|(header, value)| Ok((*header, sealed(value)?))).collect()
    }

    /// The suffixes of the secrets that its headers take.
    pub fn secret_suffixes(&self) -> impl Iterator<Item = &'static str> {
        self.headers.iter().filter_map(|(_, value)| match value {
            HeaderValue::Secret { suffix, .. } | HeaderValue::Signature { suffix, .. } => Some(*suffix),
            HeaderValue::Text(_) | HeaderValue::Timestamp => None,
        })
    }
}

/// `v1,` and the base64 HMAC-SHA256 of `{id}.{seconds}.{body}` under a `whsec_` secret; `None` when the secret is not
/// base64.
pub fn signature(secret: &str, id: &str, seconds: i64, body: &str) -> Option<String> {
    let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    Some(format!("v1,{}", BASE64.encode(mac.finalize().into_bytes())))
}
