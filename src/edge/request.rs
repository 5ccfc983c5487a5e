//! The platform's request as plain data: a [`Visit`], and a body that is still to be read.

use futures_util::StreamExt;
use worker::{Cf, Request, Result};

use crate::intake::{FieldCode, Refusal, RefusalKind, Visit};

/// The body of a request.
#[derive(Debug)]
pub struct Body(Request);

/// Splits a request.
pub fn open(request: Request) -> Result<(Visit, Body)> {
    let country = request.cf().and_then(Cf::country);
    let header = |name: &str| request.headers().get(name).ok().flatten();
    let visit = Visit::new(request.method().as_ref(), request.url()?, country, header);
    Ok((visit, Body(request)))
}

impl Body {
    /// The whole body, unless it is longer than `limit`, whatever `Content-Length` says, or breaks off.
    pub async fn read(mut self, limit: usize) -> std::result::Result<Vec<u8>, Refusal> {
        let mut body = Vec::new();
        let Ok(mut stream) = self.0.stream() else { return Ok(body) };
        while let Some(chunk) = stream.next().await {
            // Invalid chunks, or a visitor who has gone: nothing that the operator could fix, so it is not logged.
            body.extend_from_slice(&chunk.map_err(|_| Refusal::new(RefusalKind::Malformed))?);
            if body.len() > limit {
                return Err(Refusal::because(RefusalKind::TooLarge, FieldCode::BodyTooLarge(limit), ""));
            }
        }
        Ok(body)
    }
}
