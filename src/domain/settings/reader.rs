//! Reads one table of the config key by key, collecting every mistake instead of stopping at the first.
//!
//! serde's `deny_unknown_fields` ends at the first error and names no var; an operator with three typos should see three.

use serde_json::{Map, Value};

use super::{ConfigError, duration};
use crate::domain::{Kind, Template, TypedField};

/// A table that is being read. Ask for each key once, then [`Reader::finish`]: what was never asked for is unknown.
#[derive(Debug)]
pub struct Reader<'a> {
    var: &'a str,
    /// The dotted way to this table, with its dot (`map.`), or empty.
    path: String,
    table: &'a Map<String, Value>,
    asked: Vec<&'static str>,
    errors: &'a mut Vec<ConfigError>,
}

impl<'a> Reader<'a> {
    /// Reads the table that the var `var` holds.
    pub fn new(var: &'a str, table: &'a Map<String, Value>, errors: &'a mut Vec<ConfigError>) -> Self {
        Self { var, path: String::new(), table, asked: Vec::new(), errors }
    }

    /// Reports a mistake at `key`.
    pub fn error(&mut self, key: &str, message: impl Into<String>) {
        self.errors.push(ConfigError {
            var: self.var.to_owned(),
            key: format!("{}{key}", self.path).trim_end_matches('.').to_owned(),
            message: message.into(),
        });
    }

    /// Whether `key` is there at all.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The raw value of `key`.
    pub fn raw(&mut self, key: &'static str) -> Option<&'a Value> {
        self.asked.push(key);
        self.table.get(key)
    }

    /// A text that is not blank, without the white space around it, which a paste brings along.
    pub fn text(&mut self, key: &'static str) -> Option<String> {
        let value = self.raw(key)?;
        let found = text_of(value);
        if found.is_none() {
            self.wrong(key, value, "a text that is not empty");
        }
        found
    }

    /// A text that has to be there; `what` says what belongs here.
    pub fn required_text(&mut self, key: &'static str, what: &str) -> Option<String> {
        if self.table.get(key).is_none() {
            self.asked.push(key);
            self.error(key, format!("is missing; it takes {what}"));
            return None;
        }
        self.text(key)
    }

    /// A text or a list of texts; none of them blank.
    pub fn texts(&mut self, key: &'static str) -> Option<Vec<String>> {
        let value = self.raw(key)?;
        let found = texts_of(value).filter(|_| !is_several(value));
        if is_several(value) {
            self.wrong(key, value, SEVERAL);
        } else if found.is_none() {
            self.wrong(key, value, "a text or a list of texts, none of them empty");
        }
        found
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &'static str) -> Option<bool> {
        let value = self.raw(key)?;
        let found = value.as_bool();
        if found.is_none() {
            self.wrong(key, value, "true or false");
        }
        found
    }

    /// A whole number from `min` to `max`.
    pub fn integer(&mut self, key: &'static str, min: i64, max: i64) -> Option<i64> {
        let value = self.raw(key)?;
        let found = value.as_i64().filter(|n| (min..=max).contains(n));
        if found.is_none() {
            self.wrong(key, value, &format!("a whole number from {min} to {max}"));
        }
        found
    }

    /// A time in milliseconds, written as in `"5s"`, as are its bounds.
    pub fn duration(&mut self, key: &'static str, min: &str, max: &str) -> Option<u64> {
        let value = self.raw(key)?;
        let found = value.as_str().and_then(duration::millis);
        let found = found.filter(|ms| Some(*ms) >= duration::millis(min) && Some(*ms) <= duration::millis(max));
        if found.is_none() {
            self.wrong(key, value, &format!("a time from \"{min}\" to \"{max}\"; units: {}", duration::UNIT_NAMES));
        }
        found
    }

    /// A list of 1 to `count` times in milliseconds, each written as in `"5s"` and at most `max`.
    pub fn durations(&mut self, key: &'static str, count: usize, max: &str) -> Option<Vec<u64>> {
        let value = self.raw(key)?;
        let one = |item: &Value| duration::millis(item.as_str()?).filter(|ms| Some(*ms) <= duration::millis(max));
        let list = value.as_array().filter(|list| (1..=count).contains(&list.len()));
        let found = list.and_then(|list| list.iter().map(one).collect());
        if found.is_none() {
            let units = duration::UNIT_NAMES;
            let allowed =
                format!("a list of 1 to {count} times, as in [\"5s\"], each at most \"{max}\"; units: {units}");
            self.wrong(key, value, &allowed);
        }
        found
    }

    /// A text that `parse` understands; `allowed` says what it takes.
    pub fn parsed<T>(&mut self, key: &'static str, parse: fn(&str) -> Option<T>, allowed: &str) -> Option<T> {
        let value = self.raw(key)?;
        let found = value.as_str().and_then(parse);
        if found.is_none() {
            self.wrong(key, value, allowed);
        }
        found
    }

    /// One of the named choices, which has to be there.
    pub fn required_choice<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        if !self.has(key) {
            self.asked.push(key);
            self.error(key, format!("is missing; it takes one of {}", quoted(choices)));
            return None;
        }
        self.choice(key, choices)
    }

    /// One of the named choices.
    pub fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let value = self.raw(key)?;
        let found = choices.iter().find(|(name, _)| value.as_str() == Some(name));
        if found.is_none() {
            self.wrong(key, value, &format!("one of {}", quoted(choices)));
        }
        found.map(|(_, choice)| *choice)
    }

    /// A template.
    pub fn template(&mut self, key: &'static str) -> Option<Template> {
        let text = self.text(key)?;
        self.parse_template(key, &text)
    }

    /// A template, or `default` where there is none; also where a wrong one was reported, so that other mistakes are found.
    pub fn template_or(&mut self, key: &'static str, default: &str) -> Option<Template> {
        self.template(key).or_else(|| self.parse_template(key, default))
    }

    /// A table of the CRM's own fields with typed templates:
    /// `"예산" = { number = "{budget}" }`; a plain text is short for `{ text = "…" }`.
    pub fn typed_fields(&mut self, key: &'static str, allowed: &[(&'static str, Kind)]) -> Vec<TypedField> {
        let Some(value) = self.raw(key) else { return Vec::new() };
        let Some(table) = value.as_object() else {
            self.wrong(key, value, "a table of the CRM's fields");
            return Vec::new();
        };
        table
            .iter()
            .filter_map(|(name, value)| self.typed_field(&format!("{key}.{name}"), name, value, allowed))
            .collect()
    }

    fn typed_field(
        &mut self,
        key: &str,
        name: &str,
        value: &Value,
        allowed: &[(&'static str, Kind)],
    ) -> Option<TypedField> {
        let pair = match value {
            Value::String(text) => Some((Kind::Text.name(), text.as_str())),
            Value::Object(table) if table.len() == 1 => {
                table.iter().next().and_then(|(word, text)| Some((word.as_str(), text.as_str()?)))
            }
            _ => None,
        };
        let found = pair.and_then(|(word, text)| Some((allowed.iter().find(|(name, _)| *name == word)?, text)));
        let Some(((word, kind), text)) = found else {
            let words: Vec<_> = allowed.iter().map(|(word, _)| *word).collect();
            self.wrong(
                key,
                value,
                &format!("one type and a template, as in {{ text = \"{{budget}}\" }}; types: {}", words.join(", ")),
            );
            return None;
        };
        let template = self.parse_template(key, text)?;
        Some(TypedField { name: name.to_owned(), kind: *kind, word, template })
    }

    /// Parses a template that stands at `key`.
    pub fn parse_template(&mut self, key: &str, text: &str) -> Option<Template> {
        match Template::parse(text) {
            Ok(template) => Some(template),
            Err(error) => {
                self.error(key, error.to_string());
                None
            }
        }
    }

    /// The table at `key`, to be read in its turn.
    pub fn table(&mut self, key: &'static str) -> Option<Reader<'_>> {
        let value = self.raw(key)?;
        let Some(table) = value.as_object() else {
            self.wrong(key, value, "a table");
            return None;
        };
        Some(self.member(key, table))
    }

    /// The table that stands at `key`, to be read in its turn.
    pub fn member<'b>(&'b mut self, key: &str, table: &'b Map<String, Value>) -> Reader<'b> {
        let path = format!("{}{key}.", self.path);
        Reader { var: self.var, path, table, asked: Vec::new(), errors: self.errors }
    }

    /// The keys of this table and their values, for tables whose keys are the operator's own; marks all as known.
    pub fn entries(&mut self) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
        self.asked.clear();
        self.table.iter()
    }

    /// Says that `key` holds the wrong thing.
    pub fn wrong(&mut self, key: &str, found: &Value, allowed: &str) {
        self.error(key, format!("found {}; it takes {allowed}", shown(found)));
    }

    /// Ends the reading: keys that nobody asked for are mistakes.
    pub fn finish(mut self) {
        let unknown: Vec<_> =
            self.table.keys().filter(|key| !self.asked.iter().any(|asked| asked == key)).cloned().collect();
        let mut known = self.asked.clone();
        known.sort_unstable();
        known.dedup();
        for key in unknown {
            self.error(&key, format!("is not a key; known here: {}", known.join(", ")));
        }
    }
}

/// What to write when [`is_several`].
pub const SEVERAL: &str = "a list when a comma is in it, as in [\"name\", \"email\"]";

/// Whether a text where a list may stand was meant as one, `"name, email"`: no page has a field of that name, or few have,
/// and in a list it is one text.
pub fn is_several(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.contains(','))
}

/// A text without the white space around it; `None` when it is blank or no text.
pub fn text_of(value: &Value) -> Option<String> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A text, or a list of texts, as a list; `None` when anything in it is blank or no text.
pub fn texts_of(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(list) if !list.is_empty() => list.iter().map(text_of).collect(),
        Value::Array(_) => None,
        single => text_of(single).map(|text| vec![text]),
    }
}

fn quoted<T>(choices: &[(&str, T)]) -> String {
    choices.iter().map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

/// A value as an error shows it: JSON, cut when it is long.
pub fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
