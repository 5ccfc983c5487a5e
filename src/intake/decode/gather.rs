//! Gathers pairs as a body yields them: cleans names, holds the limits, tells data from control.
//!
//! A value that is too long and a file are noted and the reading goes on, so that the visitor sees every mistake at once
//! and gets the rest of the text back. Too many fields end the reading.

use crate::config::dialect::is_control;
use crate::config::form::Limits;
use crate::form::{FieldCode, FieldError, Refusal, RefusalKind};

use super::Decoded;

/// What names and values may come to together, however small a form's bodies have to be: a nested object of a few hundred
/// bytes may well double.
const GROWN_BYTES: usize = 64 * 1024;

/// The pairs so far.
#[derive(Debug)]
pub(super) struct Gather {
    limits: Limits,
    count: usize,
    bytes: usize,
    decoded: Decoded,
    errors: Vec<FieldError>,
}

impl Gather {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, count: 0, bytes: 0, decoded: Decoded::default(), errors: Vec::new() }
    }

    /// Takes one pair. A pair without a name counts, but there is nowhere to put it.
    pub(super) fn pair(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        self.count()?;
        let (name, value) = (&clean(name), clean(value));
        let Some(name) = self.name(name) else { return Ok(()) };
        self.weigh(name, &value)?;
        if value.len() > self.limits.value_bytes {
            self.errors
                .push(FieldError { code: FieldCode::ValueTooLong(self.limits.value_bytes), field: name.to_owned() });
        }
        let fields = if is_control(name) { &mut self.decoded.control } else { &mut self.decoded.fields };
        fields.push(name, value);
        Ok(())
    }

    /// Takes note of a file that somebody tried to send.
    pub(super) fn file(&mut self, name: &str) -> Result<(), Refusal> {
        self.count()?;
        let field = self.name(&clean(name)).unwrap_or_default().to_owned();
        self.errors.push(FieldError { code: FieldCode::NoFileUploads, field });
        Ok(())
    }

    /// Takes note of a file input that nobody filled in.
    pub(super) fn no_file(&mut self) -> Result<(), Refusal> {
        self.count()
    }

    pub(super) fn finish(self) -> (Decoded, Vec<FieldError>) {
        (self.decoded, self.errors)
    }

    fn count(&mut self) -> Result<(), Refusal> {
        self.count += 1;
        if self.count > self.limits.fields {
            let code = FieldCode::TooManyFields(self.limits.fields);
            return Err(Refusal::because(RefusalKind::TooLarge, code, ""));
        }
        Ok(())
    }

    /// A body can grow when it is read: the name of an object of JSON stands in the name of each of its members.
    fn weigh(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        self.bytes += name.len() + value.len();
        if self.bytes > self.limits.body_bytes.max(GROWN_BYTES) {
            let code = FieldCode::BodyTooLarge(self.limits.body_bytes);
            return Err(Refusal::because(RefusalKind::TooLarge, code, ""));
        }
        Ok(())
    }

    /// The name without white space around it and without PHP's `[]` at its end, if anything is left of it. It is cleaned,
    /// of NUL too, before anyone asks whether it is a control field, or ` _next` would be data.
    fn name<'n>(&mut self, name: &'n str) -> Option<&'n str> {
        if name.len() > self.limits.value_bytes {
            // Nobody typed this name, and nobody wants to read it in an error.
            let code = FieldCode::NameTooLong(self.limits.value_bytes);
            self.errors.push(FieldError { code, field: String::new() });
            return None;
        }
        let name = name.trim();
        let name = name.strip_suffix("[]").unwrap_or(name).trim_end();
        (!name.is_empty()).then_some(name)
    }
}

/// Everything is kept as it was sent except control characters, which nobody types. NUL goes, because SQLite ends texts at
/// it and CRMs refuse it; the others but line ends and tabs are replaced, so that a person sees that something stood there,
/// and because each would be six bytes of JSON wherever the text is stored or sent.
fn clean(text: &str) -> String {
    let is_unwanted = |c: char| c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r');
    if !text.contains(is_unwanted) {
        return text.to_owned();
    }
    let visible = |c| if is_unwanted(c) { '\u{fffd}' } else { c };
    text.chars().filter(|c| *c != '\0').map(visible).collect()
}
