//! Values and what is wrong with them.

use super::*;

/// `(the name asked for, the field it means, its value)`.
fn check(required: &[&str], known: &[(&str, &str, &str)]) -> Vec<(FieldCode, String)> {
    let find = |name: &str| {
        let found = known.iter().filter(|(asked, ..)| *asked == name);
        found.map(|(_, field, value)| Filled { field, value }).collect()
    };
    let required: Vec<String> = required.iter().map(|name| (*name).to_owned()).collect();
    match validate(&required, &[], &find) {
        Ok(()) => Vec::new(),
        Err(refusal) => {
            assert_eq!(refusal.kind, RefusalKind::Invalid);
            refusal.errors.into_iter().map(|error| (error.code, error.field)).collect()
        }
    }
}

#[test]
fn all_mistakes_are_reported_under_the_names_of_the_form() {
    let found = check(
        &["name", "email", "phone", "message"],
        &[("name", "your-name", " \n"), ("email", "your-email", "nobody"), ("message", "message", "hello")],
    );
    assert_eq!(
        found,
        [
            (FieldCode::RequiredFieldEmpty, "your-name".to_owned()),
            (FieldCode::RequiredFieldMissing, "phone".to_owned()),
            (FieldCode::TypeEmail, "your-email".to_owned()),
        ]
    );
}

#[test]
fn an_optional_email_may_be_blank_but_not_wrong() {
    assert_eq!(check(&[], &[]), []);
    assert_eq!(check(&[], &[("email", "e", "  ")]), []);
    assert_eq!(check(&[], &[("email", "e", " a@b.co ")]), []);
    assert_eq!(check(&[], &[("email", "e", "a@b@")]), [(FieldCode::TypeEmail, "e".to_owned())]);
}

#[test]
fn one_field_gets_one_error() {
    let known = [("email", "e", ""), ("e", "e", "")];
    assert_eq!(check(&["email", "e"], &known), [(FieldCode::RequiredFieldEmpty, "e".to_owned())]);
}

#[test]
fn rules_check_filled_values() {
    let length = Rule { min_length: Some(2), max_length: Some(4), ..Rule::default() };
    let age = Rule { kind: Some(RuleKind::Number), min: Some(18), max: Some(120), ..Rule::default() };
    let size = Rule { one_of: vec!["S".into(), "M".into(), "라지".into()], ..Rule::default() };
    let code = Rule { pattern: Some(Pattern::parse("[A-Z]{3}-[0-9]+").unwrap()), ..Rule::default() };
    let all = Rule { pattern: code.pattern.clone(), one_of: size.one_of.clone(), ..length.clone() };
    let long = "A".repeat(MATCHED_CHARS + 1);
    let any = Rule { pattern: Some(Pattern::parse("A*").unwrap()), ..Rule::default() };
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
        (&age, "30", &[]),
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
        let find = |name: &str| if name == "email" { Vec::new() } else { vec![Filled { field: "f", value }] };
        let found = validate(&[], std::slice::from_ref(rule), &find).err().map(|refusal| refusal.errors);
        let expected: Vec<_> = codes.iter().map(|code| FieldError { code: *code, field: "f".into() }).collect();
        assert_eq!(found.unwrap_or_default(), expected, "{value:?}");
    }
}

#[test]
fn every_value_of_a_repeated_field_is_checked_and_each_mistake_reported_once() {
    let rules = [Rule { one_of: vec!["a".into()], ..Rule::default() }];
    let find = |name: &str| match name {
        "email" => Vec::new(),
        _ => ["a", "b", "", "c"].map(|value| Filled { field: "topic", value }).to_vec(),
    };
    let error = Refusal::because(RefusalKind::Invalid, FieldCode::OneOf, "topic");
    assert_eq!(validate(&[], &rules, &find), Err(error));
}

#[test]
fn email_addresses_are_those_of_html_in_every_script() {
    let local = "a".repeat(242);
    for good in [
        "a@b.co",
        "first.last+tag@mail.example.co.kr",
        "o'brien@example.ie",
        "josé@example.com",
        "김철수@회사.한국",
        "user@münchen.de",
        "a@localhost",
        "x@xn--3e0b707e.kr",
        " padded@example.com\n",
        "UPPER@EXAMPLE.COM",
        &format!("{local}@example.com"),
    ] {
        assert!(is_email(good), "{good}");
    }
    for bad in [
        "",
        "@",
        "a@",
        "@b.co",
        "a b@c.de",
        "a@b..c",
        "a@.b",
        "a@b.",
        "a@-b.co",
        "a@b-.co",
        "a@b@c.de",
        "a,b@c.de",
        "Ada <ada@example.com>",
        "ada@example.com, bob@example.com",
        "a@b_c.de",
        "a@b.c\r\nBcc: x",
        "a\u{a0}b@c.de",
        "mailto:a@b.c",
        &format!("a@{}.de", "b".repeat(64)),
        &format!("a{local}@example.com"),
    ] {
        assert!(!is_email(bad), "{bad}");
    }
}

#[test]
fn values_of_each_kind_are_recognized() {
    for (kind, good, bad) in [
        (
            RuleKind::Number,
            &["0", "-3.5", "+7", "1e3", "1,200,000", "1,200.50", ".5", "₩5", "1 000", "300만원", "١٢٠٠", "12,00,000"][..],
            &["", "1,2", "1.234,56", "inf", "NaN", "1e999", "0x10", "--5", "3.5.1"][..],
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
                "٠٥٠١٢٣٤٥٦٧",
                "（03）1234-5678",
                "090ー1234ー5678",
                "020 7946 0018 extension 12",
                "020 7946 0018 Ext. 12",
                "tel:+442079460018",
                "Tel. 020 7946 0018",
            ],
            &["1234", "call me", "010-1234-567a", "hotel 020 7946 0018", "1".repeat(21).leak(), "+", "a@b.co"],
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
            assert_eq!(kind.check(value), None, "{value}");
        }
        for value in bad {
            assert!(kind.check(value).is_some(), "{value}");
        }
    }
}

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
fn invalid_patterns_are_refused() {
    for pattern in ["(", "a)|(b", "[z-a]", "*", "(?=a)", r"(a)\1", r"\p{L}", "((a{500}){500}){500}", "a{9999999}"] {
        assert!(Pattern::parse(pattern).is_err(), "{pattern}");
    }
}

/// Neither of these may take time exponential or quadratic in the value: a visitor writes it.
#[test]
fn matching_has_a_budget_per_submission() {
    // How many values of 2,000 characters fit, of those that would by themselves.
    for (pattern, most) in [
        ("[a-z]*", 32),
        (r"[A-Za-z0-9 .,'-]{2,}", 32),
        ("[a-z]{10,100}c*[a-z]*", 8),
        ("(a?){50}a{50}[a-z]*", 2),
        ("(?:[a-z]{0,20}){0,20}[a-z]*", 1),
    ] {
        let rule = Rule { field: "a".into(), pattern: Some(Pattern::parse(pattern).unwrap()), ..Rule::default() };
        let value = "a".repeat(MATCHED_CHARS);
        for count in [most, most + 1] {
            let find = |name: &str| match name {
                "a" => vec![Filled { field: "a", value: &value }; count],
                _ => Vec::new(),
            };
            let result = validate(&[], std::slice::from_ref(&rule), &find);
            assert_eq!(result.is_ok(), count == most, "{pattern} {count}");
        }
    }
}

#[test]
fn patterns_take_linear_time() {
    let value = format!("{}!", "a".repeat(5000));
    for pattern in ["(a+)+", "(a|aa)+", "(.*a){12}", "(a?){50}a{50}"] {
        assert!(!Pattern::parse(pattern).unwrap().fits(&value), "{pattern}");
    }
}
