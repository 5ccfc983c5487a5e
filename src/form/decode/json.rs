//! A JSON object: nested objects flatten to `a.b`, lists become repeated values, a list of objects `a.0.b`.
//!
//! Values are taken from the text itself and not from parsed numbers, because `1.50` and a phone number of twenty digits
//! are what somebody typed. A member that comes twice is a repeated name. A lone surrogate (`"\ud83d"`, what is left of an
//! emoji that a script cut in half) is replaced like any other invalid text. `null` is no value.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::form::{Refusal, RefusalKind};

use super::gather::Gather;

/// How deep objects and lists may be nested. Every level scans its text once more, so this bounds the work too.
const DEPTH: usize = 16;

pub(super) fn read(body: &[u8], gather: &mut Gather) -> Result<(), Refusal> {
    object("", parse(&String::from_utf8_lossy(body))?, 0, gather)
}

fn object(name: &str, Members(members): Members<'_>, depth: usize, gather: &mut Gather) -> Result<(), Refusal> {
    for (Text(key), raw) in members {
        let name = if name.is_empty() { key } else { format!("{name}.{key}") };
        value(&name, raw.get(), depth + 1, gather)?;
    }
    Ok(())
}

fn value(name: &str, raw: &str, depth: usize, gather: &mut Gather) -> Result<(), Refusal> {
    if depth > DEPTH {
        return Err(RefusalKind::Malformed.into());
    }
    match raw.as_bytes().first() {
        Some(b'{') => object(name, parse(raw)?, depth, gather),
        Some(b'[') => list(name, &parse::<Vec<&RawValue>>(raw)?, depth, gather),
        Some(b'"') => gather.pair(name, &parse::<Text>(raw)?.0),
        Some(b'n') | None => Ok(()),
        // true, false, or a number: its own text.
        Some(_) => gather.pair(name, raw),
    }
}

fn list(name: &str, items: &[&RawValue], depth: usize, gather: &mut Gather) -> Result<(), Refusal> {
    for (index, item) in items.iter().enumerate() {
        let item = item.get();
        if item.starts_with(['{', '[']) {
            value(&format!("{name}.{index}"), item, depth + 1, gather)?;
        } else {
            value(name, item, depth + 1, gather)?;
        }
    }
    Ok(())
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Refusal> {
    serde_json::from_str(text).map_err(|_| RefusalKind::Malformed.into())
}

/// The members of an object in order, their values unparsed.
struct Members<'a>(Vec<(Text, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seen;
        impl<'de> Visitor<'de> for Seen {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Seen)
    }
}

/// A string that may hold lone surrogates: read as bytes, which `serde_json` lets through, and replaced.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seen;
        impl Visitor<'_> for Seen {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Text, E> {
                Ok(Text(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
        deserializer.deserialize_bytes(Seen)
    }
}
