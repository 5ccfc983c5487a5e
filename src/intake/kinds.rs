//! Whether a text is an email address, a telephone number, a web address or a number.
//!
//! The email rule is that of HTML's `type=email` (<https://html.spec.whatwg.org/#valid-e-mail-address>) and lets accents,
//! Hangul and other international letters pass on both sides of the `@`: a form that refuses `josé@example.com` loses José.
//! The others are lenient where people write differently: a telephone number may have spaces, brackets and full-width
//! digits, a web address no `https://`, a number its thousands apart.

use crate::config::RuleKind;
use crate::config::address::Address;

use super::FieldCode;

/// The longest address that mail can carry (RFC 5321, with its erratum 1690).
const EMAIL_CHARS: usize = 254;

/// The fewest and the most digits of a telephone number, an extension included.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 5..=20;

/// Whether `text` has the shape of an email address, white space around it aside.
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

/// What is wrong with a value that is not of its kind.
pub fn wrong_kind(kind: RuleKind, value: &str) -> Option<FieldCode> {
    let (is_right, code) = match kind {
        RuleKind::Email => (is_email(value), FieldCode::TypeEmail),
        RuleKind::Phone => (is_phone(value), FieldCode::TypePhone),
        RuleKind::Url => (is_url(value), FieldCode::TypeUrl),
        RuleKind::Number => (number(value).is_some(), FieldCode::TypeNumeric),
    };
    (!is_right).then_some(code)
}

/// Whether `text` is a telephone number, as people write them anywhere.
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

/// A number as people and `<input type="number">` write it: `1200000`, `1,200,000`, `-3.5`, `1e3`.
pub fn number(text: &str) -> Option<f64> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_an_email_address() {
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
