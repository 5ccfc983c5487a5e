//! The platform's request as plain data: a [`Visit`], and a body that has yet to be read.

use js_sys::Uint8Array;
use serde::Deserialize;
use wasm_bindgen::{JsCast, JsValue};
use worker::Url;

use crate::intake::{FieldCode, Refusal, RefusalKind, Visit};

use super::platform;

/// A request without its body, as the Worker's entry hands it over: method, URL, country, headers.
#[derive(Debug, Deserialize)]
pub struct Head(String, String, Option<String>, Vec<(String, String)>);

impl Head {
    /// The visit; `None` when an invalid `Host` makes the URL invalid.
    pub fn visit(self) -> Option<Visit> {
        let Self(method, url, country, headers) = self;
        let header = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        Some(Visit::new(&method, Url::parse(&url).ok()?, country, header))
    }
}

/// The body of a request.
#[derive(Debug)]
pub enum Body {
    /// Its bytes.
    Read(Vec<u8>),
    /// The request, whose body is not read yet, or a string that says why it could not be read.
    Other(JsValue),
}

impl Body {
    /// Reads the whole body, unless it is longer than `limit` (whatever `Content-Length` says), breaks off or stalls. There
    /// is nothing for the operator to fix, so nothing is logged.
    pub async fn read(self, limit: usize) -> Result<Vec<u8>, Refusal> {
        let too_large = || Refusal::because(RefusalKind::TooLarge, FieldCode::BodyTooLarge(limit), "");
        let other = match self {
            Self::Read(bytes) if bytes.len() > limit => return Err(too_large()),
            Self::Read(bytes) => return Ok(bytes),
            Self::Other(other) => other,
        };
        let most = u32::try_from(limit).unwrap_or(u32::MAX);
        let body = if other.is_string() {
            other
        } else {
            platform::read_body(&other, most).await.unwrap_or(JsValue::UNDEFINED)
        };
        match body.dyn_into::<Uint8Array>() {
            Ok(bytes) => Ok(bytes.to_vec()),
            Err(reason) => Err(match reason.as_string().as_deref() {
                Some("too_large") => too_large(),
                Some("timeout") => RefusalKind::Timeout.into(),
                _ => RefusalKind::Malformed.into(),
            }),
        }
    }
}
