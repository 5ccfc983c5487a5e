//! The `rules` of a form: what a field's value has to look like, as HTML says it with `minlength`, `pattern` and the like.
//!
//! ```toml
//! [vars.FORM_ORDER.rules]
//! message = { min_length = 10, max_length = 2000 }
//! phone = { type = "phone" }
//! age = { type = "number", min = 18, max = 120 }
//! size = { one_of = ["S", "M", "L"] }
//! code = { pattern = "[A-Z]{3}-[0-9]+" }
//! ```
//!
//! A rule is for what is filled; that something has to be filled is `required`'s to say. A pattern has to fit the whole
//! value, as in HTML. It runs in time linear in the value (`regex-lite`), whoever wrote it and whatever a visitor sends.

use std::fmt;

use regex_lite::RegexBuilder;

use super::dialect::is_control;
use super::reader::Reader;

/// The longest pattern, in characters. A longer one is a program and not a rule.
const PATTERN_CHARS: usize = 500;

/// How much a compiled pattern may take: `(a{100}){100}` is short and large.
const PATTERN_BYTES: usize = 64 * 1024;

/// The largest number that a rule may name; every whole number up to here is exact as a JSON number.
const MOST: i64 = 9_007_199_254_740_991;

/// The rules of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The form field or lead field, as in `required`.
    pub field: String,
    /// What kind of value it is.
    pub kind: Option<RuleKind>,
    /// The least number of characters.
    pub min_length: Option<usize>,
    /// The greatest number of characters.
    pub max_length: Option<usize>,
    /// The least number.
    pub min: Option<i64>,
    /// The greatest number.
    pub max: Option<i64>,
    /// The values that there are; empty: any.
    pub one_of: Vec<String>,
    /// What the whole value has to fit.
    pub pattern: Option<Pattern>,
}

/// What kind of value a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuleKind {
    /// An email address.
    Email,
    /// A telephone number.
    Phone,
    /// A web address.
    Url,
    /// A number.
    Number,
}

impl RuleKind {
    /// Every kind by its name.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("email", Self::Email), ("phone", Self::Phone), ("url", Self::Url), ("number", Self::Number)];
}

/// A pattern, compiled.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    regex: regex_lite::Regex,
}

impl Pattern {
    /// Compiles a pattern; the error says why it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let anchored = format!("^(?:{text})$");
        let compiled = RegexBuilder::new(&anchored).size_limit(PATTERN_BYTES).build();
        // On its own as well: `a)|(b` is a pattern only between our brackets.
        let regex = RegexBuilder::new(text).size_limit(PATTERN_BYTES).build().and(compiled);
        Ok(Self { text: text.to_owned(), regex: regex.map_err(|error| error.to_string())? })
    }

    /// Whether it fits the whole of `value`.
    pub fn fits(&self, value: &str) -> bool {
        self.regex.is_match(value)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

/// Reads the key `rules`.
pub(super) fn read(reader: &mut Reader<'_>) -> Vec<Rule> {
    let Some(mut table) = reader.table("rules") else { return Vec::new() };
    let mut rules = Vec::new();
    for (field, value) in table.entries() {
        if is_control(field) {
            table.error(field, "is a control field; those are never data");
            continue;
        }
        match value.as_object() {
            Some(inner) if !inner.is_empty() => rules.push(rule(table.member(field, inner), field)),
            _ => table.wrong(field, value, "a table with at least one rule, as in { max_length = 2000 }"),
        }
    }
    rules
}

fn rule(mut reader: Reader<'_>, field: &str) -> Rule {
    let length =
        |reader: &mut Reader<'_>, key| reader.integer(key, 1, 100_000).and_then(|number| usize::try_from(number).ok());
    let rule = Rule {
        field: field.to_owned(),
        kind: reader.choice("type", RuleKind::ALL),
        min_length: length(&mut reader, "min_length"),
        max_length: length(&mut reader, "max_length"),
        min: reader.integer("min", -MOST, MOST),
        max: reader.integer("max", -MOST, MOST),
        one_of: reader.texts("one_of").unwrap_or_default(),
        pattern: pattern(&mut reader),
    };
    if rule.kind != Some(RuleKind::Number) {
        for (key, _) in [("min", rule.min), ("max", rule.max)].iter().filter(|(_, bound)| bound.is_some()) {
            reader.error(key, "is for numbers; add type = \"number\", or say min_length and max_length");
        }
    }
    if let (Some(min), Some(max)) = (rule.min, rule.max)
        && min > max
    {
        reader.error("min", format!("{min} is more than max, {max}: no number is both"));
    }
    if let (Some(min), Some(max)) = (rule.min_length, rule.max_length)
        && min > max
    {
        reader.error("min_length", format!("{min} is more than max_length, {max}: no text is both"));
    }
    reader.finish();
    rule
}

fn pattern(reader: &mut Reader<'_>) -> Option<Pattern> {
    const KEY: &str = "pattern";
    // As it stands: white space at its ends may be what a `*` or `?` is about.
    reader.text(KEY)?;
    let text = reader.raw(KEY)?.as_str()?;
    if text.chars().count() > PATTERN_CHARS {
        reader.error(KEY, format!("has more than {PATTERN_CHARS} characters"));
        return None;
    }
    if has_slashes(text) {
        reader.error(KEY, format!("found {text:?}; it takes the pattern without the slashes around it: no value fits"));
        return None;
    }
    match Pattern::parse(text) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            reader.error(KEY, format!("is no pattern: {error}"));
            None
        }
    }
}

/// Whether it is written as in JavaScript, `/^[0-9]+$/i`: nothing at all has a slash before its start or behind its end.
fn has_slashes(text: &str) -> bool {
    let is_end =
        |(before, flags): (&str, &str)| !before.ends_with('\\') && flags.bytes().all(|byte| byte.is_ascii_lowercase());
    text.starts_with("/^") || (text.starts_with('/') && text.rsplit_once("$/").is_some_and(is_end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_the_whole_value_as_in_html() {
        for (pattern, value, fits) in [
            ("[A-Z]{3}-[0-9]+", "ABC-12", true),
            ("[A-Z]{3}-[0-9]+", "xABC-12", false),
            ("[A-Z]{3}-[0-9]+", "ABC-12x", false),
            ("^[A-Z]{3}-[0-9]+$", "ABC-12", true),
            ("a|b", "a", true),
            ("a|b", "ab", false),
            ("[가-힣]{2,4}", "홍길동", true),
            ("[가-힣]{2,4}", "Hong", false),
            // `$` is the end of the value and not of a line.
            ("a", "a\n", false),
            ("a", "a\nb", false),
            ("(?i)yes", "YES", true),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap().fits(value), fits, "{pattern} {value:?}");
        }
    }

    #[test]
    fn what_is_no_pattern() {
        for pattern in ["(", "a)|(b", "[z-a]", "*", "(?=a)", r"(a)\1", r"\p{L}", "((a{500}){500}){500}", "a{9999999}"] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
    }

    /// Neither of these may take time exponential or quadratic in the value: a visitor writes it.
    #[test]
    fn a_pattern_that_makes_others_explode_does_not() {
        let value = format!("{}!", "a".repeat(5000));
        for pattern in ["(a+)+", "(a|aa)+", "(.*a){12}", "(a?){50}a{50}"] {
            assert!(!Pattern::parse(pattern).unwrap().fits(&value), "{pattern}");
        }
    }
}
