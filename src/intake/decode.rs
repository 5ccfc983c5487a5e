//! Decodes a body into Fields: urlencoded, `multipart/form-data` or a JSON object.
//!
//! - Text is UTF-8 whatever the charset says. Invalid bytes are replaced; they are no reason to refuse.
//! - A missing or vague content type is decided by the shape of the body, because scripts get it wrong.
//! - A file or a value that is too long is recorded and decoding continues, so the visitor sees every mistake at once and
//!   gets the text back. Decoding stops at the field limit: ten thousand fields cost no more than two hundred.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use serde::de::{Deserialize, Deserializer, IgnoredAny, Visitor};

use crate::domain::Fields;

use super::form::Limits;
use super::refusal::{FieldCode, FieldError, Refusal, RefusalKind};

/// The least total size of names and values that every form allows: a nested object of a few hundred bytes can double.
const GROWN_BYTES: usize = 64 * 1024;

/// The most bytes of a part's headers.
const HEADER_BYTES: usize = 8 * 1024;

/// How deep objects and lists may be nested.
const DEPTH: usize = 16;

/// Decodes a body. The readable part of a refused body is returned too, for the error page.
///
/// ```
/// use formcourier::intake::{decode::decode, form::Limits};
/// let (fields, refusal) = decode(Some("application/json"), br#"{"name": "Ada", "age": 36}"#, &Limits::default());
/// assert_eq!((fields.first("name"), fields.first("age"), refusal), (Some("Ada"), Some("36"), None));
/// ```
pub fn decode(content_type: Option<&str>, body: &[u8], limits: &Limits) -> (Fields, Option<Refusal>) {
    let mut gather = Gather { limits: *limits, count: 0, bytes: 0, fields: Fields::default(), errors: Vec::new() };
    let read = read(content_type.unwrap_or_default(), body, &mut gather);
    let Gather { fields, errors, .. } = gather;
    let refusal = match read {
        Err(refusal) => Some(refusal),
        Ok(()) if errors.is_empty() => None,
        Ok(()) => {
            let is_size = errors.iter().any(|error| error.code.is_size());
            Some(Refusal { kind: if is_size { RefusalKind::TooLarge } else { RefusalKind::Invalid }, errors })
        }
    };
    (fields, refusal)
}

fn read(content_type: &str, body: &[u8], gather: &mut Gather) -> Result<(), Refusal> {
    if body.len() > gather.limits.body_bytes {
        return Err(too_large(FieldCode::BodyTooLarge(gather.limits.body_bytes)));
    }
    // A form of unticked boxes has no body at all, and some clients then leave out its type too.
    if body.is_empty() {
        return Ok(());
    }
    let text = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    match essence(content_type).as_str() {
        "multipart/form-data" => multipart(content_type, body, gather),
        // `curl -d '{...}'` sends JSON under this type.
        "application/x-www-form-urlencoded" if is_json_text(text) => json(text, gather),
        "application/x-www-form-urlencoded" => urlencoded(text, gather),
        // `sendBeacon` with a string and scripts in `no-cors` mode send `text/plain`; some clients send no type at all.
        "" | "text/plain" if is_urlencoded_text(text) => urlencoded(text, gather),
        "" | "text/plain" => json(text, gather).map_err(|refusal| match refusal.kind {
            RefusalKind::Malformed => RefusalKind::Type.into(),
            _ => refusal,
        }),
        other if is_json(other) => json(text, gather),
        _ => Err(RefusalKind::Type.into()),
    }
}

/// Whether a body is JSON, by its first character. No urlencoder leaves these three unescaped; a hand-written `[a]=b` is
/// told apart by its content.
fn is_json_text(text: &[u8]) -> bool {
    match text.trim_ascii_start().first() {
        Some(b'{') => true,
        Some(b'[' | b'"') => serde_json::from_slice::<IgnoredAny>(text).is_ok(),
        _ => false,
    }
}

/// Whether a body is urlencoded, by its shape: `name=value` without the white space and quotes that every encoder escapes.
fn is_urlencoded_text(text: &[u8]) -> bool {
    let is_escaped = |byte: &u8| !byte.is_ascii_whitespace() && *byte != b'"';
    text.iter().position(|byte| *byte == b'=').is_some_and(|at| at > 0) && text.iter().all(is_escaped)
}

/// Nothing is malformed here: a stray `%` stands for itself (<https://url.spec.whatwg.org/#urlencoded-parsing>).
fn urlencoded(text: &[u8], gather: &mut Gather) -> Result<(), Refusal> {
    form_urlencoded::parse(text).try_for_each(|(name, value)| gather.pair(&name, &value))
}

fn too_large(code: FieldCode) -> Refusal {
    Refusal::because(RefusalKind::TooLarge, code, "")
}

fn malformed<E>(_: E) -> Refusal {
    RefusalKind::Malformed.into()
}

/// The media type in a `Content-Type`, in lower case, without parameters. Of several types the first counts.
pub(super) fn essence(content_type: &str) -> String {
    let is_end = |c: char| c == ';' || c == ',' || c.is_whitespace();
    content_type.trim().split(is_end).next().unwrap_or_default().to_ascii_lowercase()
}

/// Whether a type is a kind of JSON.
pub(super) fn is_json(essence: &str) -> bool {
    matches!(essence, "application/json" | "text/json")
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Collects the pairs of a body: cleans names and values and enforces the limits.
struct Gather {
    limits: Limits,
    count: usize,
    bytes: usize,
    fields: Fields,
    errors: Vec<FieldError>,
}

impl Gather {
    /// Adds one pair. A pair without a name counts toward the limit and is dropped.
    fn pair(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        self.count()?;
        let (name, value) = (clean(name), clean(value));
        let Some(name) = self.name(&name) else { return Ok(()) };
        // A body can grow: the name of a JSON object becomes a part of each member's name.
        self.bytes += name.len() + value.len();
        if self.bytes > self.limits.body_bytes.max(GROWN_BYTES) {
            return Err(too_large(FieldCode::BodyTooLarge(self.limits.body_bytes)));
        }
        if value.len() > self.limits.value_bytes {
            let code = FieldCode::ValueTooLong(self.limits.value_bytes);
            self.errors.push(FieldError { code, field: name.to_owned() });
        }
        self.fields.push(name, value);
        Ok(())
    }

    /// Records an attached file as an error.
    fn file(&mut self, name: &str) -> Result<(), Refusal> {
        self.count()?;
        let field = self.name(&clean(name)).unwrap_or_default().to_owned();
        self.errors.push(FieldError { code: FieldCode::NoFileUploads, field });
        Ok(())
    }

    fn count(&mut self) -> Result<(), Refusal> {
        self.count += 1;
        if self.count > self.limits.fields {
            return Err(too_large(FieldCode::TooManyFields(self.limits.fields)));
        }
        Ok(())
    }

    /// The name without white space around it and without PHP's `[]` at its end, unless nothing is left.
    fn name<'n>(&mut self, name: &'n str) -> Option<&'n str> {
        if name.len() > self.limits.value_bytes {
            // The error does not repeat the name.
            let code = FieldCode::NameTooLong(self.limits.value_bytes);
            self.errors.push(FieldError { code, field: String::new() });
            return None;
        }
        let name = name.trim();
        let name = name.strip_suffix("[]").unwrap_or(name).trim_end();
        (!name.is_empty()).then_some(name)
    }
}

/// The text without control characters. NUL is removed, because SQLite ends texts at it and CRMs refuse it. Others, except
/// line ends and tabs, are replaced: a person sees that something was there, and each would take six bytes of JSON.
fn clean(text: &str) -> Cow<'_, str> {
    let is_unwanted = |c: char| c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r');
    if !text.contains(is_unwanted) {
        return Cow::Borrowed(text);
    }
    text.chars().filter(|c| *c != '\0').map(|c| if is_unwanted(c) { '\u{fffd}' } else { c }).collect()
}

/// `multipart/form-data` (<https://html.spec.whatwg.org/#multipart-form-data>).
fn multipart(content_type: &str, body: &[u8], gather: &mut Gather) -> Result<(), Refusal> {
    let boundary = parameter(content_type, "boundary").filter(|boundary| !boundary.is_empty()).ok_or(malformed(()))?;
    // Boundaries are ASCII, so replacing invalid UTF-8 keeps the parts.
    let body = String::from_utf8_lossy(body);
    let (delimiter, mut rest) = (format!("\r\n--{boundary}"), &*body);
    while let Some((headers, content)) = next_part(&mut rest, &delimiter)? {
        let disposition = header(headers, "content-disposition").unwrap_or_default();
        let name = parameter(disposition, "name").ok_or(malformed(()))?;
        // Browsers escape these three in names, and nothing else.
        let name = name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n");
        // RFC 7578 forbids `filename*`; some clients send it all the same.
        let is_file = ["filename", "filename*"].iter().any(|file| parameter(disposition, file).is_some());
        match is_file {
            // An unfilled file input: `filename=""`, or what a script made of it (`blob`, `undefined`).
            true if content.is_empty() => gather.count()?,
            true => gather.file(&name)?,
            false => gather.pair(&name, content)?,
        }
    }
    Ok(())
}

/// Headers and content of the next part, or `None` after the last one. `rest` begins with a delimiter, or with a preamble.
fn next_part<'b>(rest: &mut &'b str, delimiter: &str) -> Result<Option<(&'b str, &'b str)>, Refusal> {
    // The first one need not follow a line break: some bodies begin with a BOM or a stray byte.
    let (_, after) = rest.split_once(&delimiter[2..]).ok_or(malformed(()))?;
    if after.starts_with("--") {
        return Ok(None);
    }
    let part = after.trim_start_matches([' ', '\t']).strip_prefix("\r\n").ok_or(malformed(()))?;
    // The delimiter stays, for the next one.
    let end = part.find(delimiter).ok_or(malformed(()))?;
    *rest = &part[end..];
    let part = &part[..end];
    // Empty content may lack the line break before its delimiter: the delimiter has taken that of the empty line.
    let empty = || Some((part.strip_suffix("\r\n")?, ""));
    part.split_once("\r\n\r\n")
        .or_else(empty)
        .filter(|(headers, _)| headers.len() <= HEADER_BYTES)
        .ok_or(malformed(()))
        .map(Some)
}

/// The value of a header by its name.
fn header<'b>(headers: &'b str, name: &str) -> Option<&'b str> {
    let mut pairs = headers.lines().filter_map(|line| line.split_once(':'));
    Some(pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name))?.1)
}

/// A parameter of a header such as `form-data; name="email"`; names ignore case. In a quoted value `\"` is a quote; any
/// other backslash stands for itself, as in a Windows path.
fn parameter(header: &str, name: &str) -> Option<String> {
    let (_, mut rest) = header.split_once(|c: char| c == ';' || c == ',' || c.is_whitespace())?;
    loop {
        let (key, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, after) = if let Some(quoted) = after.strip_prefix('"') {
            let is_end = |at: &usize| !quoted[..*at].ends_with('\\');
            let end = quoted.match_indices('"').map(|(at, _)| at).find(is_end).unwrap_or(quoted.len());
            (quoted[..end].replace("\\\"", "\""), quoted.get(end + 1..).unwrap_or_default())
        } else {
            let (value, after) = after.split_once(';').unwrap_or((after, ""));
            (value.trim().to_owned(), after)
        };
        if key.rsplit([';', ',']).next().is_some_and(|key| key.trim().eq_ignore_ascii_case(name)) {
            return Some(value);
        }
        rest = after;
    }
}

/// A JSON object: nested objects flatten to `a.b`, lists become repeated values, a list of objects `a.0.b`. `null` is no
/// value. Numbers keep their spelling: `1.50`, a telephone number of twenty digits.
fn json(body: &[u8], gather: &mut Gather) -> Result<(), Refusal> {
    let text = String::from_utf8_lossy(body);
    // One pass validates, without recursion; a second one walks through it.
    serde_json::from_str::<IgnoredAny>(&text).map_err(malformed)?;
    let mut walk = Walk { text: &text, at: 0, name: String::new(), gather };
    if walk.peek() == b'{' { walk.nested(0) } else { Err(malformed(())) }
}

/// Walks through valid JSON. `name` is one buffer for all levels, so a long name is not copied for each of its members.
struct Walk<'t, 'g> {
    text: &'t str,
    at: usize,
    name: String,
    gather: &'g mut Gather,
}

impl<'t> Walk<'t, '_> {
    fn value(&mut self, depth: usize) -> Result<(), Refusal> {
        match self.peek() {
            b'{' | b'[' => self.nested(depth),
            b'"' => {
                let value = self.string()?;
                self.gather.pair(&self.name, &value)
            }
            b'n' => {
                self.scalar();
                Ok(())
            }
            _ => {
                let scalar = self.scalar();
                self.gather.pair(&self.name, scalar)
            }
        }
    }

    /// Reads an object or a list.
    fn nested(&mut self, depth: usize) -> Result<(), Refusal> {
        if depth == DEPTH {
            return Err(malformed(()));
        }
        let (is_object, outer) = (self.peek() == b'{', self.name.len());
        self.at += 1;
        for index in 0.. {
            let next = self.peek();
            if matches!(next, b'}' | b']') {
                break;
            }
            if is_object {
                let key = self.string()?;
                if outer > 0 {
                    self.name.push('.');
                }
                self.name.push_str(&key);
            } else if matches!(next, b'{' | b'[') {
                let _ = write!(self.name, ".{index}");
            }
            self.value(depth + 1)?;
            self.name.truncate(outer);
        }
        self.at += 1;
        Ok(())
    }

    /// The next significant byte, not consumed. Separators have been validated and are skipped.
    fn peek(&mut self) -> u8 {
        let rest = &self.text.as_bytes()[self.at.min(self.text.len())..];
        let blank = rest.iter().take_while(|byte| b" \n\r\t,:".contains(byte)).count();
        self.at += blank;
        // Valid JSON does not end where something is expected.
        rest.get(blank).copied().unwrap_or(b'}')
    }

    /// Reads a string.
    fn string(&mut self) -> Result<String, Refusal> {
        let start = self.at;
        self.at += 1;
        while let Some(byte) = self.text.as_bytes().get(self.at).filter(|byte| **byte != b'"') {
            self.at += if *byte == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        let raw = self.text.get(start..self.at).unwrap_or_default();
        serde_json::from_str::<Text>(raw).map(|text| text.0).map_err(malformed)
    }

    /// Reads a number, `true`, `false` or `null`.
    fn scalar(&mut self) -> &'t str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let end = rest.find([',', ']', '}', ' ', '\n', '\r', '\t']).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }
}

/// A string in which lone surrogates (an emoji that a script cut in half) are replaced.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Text, E> {
                Ok(Text(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
        // `serde_json` refuses lone surrogates in strings but passes them on in bytes.
        deserializer.deserialize_bytes(Bytes)
    }
}

#[cfg(test)]
mod tests;
