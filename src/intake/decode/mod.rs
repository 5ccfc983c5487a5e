//! Decode: a body and its content type become Fields, data and control apart.
//!
//! Three encodings are read: urlencoded, multipart/form-data and a JSON object. The text is UTF-8 whatever the charset
//! says; bytes that are no UTF-8 are replaced and never a reason to refuse. Reading stops at the limit of fields, so a body made
//! of ten thousand costs as much as one of two hundred.

mod gather;
mod json;
mod multipart;
#[cfg(test)]
mod tests;
mod urlencoded;

use crate::config::form::Limits;

use super::{FieldCode, Fields, Refusal, RefusalKind};
use gather::Gather;

/// What a body held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decoded {
    /// The data fields, in order.
    pub fields: Fields,
    /// The control fields, in order; those of the form's dialect come when [`super::dialect`] sets them apart.
    pub control: Fields,
}

/// Reads a body. A submission without any filled data field is refused as empty.
///
/// ```
/// use formcourier::{config::form::Limits, form::decode::decode};
/// let decoded = decode(Some("application/x-www-form-urlencoded"), b"name=Ada&_next=%2Fthanks", &Limits::default());
/// assert_eq!(decoded.unwrap().fields.first("name"), Some("Ada"));
/// ```
pub fn decode(content_type: Option<&str>, body: &[u8], limits: &Limits) -> Result<Decoded, Refusal> {
    match decode_keeping(content_type, body, limits) {
        (decoded, None) => Ok(decoded),
        (_, Some(refusal)) => Err(refusal),
    }
}

/// As [`decode`], and also what could be read of a body that is refused: the error page gives it back to the visitor.
pub fn decode_keeping(content_type: Option<&str>, body: &[u8], limits: &Limits) -> (Decoded, Option<Refusal>) {
    let mut gather = Gather::new(*limits);
    let read = read(content_type, body, limits, &mut gather);
    let (decoded, errors) = gather.finish();
    let refusal = match read {
        Err(refusal) => Some(refusal),
        Ok(()) if errors.iter().any(|error| error.code.is_size()) => {
            Some(Refusal { kind: RefusalKind::TooLarge, errors })
        }
        Ok(()) if !errors.is_empty() => Some(Refusal { kind: RefusalKind::Invalid, errors }),
        Ok(()) if decoded.fields.is_blank() => Some(RefusalKind::Empty.into()),
        Ok(()) => None,
    };
    (decoded, refusal)
}

fn read(content_type: Option<&str>, body: &[u8], limits: &Limits, gather: &mut Gather) -> Result<(), Refusal> {
    if body.len() > limits.body_bytes {
        return Err(Refusal::because(RefusalKind::TooLarge, FieldCode::BodyTooLarge(limits.body_bytes), ""));
    }
    // A form of unchecked boxes has no body at all, and some clients then leave out its type too.
    if body.is_empty() {
        return Ok(());
    }
    let content_type = content_type.unwrap_or_default();
    match Encoding::of(content_type) {
        Some(Encoding::Urlencoded) => urlencoded::read(without_mark(body), gather),
        Some(Encoding::Multipart) => multipart::read(content_type, body, gather),
        Some(Encoding::Json) => json::read(without_mark(body), gather),
        Some(Encoding::Text) => json_in_disguise(without_mark(body), gather),
        None => Err(RefusalKind::Type.into()),
    }
}

/// A script in `no-cors` mode may send no type but this one, and sends JSON under it. Other plain text is nobody's form.
fn json_in_disguise(body: &[u8], gather: &mut Gather) -> Result<(), Refusal> {
    json::read(body, gather).map_err(|refusal| match refusal.kind {
        RefusalKind::Malformed => RefusalKind::Type.into(),
        _ => refusal,
    })
}

fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body)
}

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Urlencoded,
    Multipart,
    Json,
    Text,
}

impl Encoding {
    /// The encoding that a `Content-Type` names; its parameters do not matter here.
    pub(super) fn of(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/x-www-form-urlencoded" => Some(Self::Urlencoded),
            "multipart/form-data" => Some(Self::Multipart),
            "application/json" | "text/json" => Some(Self::Json),
            "text/plain" => Some(Self::Text),
            other if other.starts_with("application/") && other.ends_with("+json") => Some(Self::Json),
            _ => None,
        }
    }
}
