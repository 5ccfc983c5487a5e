//! The platform's request as plain data: a [`Visit`], and a body that has yet to be read.

use serde::Deserialize;
use wasm_bindgen::{JsCast, JsValue};
use worker::Url;

use crate::intake::{FieldCode, Refusal, RefusalKind, Visit};

use super::platform;

/// The time that a body may take to arrive, in milliseconds. The longest that a form takes by default needs 26 kbit/s.
const BODY_MS: u32 = 20_000;

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
pub struct Body(pub JsValue);

impl Body {
    /// Reads the whole body, unless it is longer than `limit` (whatever `Content-Length` says), breaks off or stalls. There
    /// is nothing for the operator to fix, so nothing is logged.
    pub async fn read(self, limit: usize) -> Result<Vec<u8>, Refusal> {
        let most = u32::try_from(limit).unwrap_or(u32::MAX);
        let body = platform::read_body(&self.0, most, BODY_MS).await.unwrap_or(JsValue::UNDEFINED);
        match body.dyn_into::<js_sys::Uint8Array>() {
            Ok(bytes) => Ok(bytes.to_vec()),
            Err(reason) => Err(match reason.as_string().as_deref() {
                Some("too_large") => Refusal::because(RefusalKind::TooLarge, FieldCode::BodyTooLarge(limit), ""),
                Some("timeout") => RefusalKind::Timeout.into(),
                _ => RefusalKind::Malformed.into(),
            }),
        }
    }
}
