//! Validation: `required`, the email address and the form's `rules`. Every mistake of every field is reported at once.
//!
//! ```toml
//! [vars.FORM_ORDER.rules]
//! message = { min_length = 10, max_length = 2000 }
//! age = { type = "number", min = 18, max = 120 }
//! size = { one_of = ["S", "M", "L"] }
//! code = { pattern = "[A-Z]{3}-[0-9]+" }
//! ```

use regex_lite::{Regex, RegexBuilder};

use crate::domain::control::is_control;
use crate::domain::settings::Reader;
use crate::domain::text::narrow;
use crate::domain::{Address, Filled, typed};

use super::refusal::{FieldCode, FieldError, Refusal, RefusalKind};

/// The longest pattern that a rule may have, in characters.
const PATTERN_CHARS: usize = 500;

/// The memory limit of a compiled pattern: `(a{100}){100}` is short but compiles large.
const PATTERN_BYTES: usize = 64 * 1024;

/// A longer value never matches a pattern, in characters.
const MATCHED_CHARS: usize = 2000;

/// How much matching one submission may cost: characters times the weight of their pattern. Beyond it no pattern fits.
const MATCHING: usize = MOST_WEIGHT * MATCHED_CHARS;

/// The weights that a pattern may have: its size, rounded up, in units of [`WEIGHT_BYTES`]. The time per character grows with
/// it.
const WEIGHTS: [usize; 3] = [1, 4, 16];
const MOST_WEIGHT: usize = 32;
const WEIGHT_BYTES: usize = PATTERN_BYTES / MOST_WEIGHT;

/// The largest bound of a rule; every whole number up to here is exact as a JSON number and as a float.
const MOST: i64 = 9_007_199_254_740_991;

/// The longest email address (RFC 5321, erratum 1690).
const EMAIL_CHARS: usize = 254;

/// The number of digits in a telephone number, extension included.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 5..=20;

/// The rules of one field. They apply to filled values only; `required` says which fields must be filled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// The form field or lead field, as in `required`.
    pub field: String,
    /// The type of the value.
    pub kind: Option<RuleKind>,
    /// The least number of characters.
    pub min_length: Option<usize>,
    /// The greatest number of characters.
    pub max_length: Option<usize>,
    /// The least number.
    pub min: Option<i64>,
    /// The greatest number.
    pub max: Option<i64>,
    /// The allowed values; empty: any.
    pub one_of: Vec<String>,
    /// A pattern for the whole value.
    pub pattern: Option<Pattern>,
}

/// The type of a field's value.
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

    /// The error for a value that is not of this kind.
    fn check(self, value: &str) -> Option<FieldCode> {
        let (is_right, code) = match self {
            Self::Email => (is_email(value), FieldCode::TypeEmail),
            Self::Phone => (is_phone(value), FieldCode::TypePhone),
            Self::Url => (is_url(value), FieldCode::TypeUrl),
            Self::Number => (typed::number(value).is_some(), FieldCode::TypeNumeric),
        };
        (!is_right).then_some(code)
    }
}

/// A compiled pattern. Matching takes time linear in the value.
#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
    weight: usize,
}

impl Pattern {
    /// Compiles a pattern.
    pub fn parse(text: &str) -> Result<Self, regex_lite::Error> {
        let compile = |text: &str, limit| RegexBuilder::new(text).size_limit(limit).build();
        // Compiled alone too: `a)|(b` is valid only inside our group.
        compile(text, PATTERN_BYTES)?;
        let whole = format!("^(?:{text})$");
        let regex = compile(&whole, PATTERN_BYTES)?;
        let is_enough = |weight: &usize| compile(&whole, weight * WEIGHT_BYTES).is_ok();
        Ok(Self { regex, weight: WEIGHTS.into_iter().find(is_enough).unwrap_or(MOST_WEIGHT) })
    }

    /// Whether it fits the whole of `value`, as in HTML.
    pub fn fits(&self, value: &str) -> bool {
        self.regex.is_match(value)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.regex.as_str() == other.regex.as_str()
    }
}

impl Eq for Pattern {}

impl Rule {
    /// Reads the key `rules` of a form.
    pub fn read_all(reader: &mut Reader<'_>) -> Vec<Self> {
        let Some(mut table) = reader.table("rules") else { return Vec::new() };
        let mut rules = Vec::new();
        for (field, value) in table.entries() {
            if is_control(field) {
                table.error(field, "is a control field; those are never data");
                continue;
            }
            match value.as_object() {
                Some(inner) if !inner.is_empty() => rules.push(Self::read(table.member(field, inner), field)),
                _ => table.wrong(field, value, "a table with at least one rule, as in { max_length = 2000 }"),
            }
        }
        rules
    }

    fn read(mut reader: Reader<'_>, field: &str) -> Self {
        let length = |reader: &mut Reader<'_>, key| {
            reader.integer(key, 1, 100_000).and_then(|number| usize::try_from(number).ok())
        };
        let rule = Self {
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

    /// The errors of a value. A value of the wrong kind gets only that error: the others would confuse. Patterns take their
    /// cost out of `matching`.
    fn check(&self, value: &str, matching: &mut usize) -> Vec<FieldCode> {
        if let Some(code) = self.kind.and_then(|kind| kind.check(value)) {
            return vec![code];
        }
        // A line break is sent as two characters and counts as one, as in a browser's `maxlength`.
        let breaks = value.as_bytes().windows(2).filter(|pair| pair == b"\r\n").count();
        let length = value.chars().count() - breaks;
        let number = || typed::number(value).and_then(|number| number.as_f64());
        let is_below = |min: i64| number().is_some_and(|number| number < exact(min));
        let is_above = |max: i64| number().is_some_and(|number| number > exact(max));
        let mut fits = |pattern: &Pattern| {
            let cost = length * pattern.weight;
            let is_affordable = length <= MATCHED_CHARS && cost <= *matching;
            *matching = matching.saturating_sub(cost);
            is_affordable && pattern.fits(value)
        };
        let is_listed = self.one_of.is_empty() || self.one_of.iter().any(|one| one.trim() == value);
        let found = [
            self.min_length.filter(|min| length < *min).map(FieldCode::MinLength),
            self.max_length.filter(|max| length > *max).map(FieldCode::MaxLength),
            self.min.filter(|min| is_below(*min)).map(FieldCode::Min),
            self.max.filter(|max| is_above(*max)).map(FieldCode::Max),
            (!is_listed).then_some(FieldCode::OneOf),
            self.pattern.as_ref().filter(|pattern| !fits(pattern)).map(|_| FieldCode::Pattern),
        ];
        found.into_iter().flatten().collect()
    }
}

/// A bound as a float.
#[allow(clippy::cast_precision_loss, reason = "bounds have at most 53 bits")]
fn exact(bound: i64) -> f64 {
    bound as f64
}

fn pattern(reader: &mut Reader<'_>) -> Option<Pattern> {
    const KEY: &str = "pattern";
    // Not trimmed: white space at the ends may be part of the pattern.
    reader.text(KEY)?;
    let text = reader.raw(KEY)?.as_str()?;
    if text.chars().count() > PATTERN_CHARS {
        reader.error(KEY, format!("has more than {PATTERN_CHARS} characters"));
        return None;
    }
    if has_slashes(text) {
        reader.error(
            KEY,
            format!("found {text:?}; it takes the pattern without the slashes around it: with them, no value matches"),
        );
        return None;
    }
    match Pattern::parse(text) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            reader.error(KEY, format!("not a valid regular expression: {error}"));
            None
        }
    }
}

/// Whether it is written as a JavaScript literal, `/^[0-9]+$/i`: a slash before `^` or after `$` never matches.
fn has_slashes(text: &str) -> bool {
    let is_end =
        |(before, flags): (&str, &str)| !before.ends_with('\\') && flags.bytes().all(|byte| byte.is_ascii_lowercase());
    text.starts_with("/^") || (text.starts_with('/') && text.rsplit_once("$/").is_some_and(is_end))
}

/// Checks a submission. `find` resolves a name of `required` or `rules`, or `email`, to the form field that it means and its
/// values: the filled ones, or else one that came blank.
pub fn validate<'a>(
    required: &[String],
    rules: &[Rule],
    find: &dyn Fn(&str) -> Vec<Filled<'a>>,
) -> Result<(), Refusal> {
    let mut errors: Vec<FieldError> = Vec::new();
    for name in required {
        let (code, field) = match find(name).first() {
            None => (FieldCode::RequiredFieldMissing, name.as_str()),
            Some(found) if found.value.trim().is_empty() => (FieldCode::RequiredFieldEmpty, found.field),
            Some(_) => continue,
        };
        // `required = ["email", "your-email"]` can name one field twice; one error is enough.
        if !errors.iter().any(|error| error.field == field) {
            errors.push(FieldError { code, field: field.to_owned() });
        }
    }
    let mut add = |code, field: &str| {
        // `rules.email = { type = "email" }` repeats what is always checked.
        let error = FieldError { code, field: field.to_owned() };
        if !errors.contains(&error) {
            errors.push(error);
        }
    };
    if let Some(email) = find("email").first().filter(|found| !found.value.trim().is_empty() && !is_email(found.value))
    {
        add(FieldCode::TypeEmail, email.field);
    }
    let mut matching = MATCHING;
    for rule in rules {
        for Filled { field, value } in find(&rule.field) {
            let value = value.trim();
            if !value.is_empty() {
                rule.check(value, &mut matching).into_iter().for_each(|code| add(code, field));
            }
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Refusal { kind: RefusalKind::Invalid, errors }) }
}

/// Whether `text`, trimmed, has the shape of an email address. The rule is that of HTML's `type=email`
/// (<https://html.spec.whatwg.org/#valid-e-mail-address>) and allows international letters on both sides of the `@`.
pub fn is_email(text: &str) -> bool {
    let text = text.trim();
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let foreign = |c: char| !c.is_ascii() && !c.is_whitespace() && !c.is_control();
    let in_local = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c) || foreign(c);
    let in_domain = |c: char| c.is_ascii_alphanumeric() || c == '-' || foreign(c);
    let is_label = |label: &str| {
        let length = label.chars().count();
        (1..=63).contains(&length) && !label.starts_with('-') && !label.ends_with('-') && label.chars().all(in_domain)
    };
    text.chars().count() <= EMAIL_CHARS
        && !local.is_empty()
        && local.chars().all(in_local)
        && domain.split('.').all(is_label)
}

/// Whether `text` is a telephone number, as people write them anywhere.
fn is_phone(text: &str) -> bool {
    // A Japanese keyboard writes `ー` for a hyphen.
    let is_between = |c: char| " +-.()/#*,;:x\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}ー".contains(c);
    let plain: String = text.trim().chars().map(narrow).flat_map(char::to_lowercase).collect();
    let plain = plain.strip_prefix("tel").unwrap_or(&plain);
    // The words before an extension; the longer first.
    let plain = ["extension", "ext", "내선"].iter().fold(plain.to_owned(), |text, word| text.replace(word, " "));
    PHONE_DIGITS.contains(&plain.chars().filter(char::is_ascii_digit).count())
        && plain.chars().all(|c| c.is_ascii_digit() || is_between(c))
}

/// Whether `text` is a web address, with or without a scheme. The host may be in any script and needs a dot.
fn is_url(text: &str) -> bool {
    let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let ascii: String = whole.chars().map(|c| if c.is_alphanumeric() && !c.is_ascii() { 'x' } else { c }).collect();
    Address::parse(&ascii).is_ok_and(|address| address.host.contains('.') || address.host.starts_with('['))
}

#[cfg(test)]
mod tests;
