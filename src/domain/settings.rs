//! Reads a table of the config key by key and collects every mistake with its var and key: three typos give three errors.
//! (serde's `deny_unknown_fields` stops at the first and names no var.)

use std::fmt;

use serde_json::{Map, Value, json};

use super::typed::yes_or_no;
use super::{Kind, Template, TypedField};

/// One mistake in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The var, as `wrangler.toml` writes it (`FORM_CONTACT`).
    pub var: String,
    /// The key inside the var, dotted (`map.phone`); empty for the whole var. `make check` finds the line with it.
    pub key: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl ConfigError {
    /// A mistake at `key`; an empty key means the whole var.
    pub fn new(var: &str, key: &str, message: impl fmt::Display) -> Self {
        let message = if key.is_empty() { message.to_string() } else { format!("{key}: {message}") };
        Self { var: var.to_owned(), key: key.to_owned(), message }
    }
}

impl ConfigError {
    /// The error as text: all of it, or for the public only where it is, because a message quotes what was found.
    pub fn shown(&self, is_whole: bool) -> String {
        if is_whole { self.to_string() } else { format!("{} {}", self.var, self.key).trim_end().to_owned() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.var, self.message)
    }
}

impl std::error::Error for ConfigError {}

/// A table being read. Ask for each known key, then [`Reader::finish`] reports the others as unknown.
#[derive(Debug)]
pub struct Reader<'a> {
    var: &'a str,
    /// The dotted path to this table, with its dot (`map.`), or empty.
    path: String,
    table: &'a Map<String, Value>,
    asked: Vec<&'static str>,
    errors: &'a mut Vec<ConfigError>,
}

impl<'a> Reader<'a> {
    /// Reads the table of the var `var`.
    pub fn new(var: &'a str, table: &'a Map<String, Value>, errors: &'a mut Vec<ConfigError>) -> Self {
        Self { var, path: String::new(), table, asked: Vec::new(), errors }
    }

    /// Reports a mistake at `key`.
    pub fn error(&mut self, key: &str, message: impl Into<String>) {
        let key = format!("{}{key}", self.path);
        self.errors.push(ConfigError::new(self.var, key.trim_end_matches('.'), message.into()));
    }

    /// Reports a wrong value of `key`.
    pub fn wrong(&mut self, key: &str, found: &Value, allowed: &str) {
        self.error(key, format!("found {}; it takes {allowed}", shown(found)));
    }

    /// Reports a wrong value of `key` and suggests the probable one.
    fn wrong_for(&mut self, key: &str, found: &Value, allowed: &str, meant: Option<Value>) {
        let meant = meant.map(|value| format!("; write {}", value.to_string().replace("\",\"", "\", \"")));
        self.wrong(key, found, &format!("{allowed}{}", meant.unwrap_or_default()));
    }

    /// Whether `key` is set.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The raw value of `key`.
    pub fn raw(&mut self, key: &'static str) -> Option<&'a Value> {
        self.asked.push(key);
        self.table.get(key)
    }

    /// A text that is not blank, trimmed.
    pub fn text(&mut self, key: &'static str) -> Option<String> {
        let value = self.raw(key)?;
        let found = text_of(value);
        if found.is_none() {
            let meant = value.is_number().then(|| json!(value.to_string()));
            self.wrong_for(key, value, "a text that is not empty", meant);
        }
        found
    }

    /// A required text; `what` describes it in the error.
    pub fn required_text(&mut self, key: &'static str, what: &str) -> Option<String> {
        if !self.has(key) {
            self.asked.push(key);
            self.error(key, format!("is missing; it takes {what}"));
            return None;
        }
        self.text(key)
    }

    /// A text or a list of texts; none of them blank.
    pub fn texts(&mut self, key: &'static str) -> Option<Vec<String>> {
        let value = self.raw(key)?;
        if is_several(value) {
            self.wrong(key, value, SEVERAL);
            return None;
        }
        let found = texts_of(value);
        if found.is_none() {
            self.wrong(key, value, "a text or a list of texts, none of them empty");
        }
        found
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &'static str) -> Option<bool> {
        let value = self.raw(key)?;
        let found = value.as_bool();
        if found.is_none() {
            self.wrong_for(key, value, "true or false", value.as_str().and_then(yes_or_no).map(Value::from));
        }
        found
    }

    /// A whole number from `min` to `max`.
    pub fn integer(&mut self, key: &'static str, min: i64, max: i64) -> Option<i64> {
        let value = self.raw(key)?;
        let is_allowed = |number: &i64| (min..=max).contains(number);
        let found = value.as_i64().filter(is_allowed);
        if found.is_none() {
            let meant = value.as_str().and_then(|text| text.trim().parse().ok()).filter(is_allowed);
            self.wrong_for(key, value, &format!("a whole number from {min} to {max}"), meant.map(Value::from));
        }
        found
    }

    /// A time in milliseconds, written with a unit as its bounds are: `"5s"`.
    pub fn duration(&mut self, key: &'static str, min: &str, max: &str) -> Option<u64> {
        let value = self.raw(key)?;
        let read = |text: &str| millis(text).filter(|ms| Some(*ms) >= millis(min) && Some(*ms) <= millis(max));
        let found = value.as_str().and_then(read);
        if found.is_none() {
            let allowed = format!("a time from \"{min}\" to \"{max}\"; units: {UNIT_NAMES}");
            let meant = Some(with_unit(value)).filter(|text| read(text).is_some());
            self.wrong_for(key, value, &allowed, meant.map(Value::from));
        }
        found
    }

    /// A list of 1 to `count` times in milliseconds, each written like `max` and at most that.
    pub fn durations(&mut self, key: &'static str, count: usize, max: &str) -> Option<Vec<u64>> {
        let value = self.raw(key)?;
        let one = |item: &Value| millis(item.as_str()?).filter(|ms| Some(*ms) <= millis(max));
        let list = value.as_array().filter(|list| (1..=count).contains(&list.len()));
        let found = list.and_then(|list| list.iter().map(one).collect());
        if found.is_none() {
            self.wrong(
                key,
                value,
                &format!("a list of 1 to {count} times, such as [\"5s\"], each at most \"{max}\"; units: {UNIT_NAMES}"),
            );
        }
        found
    }

    /// A text that `parse` accepts; `allowed` describes it in the error.
    pub fn parsed<T>(&mut self, key: &'static str, parse: fn(&str) -> Option<T>, allowed: &str) -> Option<T> {
        let value = self.raw(key)?;
        let found = value.as_str().and_then(parse);
        if found.is_none() {
            self.wrong(key, value, allowed);
        }
        found
    }

    /// One of the named choices, which is required.
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
            let names = choices.iter().map(|(name, _)| *name);
            let meant = did_you_mean(value.as_str().unwrap_or_default(), names);
            self.wrong(key, value, &format!("one of {}{}", quoted(choices), meant.unwrap_or_default()));
        }
        found.map(|(_, choice)| *choice)
    }

    /// A template.
    pub fn template(&mut self, key: &'static str) -> Option<Template> {
        let text = self.text(key)?;
        self.parse_template(key, &text)
    }

    /// A table of the vendor's own fields with typed templates: `"예산" = { number = "{budget}" }`. A plain text is short
    /// for `{ text = "…" }`; `true` and a number are constants.
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
        let constant = value.to_string();
        let pair = match value {
            Value::Bool(_) => Some((Kind::Bool.name(), constant.as_str())),
            Value::Number(_) => Some((Kind::Number.name(), constant.as_str())),
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
                &format!("one type and a template, such as {{ text = \"{{budget}}\" }}; types: {}", words.join(", ")),
            );
            return None;
        };
        let template = self.parse_template(key, text)?;
        Some(TypedField { name: name.to_owned(), kind: *kind, word, template })
    }

    /// Parses a template that belongs to `key`.
    pub fn parse_template(&mut self, key: &str, text: &str) -> Option<Template> {
        Template::parse(text).map_err(|error| self.error(key, error.to_string())).ok()
    }

    /// A reader of the table at `key`.
    pub fn table(&mut self, key: &'static str) -> Option<Reader<'_>> {
        let value = self.raw(key)?;
        let Some(table) = value.as_object() else {
            self.wrong(key, value, "a table");
            return None;
        };
        Some(self.member(key, table))
    }

    /// A reader of `table`, which belongs to `key`.
    pub fn member<'b>(&'b mut self, key: &str, table: &'b Map<String, Value>) -> Reader<'b> {
        let path = format!("{}{key}.", self.path);
        Reader { var: self.var, path, table, asked: Vec::new(), errors: self.errors }
    }

    /// All entries, for a table whose keys the operator chooses.
    pub fn entries(&mut self) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
        self.table.iter()
    }

    /// Reports every key that was not read as unknown.
    pub fn finish(mut self) {
        let mut known = std::mem::take(&mut self.asked);
        known.sort_unstable();
        known.dedup();
        let place = self.path.strip_suffix('.').map(|path| format!("{path}: ")).unwrap_or_default();
        for key in self.table.keys().filter(|key| !known.contains(&key.as_str())) {
            let meant = did_you_mean(key, known.iter().copied());
            let meant = meant.unwrap_or_else(|| format!("; known here: {}", known.join(", ")));
            let message = format!("{place}unknown key \"{key}\"{meant}");
            self.errors.push(ConfigError { var: self.var.to_owned(), key: format!("{}{key}", self.path), message });
        }
    }
}

/// The hint for a text that [`is_several`].
pub const SEVERAL: &str = "a list when a comma is in it, as in [\"name\", \"email\"]";

/// Whether a text was meant as a list (`"name, email"`). A field name with a comma can be written in a list.
pub fn is_several(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.contains(','))
}

/// A trimmed text; `None` when it is blank or not a text.
pub fn text_of(value: &Value) -> Option<String> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A text, or a list of texts, as a list; `None` when anything in it is blank or not a text.
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

/// `acme-salesmap`, `TOKEN` -> `ACME_SALESMAP_TOKEN`: the secret that belongs to a destination or a form.
pub fn secret_name(owner: &str, suffix: &str) -> String {
    format!("{}_{suffix}", owner.to_ascii_uppercase().replace('-', "_"))
}

/// Units of time in milliseconds. `m` is missing: it could mean months.
const UNITS: &[(&str, u64)] = &[("ms", 1), ("s", 1000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const UNIT_NAMES: &str = "ms, s, min, h, d";

/// The milliseconds of `"200ms"`, `"5s"`, `"5min"`, `"2h"`, `"1d"`; `None` when `text` is not a whole number and a unit.
pub fn millis(text: &str) -> Option<u64> {
    let text = text.trim();
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
    digits.parse::<u64>().ok()?.checked_mul(*factor)
}

/// A suggestion for a time without a valid unit: a bare number means seconds, `5m` minutes.
fn with_unit(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned());
    text.strip_suffix('m').map_or_else(|| format!("{text}s"), |number| format!("{number}min"))
}

/// `; did you mean "required"?` for `requred`, if a known name is close.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(name, known).map(|name| format!("; did you mean \"{name}\"?"))
}

/// The known name that `name` is probably a typo of: equal but for case and `_`/`-`, or at most two typos away (one in a
/// name of up to three letters).
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = if name.chars().count() <= 3 { 1 } else { 2 };
    let distances = known.into_iter().map(|known| (typos(name, known), known));
    distances.filter(|(typos, _)| *typos <= allowed).min_by_key(|(typos, _)| *typos).map(|(_, known)| known)
}

/// How many letters are missing, added, changed or swapped with their neighbor; case and `_`/`-` do not count.
pub fn typos(a: &str, b: &str) -> usize {
    let plain = |text: &str| -> Vec<char> { text.to_lowercase().replace('_', "-").chars().collect() };
    let (a, b) = (plain(a), plain(b));
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = changed.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The errors of reading one key of each type, and nothing else.
    fn errors(table: &Value) -> Vec<String> {
        let mut errors = Vec::new();
        let mut reader = Reader::new("FORM_A", table.as_object().unwrap(), &mut errors);
        reader.text("text");
        reader.texts("required");
        reader.flag("flag");
        reader.integer("number", 1, 9);
        reader.duration("timeout", "1s", "60s");
        reader.durations("retry", 2, "1d");
        reader.choice("access", &[("public", 1), ("token", 2)]);
        reader.template("template");
        reader.typed_fields("fields", &[("text", Kind::Text), ("bool", Kind::Bool)]);
        if let Some(mut map) = reader.table("map") {
            map.text("phone");
            map.finish();
        }
        reader.finish();
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_error_says_what_was_found_what_is_allowed_and_what_to_write() {
        const TIME: &str = "it takes a time from \"1s\" to \"60s\"; units: ms, s, min, h, d";
        const RETRY: &str =
            "it takes a list of 1 to 2 times, such as [\"5s\"], each at most \"1d\"; units: ms, s, min, h, d";
        const TYPES: &str = "it takes one type and a template, such as { text = \"{budget}\" }; types: text, bool";
        const TEXTS: &str = "it takes a text or a list of texts, none of them empty";
        const KNOWN: &str = "known here: access, fields, flag, map, number, required, retry, template, text, timeout";
        for (key, value, message) in [
            ("text", json!(" "), "text: found \" \"; it takes a text that is not empty".to_owned()),
            ("text", json!(5), "text: found 5; it takes a text that is not empty; write \"5\"".into()),
            ("required", json!([]), format!("required: found []; {TEXTS}")),
            ("required", json!(["a", " "]), format!("required: found [\"a\",\" \"]; {TEXTS}")),
            ("required", json!("name, email"), format!("required: found \"name, email\"; it takes {SEVERAL}")),
            ("flag", json!(1), "flag: found 1; it takes true or false".into()),
            ("flag", json!("yes"), "flag: found \"yes\"; it takes true or false; write true".into()),
            ("number", json!(10), "number: found 10; it takes a whole number from 1 to 9".into()),
            ("number", json!("9"), "number: found \"9\"; it takes a whole number from 1 to 9; write 9".into()),
            ("timeout", json!("61s"), format!("timeout: found \"61s\"; {TIME}")),
            ("timeout", json!(20), format!("timeout: found 20; {TIME}; write \"20s\"")),
            ("timeout", json!("1m"), format!("timeout: found \"1m\"; {TIME}; write \"1min\"")),
            ("timeout", json!(true), format!("timeout: found true; {TIME}")),
            ("retry", json!("5s"), format!("retry: found \"5s\"; {RETRY}")),
            ("retry", json!(["5s", "2d"]), format!("retry: found [\"5s\",\"2d\"]; {RETRY}")),
            ("retry", json!(["1s", "1s", "1s"]), format!("retry: found [\"1s\",\"1s\",\"1s\"]; {RETRY}")),
            (
                "access",
                json!("tokn"),
                "access: found \"tokn\"; it takes one of \"public\", \"token\"; did you mean \"token\"?".into(),
            ),
            ("access", json!(true), "access: found true; it takes one of \"public\", \"token\"".into()),
            ("template", json!("{a"), "template: a `{` is not closed (write `{{` for a literal brace)".into()),
            ("fields", json!([]), "fields: found []; it takes a table of the CRM's fields".into()),
            ("fields", json!({ "x": { "date": "{d}" } }), format!("fields.x: found {{\"date\":\"{{d}}\"}}; {TYPES}")),
            ("fields", json!({ "x": { "text": 5 } }), format!("fields.x: found {{\"text\":5}}; {TYPES}")),
            ("fields", json!({ "x": "{_y}" }), "fields.x: `{_y}` names a control field; those are never data".into()),
            ("map", json!("tel"), "map: found \"tel\"; it takes a table".into()),
            ("map", json!({ "phnoe": "tel" }), "map: unknown key \"phnoe\"; did you mean \"phone\"?".into()),
            ("requred", json!("email"), "unknown key \"requred\"; did you mean \"required\"?".into()),
            ("colour", json!("red"), format!("unknown key \"colour\"; {KNOWN}")),
        ] {
            assert_eq!(errors(&json!({ key: value })), [format!("FORM_A: {message}")]);
        }
    }

    #[test]
    fn every_error_is_reported_with_its_key() {
        let table = json!({ "map": { "x": 1, "phone": 5 }, "flag": 0, "zz": 1 });
        let mut found = Vec::new();
        let mut reader = Reader::new("FORM_A", table.as_object().unwrap(), &mut found);
        reader.flag("flag");
        if let Some(mut map) = reader.table("map") {
            map.text("phone");
            map.finish();
        }
        reader.finish();
        let keys: Vec<_> = found.iter().map(|error| error.key.as_str()).collect();
        assert_eq!(keys, ["flag", "map.phone", "map.x", "zz"]);
    }

    #[test]
    fn a_time_is_a_whole_number_and_a_unit() {
        let names: Vec<_> = UNITS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.join(", "), UNIT_NAMES);
        for (text, expected) in [
            ("200ms", Some(200)),
            ("5s", Some(5000)),
            ("5 min", Some(300_000)),
            (" 2h ", Some(7_200_000)),
            ("1d", Some(86_400_000)),
            ("0s", Some(0)),
            ("5", None),
            ("s", None),
            ("5m", None),
            ("1.5h", None),
            ("-1s", None),
            ("5s5s", None),
            ("99999999999999999999s", None),
            ("99999999999999999d", None),
            ("", None),
        ] {
            assert_eq!(millis(text), expected, "{text}");
        }
    }

    #[test]
    fn a_typo_finds_the_nearest_known_name() {
        let known = ["salesmap", "acme-salesmap", "stateset", "email"];
        for (name, expected) in [
            ("salemap", Some("salesmap")),
            ("ACME_SALESMAP", Some("acme-salesmap")),
            ("statset", Some("stateset")),
            ("emial", Some("email")),
            ("e-mail", Some("email")),
            ("hubspot", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
        for (a, b, expected) in [("emial", "email", 1), ("nmae", "name", 1), ("date", "name", 2), ("", "ab", 2)] {
            assert_eq!(typos(a, b), expected, "{a} {b}");
        }
    }
}
