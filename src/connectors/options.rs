//! Options: the keys of a destination's table, declared once in a table of the connector's file.
//!
//! The config reader, `make check` and the docs' tables walk that table, so a key cannot be read without being declared.

use serde_json::Value as Json;

use crate::domain::settings::Reader;
use crate::domain::{Kind, Template, TypedField};

use super::Record;

/// One key of a destination's table.
#[derive(Debug)]
pub struct Opt {
    /// The key.
    pub key: &'static str,
    /// What it takes.
    pub kind: OptKind,
    /// The default, as the docs show it; empty if there is no default.
    pub default: &'static str,
    /// What it means, for the docs.
    pub meaning: &'static str,
    /// The record it belongs to; `None`: all of them.
    pub record: Option<&'static str>,
    /// The choice (key, word) with which it does not work.
    pub unless: Option<(&'static str, &'static str)>,
    /// Whether it must be there.
    pub required: bool,
}

/// What an option takes.
#[derive(Debug, Clone, Copy)]
pub enum OptKind {
    /// A text.
    Text,
    /// A list of texts.
    Texts,
    /// A text with variables.
    Template,
    /// `true` or `false`.
    Flag,
    /// A whole number between these.
    Integer(i64, i64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// The vendor's own fields, each with a template of one of these types.
    Fields(&'static [(&'static str, Kind)]),
    /// A table that the connector reads by itself.
    Table,
}

impl Opt {
    const fn new(key: &'static str, kind: OptKind, default: &'static str, meaning: &'static str) -> Self {
        Self { key, kind, default, meaning, record: None, unless: None, required: false }
    }

    /// A text.
    pub const fn text(key: &'static str, meaning: &'static str) -> Self {
        Self::new(key, OptKind::Text, "", meaning)
    }

    /// A list of texts.
    pub const fn texts(key: &'static str, meaning: &'static str) -> Self {
        Self::new(key, OptKind::Texts, "", meaning)
    }

    /// A template; an empty default means none.
    pub const fn template(key: &'static str, default: &'static str, meaning: &'static str) -> Self {
        Self::new(key, OptKind::Template, default, meaning)
    }

    /// `true` or `false`; false by default.
    pub const fn flag(key: &'static str, meaning: &'static str) -> Self {
        Self::new(key, OptKind::Flag, "false", meaning)
    }

    /// A whole number.
    pub const fn integer(key: &'static str, min: i64, max: i64, meaning: &'static str) -> Self {
        Self::new(key, OptKind::Integer(min, max), "", meaning)
    }

    /// One of these words; the first is the default.
    pub const fn choice(key: &'static str, words: &'static [&'static str], meaning: &'static str) -> Self {
        Self::new(key, OptKind::Choice(words), words[0], meaning)
    }

    /// The vendor's own fields, with the types that they can have.
    pub const fn fields(key: &'static str, types: &'static [(&'static str, Kind)], meaning: &'static str) -> Self {
        Self::new(key, OptKind::Fields(types), "", meaning)
    }

    /// A table that the connector reads by itself.
    pub const fn table(key: &'static str, meaning: &'static str) -> Self {
        Self::new(key, OptKind::Table, "", meaning)
    }

    /// With this default (for a choice: an empty one means none).
    #[must_use]
    pub const fn or(mut self, default: &'static str) -> Self {
        self.default = default;
        self
    }

    /// Only with this record.
    #[must_use]
    pub const fn only(mut self, record: &'static str) -> Self {
        self.record = Some(record);
        self
    }

    /// Not when the choice `key` is set to `word`.
    #[must_use]
    pub const fn unless(mut self, key: &'static str, word: &'static str) -> Self {
        self.unless = Some((key, word));
        self
    }

    /// It must be there.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

/// The options of one destination, being read.
#[derive(Debug)]
pub struct Options<'r, 'a> {
    reader: &'r mut Reader<'a>,
    declared: &'static [Opt],
    /// The record that the destination creates.
    pub record: &'static Record,
}

impl<'r, 'a> Options<'r, 'a> {
    /// The declared `options` in the table of `reader`.
    pub fn new(reader: &'r mut Reader<'a>, options: &'static [Opt], record: &'static Record) -> Self {
        Self { reader, declared: options, record }
    }

    /// The reader, for checks that a table cannot express.
    pub fn reader(&mut self) -> &mut Reader<'a> {
        self.reader
    }

    /// Whether the key is set.
    pub fn has(&self, key: &str) -> bool {
        self.reader.has(key)
    }

    /// The option of this key, unless it belongs to another record or is missing. A missing required one is an error.
    fn option(&mut self, key: &str) -> Option<&'static Opt> {
        let option = self.declared.iter().find(|option| option.key == key)?;
        if !self.is_for_this_record(option) {
            return None;
        }
        if !self.reader.has(key) && option.required {
            self.reader.error(key, format!("is missing; it is {}", option.meaning));
        }
        Some(option)
    }

    fn is_for_this_record(&self, option: &Opt) -> bool {
        option.record.is_none_or(|record| record == self.record.name)
    }

    /// A text, or its default. After an error, too, the default is returned, so that reading goes on to the next error.
    pub fn text(&mut self, key: &'static str) -> Option<String> {
        let option = self.option(key)?;
        self.reader.text(key).or_else(|| (!option.default.is_empty()).then(|| option.default.to_owned()))
    }

    /// A list of texts; empty when it is not set.
    pub fn texts(&mut self, key: &'static str) -> Vec<String> {
        self.option(key).and_then(|_| self.reader.texts(key)).unwrap_or_default()
    }

    /// A template, or its default.
    pub fn template(&mut self, key: &'static str) -> Option<Template> {
        let option = self.option(key)?;
        let default = |reader: &mut Reader<'_>| reader.parse_template(key, option.default);
        self.reader.template(key).or_else(|| (!option.default.is_empty()).then(|| default(self.reader)).flatten())
    }

    /// A flag.
    pub fn flag(&mut self, key: &'static str) -> bool {
        let Some(option) = self.option(key) else { return false };
        self.reader.flag(key).unwrap_or(option.default == "true")
    }

    /// A whole number.
    pub fn integer(&mut self, key: &'static str) -> Option<i64> {
        let Opt { kind: OptKind::Integer(min, max), default, .. } = self.option(key)? else { return None };
        self.reader.integer(key, *min, *max).or_else(|| default.parse().ok())
    }

    /// One of the option's words, or its default.
    pub fn choice(&mut self, key: &'static str) -> Option<&'static str> {
        let Opt { kind: OptKind::Choice(words), default, .. } = self.option(key)? else { return None };
        let choices: Vec<(&str, &'static str)> = words.iter().map(|word| (*word, *word)).collect();
        self.reader.choice(key, &choices).or(Some(*default).filter(|word| !word.is_empty()))
    }

    /// The vendor's own fields, as typed templates.
    pub fn fields(&mut self, key: &'static str) -> Vec<TypedField> {
        let Some(Opt { kind: OptKind::Fields(types), .. }) = self.option(key) else { return Vec::new() };
        self.reader.typed_fields(key, types)
    }

    /// A table, as it is.
    pub fn table(&mut self, key: &'static str) -> Option<&'a serde_json::Map<String, Json>> {
        self.option(key)?;
        let value = self.reader.raw(key)?;
        if !value.is_object() {
            self.reader.wrong(key, value, "a table");
        }
        value.as_object()
    }

    /// Reports keys of another record or choice; every declared key counts as known.
    pub fn finish(self) {
        for option in self.declared {
            if self.reader.raw(option.key).is_none() {
                continue;
            }
            if let Some(record) = option.record.filter(|record| *record != self.record.name) {
                self.reader.error(option.key, format!("works only with record = \"{record}\""));
            } else if let Some((key, word)) = option.unless
                && self.reader.raw(key).is_some_and(|value| value == word)
            {
                self.reader.error(option.key, format!("does not work with {key} = \"{word}\""));
            }
        }
    }
}
