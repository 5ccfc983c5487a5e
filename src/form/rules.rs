//! The values against the form's `rules`: every mistake of every field at once, each in its own words.
//!
//! Lenient where people write differently: a telephone number may have spaces, brackets and full-width digits, a web
//! address no `https://`, a number its thousands apart. A line break counts as one character, as in a browser's
//! `maxlength`, although it is sent as two.

use crate::config::address::Address;
use crate::config::{Rule, RuleKind};

use super::validate::{Filled, is_email};
use super::{FieldCode, FieldError};

/// A pattern is not tried on a longer value, in characters: it does not fit.
const PATTERN_CHARS: usize = 2000;

/// The fewest and the most digits of a telephone number, an extension included.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 5..=20;

/// Every mistake of the values that `find` finds for the name of a rule, each once.
pub fn check<'a>(rules: &[Rule], find: &dyn Fn(&str) -> Vec<Filled<'a>>) -> Vec<FieldError> {
    let mut errors: Vec<FieldError> = Vec::new();
    for rule in rules {
        for Filled { field, value } in find(&rule.field) {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            for code in mistakes(rule, value) {
                let error = FieldError { code, field: field.to_owned() };
                if !errors.contains(&error) {
                    errors.push(error);
                }
            }
        }
    }
    errors
}

/// What is wrong with a value. What is not of its kind is only told so: the rest would be riddles.
fn mistakes(rule: &Rule, value: &str) -> Vec<FieldCode> {
    if let Some(code) = rule.kind.and_then(|kind| wrong_kind(kind, value)) {
        return vec![code];
    }
    let length = value.replace("\r\n", "\n").chars().count();
    let number = number(value);
    let is_below = |min: i64| number.is_some_and(|number| number < exact(min));
    let is_above = |max: i64| number.is_some_and(|number| number > exact(max));
    let found = [
        rule.min_length.filter(|min| length < *min).map(FieldCode::MinLength),
        rule.max_length.filter(|max| length > *max).map(FieldCode::MaxLength),
        rule.min.filter(|min| is_below(*min)).map(FieldCode::Min),
        rule.max.filter(|max| is_above(*max)).map(FieldCode::Max),
        (!rule.one_of.is_empty() && !rule.one_of.iter().any(|one| one.trim() == value)).then_some(FieldCode::OneOf),
        rule.pattern
            .as_ref()
            .is_some_and(|pattern| length > PATTERN_CHARS || !pattern.fits(value))
            .then_some(FieldCode::Pattern),
    ];
    found.into_iter().flatten().collect()
}

fn wrong_kind(kind: RuleKind, value: &str) -> Option<FieldCode> {
    let (is_right, code) = match kind {
        RuleKind::Email => (is_email(value), FieldCode::TypeEmail),
        RuleKind::Phone => (is_phone(value), FieldCode::TypePhone),
        RuleKind::Url => (is_url(value), FieldCode::TypeUrl),
        RuleKind::Number => (number(value).is_some(), FieldCode::TypeNumeric),
    };
    (!is_right).then_some(code)
}

/// A bound; the config lets only those in that a float holds exactly.
#[allow(clippy::cast_precision_loss, reason = "bounds have at most 53 bits")]
fn exact(bound: i64) -> f64 {
    bound as f64
}

/// A number as people and `<input type="number">` write it: `1200000`, `1,200,000`, `-3.5`, `1e3`.
fn number(text: &str) -> Option<f64> {
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E');
    let plain = if text.contains(',') { without_thousands(text)? } else { text.to_owned() };
    if !plain.chars().all(is_number) {
        return None;
    }
    plain.parse().ok().filter(|number: &f64| number.is_finite())
}

/// `1,200,000.5` -> `1200000.5`; `1,2` may be German and is nothing.
fn without_thousands(text: &str) -> Option<String> {
    let (whole, fraction) = text.split_once('.').map_or((text, ""), |(whole, fraction)| (whole, fraction));
    let mut groups = whole.trim_start_matches(['-', '+']).split(',');
    let first = groups.next().unwrap_or_default();
    let is_group = |group: &str| group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit());
    let fits = (1..=3).contains(&first.len()) && groups.all(is_group) && !fraction.contains(',');
    fits.then(|| text.replace(',', ""))
}

fn is_phone(text: &str) -> bool {
    let is_digit = |c: char| c.is_ascii_digit() || ('\u{ff10}'..='\u{ff19}').contains(&c);
    let is_between = |c: char| {
        c.is_whitespace() || "+-.()/#*,;:xX\u{ff0b}\u{ff0d}\u{2010}\u{2011}\u{2012}\u{2013}\u{2212}".contains(c)
    };
    // The words for an extension, in front of its number.
    let plain = ["ext", "Ext", "EXT", "내선"].iter().fold(text.to_owned(), |text, word| text.replace(word, " "));
    PHONE_DIGITS.contains(&plain.chars().filter(|c| is_digit(*c)).count())
        && plain.chars().all(|c| is_digit(c) || is_between(c))
}

/// A web address, with or without its scheme; hosts may be in any script, and a name has a dot in it.
fn is_url(text: &str) -> bool {
    let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let ascii: String = whole.chars().map(|c| if c.is_alphanumeric() && !c.is_ascii() { 'x' } else { c }).collect();
    Address::parse(&ascii).is_ok_and(|address| address.host.contains('.') || address.host.starts_with('['))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Pattern;

    fn rule() -> Rule {
        Rule {
            field: "f".into(),
            kind: None,
            min_length: None,
            max_length: None,
            min: None,
            max: None,
            one_of: Vec::new(),
            pattern: None,
        }
    }

    fn of(kind: RuleKind) -> Rule {
        Rule { kind: Some(kind), ..rule() }
    }

    #[test]
    fn values_and_what_is_wrong_with_them() {
        let length = Rule { min_length: Some(2), max_length: Some(4), ..rule() };
        let age = Rule { min: Some(18), max: Some(120), ..of(RuleKind::Number) };
        let size = Rule { one_of: vec!["S".into(), "M".into(), "라지".into()], ..rule() };
        let code = Rule { pattern: Some(Pattern::parse("[A-Z]{3}-[0-9]+").unwrap()), ..rule() };
        let all = Rule { pattern: code.pattern.clone(), one_of: size.one_of.clone(), ..length.clone() };
        let long = "A".repeat(PATTERN_CHARS + 1);
        let any = Rule { pattern: Some(Pattern::parse("A*").unwrap()), ..rule() };
        for (rule, value, codes) in [
            (&length, "ab", &[][..]),
            (&length, " a ", &[FieldCode::MinLength(2)]),
            (&length, "a\r\nbc", &[]),
            (&length, "a\r\nbcd", &[FieldCode::MaxLength(4)]),
            (&length, "홍길동님", &[]),
            (&length, "👋👋👋👋", &[]),
            (&length, "", &[]),
            (&length, " \n", &[]),
            (&age, "18", &[]),
            (&age, "120", &[]),
            (&age, "17.9", &[FieldCode::Min(18)]),
            (&age, "120.5", &[FieldCode::Max(120)]),
            (&age, "-5", &[FieldCode::Min(18)]),
            (&age, "old", &[FieldCode::TypeNumeric]),
            (&age, "0", &[FieldCode::Min(18)]),
            (&size, "M", &[]),
            (&size, " 라지 ", &[]),
            (&size, "m", &[FieldCode::OneOf]),
            (&size, "S, M", &[FieldCode::OneOf]),
            (&code, "ABC-12", &[]),
            (&code, "abc-12", &[FieldCode::Pattern]),
            (&all, "A", &[FieldCode::MinLength(2), FieldCode::OneOf, FieldCode::Pattern]),
            (&any, &long[1..], &[]),
            (&any, &long, &[FieldCode::Pattern]),
        ] {
            assert_eq!(mistakes_of(rule, value), codes, "{value:?}");
        }
    }

    fn mistakes_of(rule: &Rule, value: &str) -> Vec<FieldCode> {
        let find = |name: &str| {
            assert_eq!(name, "f");
            vec![Filled { field: "f", value }]
        };
        check(std::slice::from_ref(rule), &find).into_iter().map(|error| error.code).collect()
    }

    #[test]
    fn every_value_of_a_repeated_field_is_checked_and_each_mistake_told_once() {
        let rules = [Rule { one_of: vec!["a".into()], ..rule() }];
        let find = |_: &str| ["a", "b", "", "c"].map(|value| Filled { field: "topic", value }).to_vec();
        assert_eq!(check(&rules, &find), [FieldError { code: FieldCode::OneOf, field: "topic".into() }]);
    }

    #[test]
    fn kinds() {
        for (kind, good, bad) in [
            (
                RuleKind::Number,
                &["0", "-3.5", "+7", "1e3", "1,200,000", "1,200.50", ".5"][..],
                &["", "1,2", "12,34,567", "1.234,56", "₩5", "inf", "NaN", "1 000", "1e999", "0x10", "--5", "3.5.1"][..],
            ),
            (
                RuleKind::Phone,
                &[
                    "010-1234-5678",
                    "+82 10 1234 5678",
                    "(02) 123-4567",
                    "+44 (0)20 7946 0958",
                    "555.0100 x12",
                    "02-123-4567 내선 12",
                    "1588-1234",
                    "０１０－１２３４－５６７８",
                ],
                &["1234", "call me", "010-1234-567a", "1".repeat(21).leak(), "+", "a@b.co"],
            ),
            (
                RuleKind::Url,
                &[
                    "https://www.example.com",
                    "www.example.com/a?b",
                    "example.co.kr",
                    "http://한국.kr/경로",
                    "https://example.com:8080",
                ],
                &["", "example", "https://", "javascript:alert(1)", "ftp://example.com", "a b.com", "user@example.com"],
            ),
            (RuleKind::Email, &["a@b.co", "김철수@회사.한국"], &["nobody", "a b@c.de"]),
        ] {
            for value in good {
                assert_eq!(wrong_kind(kind, value), None, "{value}");
            }
            for value in bad {
                assert!(wrong_kind(kind, value).is_some(), "{value}");
            }
        }
    }
}
