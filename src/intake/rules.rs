//! The values against the form's `rules`: every mistake of every field at once, each in its own words.
//!
//! A line break counts as one character, as in a browser's `maxlength`, although it is sent as two.

use crate::config::Rule;

use super::kinds::{number, wrong_kind};
use super::{FieldCode, FieldError};
use crate::domain::Filled;

/// A pattern is not tried on a longer value, in characters: it does not fit.
const PATTERN_CHARS: usize = 2000;

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

/// A bound; the config lets only those in that a float holds exactly.
#[allow(clippy::cast_precision_loss, reason = "bounds have at most 53 bits")]
fn exact(bound: i64) -> f64 {
    bound as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Pattern, RuleKind};

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
}
