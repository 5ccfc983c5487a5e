//! `multipart/form-data`, read with `multer`: <https://html.spec.whatwg.org/#multipart-form-data>.
//!
//! - The whole body is there, so `multer`'s futures are ready at once; one that is not means a body without an end.
//! - The bytes are made valid UTF-8 before they are parsed: `multer` forgets a name that is not, and its `text()` would
//!   pull in the tables of every charset. Boundaries are ASCII, so the parts stay where they are.
//! - Browsers send an unfilled file input as a part with an empty file name and no content; that is no file.

use std::convert::Infallible;
use std::future::Future;

use futures_util::{FutureExt, future, stream};
use multer::{Field, Multipart, bytes::Bytes};

use crate::form::{Refusal, RefusalKind};

use super::gather::Gather;

pub(super) fn read(content_type: &str, body: &[u8], gather: &mut Gather) -> Result<(), Refusal> {
    let boundary = multer::parse_boundary(content_type).unwrap_or_default();
    if boundary.is_empty() {
        return Err(RefusalKind::Malformed.into());
    }
    let body = Bytes::from(String::from_utf8_lossy(body).into_owned());
    let mut parts = Multipart::new(stream::once(future::ready(Ok::<_, Infallible>(body))), boundary);
    while let Some(part) = ready(parts.next_field())? {
        take(part, gather)?;
    }
    Ok(())
}

fn take(part: Field<'_>, gather: &mut Gather) -> Result<(), Refusal> {
    let name = part.name().map(unescaped).unwrap_or_default();
    let file_name = part.file_name().map(str::to_owned);
    let is_file = file_name.is_some() || has_extended_file_name(&part);
    let content = ready(part.bytes())?;
    if is_file {
        let unfilled = file_name.as_deref() == Some("") && content.is_empty();
        return if unfilled { gather.no_file() } else { gather.file(&name) };
    }
    gather.pair(&name, &String::from_utf8_lossy(&content))
}

/// `filename*=UTF-8''…`: forbidden here by RFC 7578 and sent by some clients all the same; `multer` does not see it.
fn has_extended_file_name(part: &Field<'_>) -> bool {
    let disposition = part.headers().get("content-disposition").map_or(&[][..], |value| value.as_bytes());
    String::from_utf8_lossy(disposition).to_ascii_lowercase().contains("filename*")
}

/// Browsers escape these three in names, and nothing else.
fn unescaped(name: &str) -> String {
    name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}

fn ready<T>(future: impl Future<Output = multer::Result<T>>) -> Result<T, Refusal> {
    future.now_or_never().and_then(Result::ok).ok_or_else(|| RefusalKind::Malformed.into())
}
