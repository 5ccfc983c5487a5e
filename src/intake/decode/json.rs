//! A JSON object: nested objects flatten to `a.b`, lists become repeated values, a list of objects `a.0.b`.
//!
//! Values are taken from the text itself and not from parsed numbers, because `1.50` and a phone number of twenty digits
//! are what somebody typed. A member that comes twice is a repeated name. A lone surrogate (`"\ud83d"`, what is left of an
//! emoji that a script cut in half) is replaced like any other invalid text. `null` is no value.

use std::fmt::{self, Write as _};

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, Visitor};

use crate::form::{Refusal, RefusalKind};

use super::gather::Gather;

/// How deep objects and lists may be nested.
const DEPTH: usize = 16;

pub(super) fn read(body: &[u8], gather: &mut Gather) -> Result<(), Refusal> {
    let text = String::from_utf8_lossy(body);
    // One pass says that it is JSON (without recursion, whatever its depth), a second one walks through it.
    serde_json::from_str::<IgnoredAny>(&text).map_err(|_| malformed())?;
    let mut walk = Walk { text: &text, at: 0, name: String::new(), gather };
    match walk.next() {
        Some(b'{') => walk.object(0),
        _ => Err(malformed()),
    }
}

fn malformed() -> Refusal {
    RefusalKind::Malformed.into()
}

/// A way through JSON that is known to be valid. The name of a value is kept in one place, longer at every level and
/// shorter again, so that a long name with much in it costs no more than its own length.
struct Walk<'t, 'g> {
    text: &'t str,
    at: usize,
    name: String,
    gather: &'g mut Gather,
}

impl<'t> Walk<'t, '_> {
    fn value(&mut self, depth: usize) -> Result<(), Refusal> {
        if depth > DEPTH {
            return Err(malformed());
        }
        match self.next() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => {
                let value = self.string()?;
                self.gather.pair(&self.name, &value)
            }
            _ => {
                let scalar = self.scalar();
                // `null`; else true, false, or a number: its own text.
                if scalar.starts_with('n') { Ok(()) } else { self.gather.pair(&self.name, scalar) }
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), Refusal> {
        self.at += 1;
        loop {
            match self.next() {
                Some(b'"') => {
                    let outer = self.name.len();
                    let key = self.string()?;
                    if outer > 0 {
                        self.name.push('.');
                    }
                    self.name.push_str(&key);
                    self.value(depth + 1)?;
                    self.name.truncate(outer);
                }
                Some(b'}') => break,
                _ => return Err(malformed()),
            }
        }
        self.at += 1;
        Ok(())
    }

    fn list(&mut self, depth: usize) -> Result<(), Refusal> {
        self.at += 1;
        let mut index = 0_usize;
        loop {
            match self.next() {
                Some(b'{' | b'[') => {
                    let outer = self.name.len();
                    let _ = write!(self.name, ".{index}");
                    self.value(depth + 1)?;
                    self.name.truncate(outer);
                }
                Some(b']') => break,
                Some(_) => self.value(depth + 1)?,
                None => return Err(malformed()),
            }
            index += 1;
        }
        self.at += 1;
        Ok(())
    }

    /// The next byte that means something, not taken. What stands between values has been checked and is passed over.
    fn next(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let blank = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b',' | b':')).count();
        self.at += blank;
        rest.get(blank).copied()
    }

    /// Takes the string that begins here.
    fn string(&mut self) -> Result<String, Refusal> {
        let start = self.at;
        self.at += 1;
        while let Some(byte) = self.text.as_bytes().get(self.at) {
            match byte {
                b'\\' => self.at += 2,
                b'"' => break,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        let raw = self.text.get(start..self.at).ok_or_else(malformed)?;
        serde_json::from_str::<Text>(raw).map(|text| text.0).map_err(|_| malformed())
    }

    /// Takes the number or the word that begins here.
    fn scalar(&mut self) -> &'t str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let end = rest.find([',', ']', '}', ' ', '\n', '\r', '\t']).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
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
