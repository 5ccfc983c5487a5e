//! The platform's request as plain data: a [`Visit`], and a body that has yet to be read.

use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use worker::{Cf, Delay, Request, Result};

use crate::intake::{FieldCode, Refusal, RefusalKind, Visit};

/// The time that a body may take to arrive. The longest that a form takes by default needs 26 kbit/s.
const BODY_TIME: Duration = Duration::from_secs(20);

/// The body of a request.
#[derive(Debug)]
pub struct Body(Request);

/// Splits a request into head and body. An invalid `Host` makes its URL invalid.
pub fn open(request: Request) -> Result<(Visit, Body)> {
    let country = request.cf().and_then(Cf::country);
    let header = |name: &str| request.headers().get(name).ok().flatten();
    // `Request::method` turns a method that it does not know into GET.
    let visit = Visit::new(&request.inner().method(), request.url()?, country, header);
    Ok((visit, Body(request)))
}

impl Body {
    /// Reads the whole body, unless it is longer than `limit` (whatever `Content-Length` says), breaks off or stalls.
    pub async fn read(self, limit: usize) -> std::result::Result<Vec<u8>, Refusal> {
        match select(pin!(self.read_all(limit)), pin!(Delay::from(BODY_TIME))).await {
            Either::Left((body, _)) => body,
            Either::Right(_) => Err(RefusalKind::Timeout.into()),
        }
    }

    async fn read_all(mut self, limit: usize) -> std::result::Result<Vec<u8>, Refusal> {
        let mut body = Vec::new();
        let Ok(mut stream) = self.0.stream() else { return Ok(body) };
        while let Some(chunk) = stream.next().await {
            // Invalid chunks, or a visitor who left: nothing for the operator to fix, so nothing to log.
            body.extend_from_slice(&chunk.map_err(|_| Refusal::new(RefusalKind::Malformed))?);
            if body.len() > limit {
                return Err(Refusal::because(RefusalKind::TooLarge, FieldCode::BodyTooLarge(limit), ""));
            }
        }
        Ok(body)
    }
}
