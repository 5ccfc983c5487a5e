//! Gathers pairs as a body yields them: cleans names, holds the limits, tells data from control.
//!
//! A value that is too long and a file are noted and the reading goes on, so that the visitor sees every mistake at once
//! and gets the rest of the text back. Too many fields end the reading.

use crate::config::dialect::is_control;
use crate::config::form::Limits;
use crate::form::{FieldCode, FieldError, Refusal, RefusalKind};

use super::Decoded;

/// The pairs so far.
#[derive(Debug)]
pub(super) struct Gather {
    limits: Limits,
    count: usize,
    decoded: Decoded,
    errors: Vec<FieldError>,
}

impl Gather {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, count: 0, decoded: Decoded::default(), errors: Vec::new() }
    }

    /// Takes one pair. A pair without a name counts, but there is nowhere to put it.
    pub(super) fn pair(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        self.count()?;
        let Some(name) = self.name(name) else { return Ok(()) };
        if value.len() > self.limits.value_bytes {
            self.errors
                .push(FieldError { code: FieldCode::ValueTooLong(self.limits.value_bytes), field: name.to_owned() });
        }
        let fields = if is_control(name) { &mut self.decoded.control } else { &mut self.decoded.fields };
        fields.push(without_nul(name), without_nul(value));
        Ok(())
    }

    /// Takes note of a file that somebody tried to send.
    pub(super) fn file(&mut self, name: &str) -> Result<(), Refusal> {
        self.count()?;
        let field = self.name(name).unwrap_or_default().to_owned();
        self.errors.push(FieldError { code: FieldCode::NoFileUploads, field });
        Ok(())
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

    /// The name without white space around it and without PHP's `[]` at its end, if anything is left of it. It is cleaned
    /// before anyone asks whether it is a control field, or ` _next` would be data.
    fn name<'n>(&mut self, name: &'n str) -> Option<&'n str> {
        if name.len() > self.limits.value_bytes {
            // Nobody typed this name, and nobody wants to read it in an error.
            let code = FieldCode::NameTooLong(self.limits.value_bytes);
            self.errors.push(FieldError { code, field: String::new() });
            return None;
        }
        let name = name.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        let name = name.strip_suffix("[]").unwrap_or(name).trim_end();
        (!name.is_empty()).then_some(name)
    }
}

/// Everything is kept as it was sent except NUL: SQLite ends texts at it and CRMs refuse it.
fn without_nul(text: &str) -> String {
    text.replace('\0', "")
}
