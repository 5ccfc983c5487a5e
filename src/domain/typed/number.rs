//! Numbers as people write them: `₩1,200,000`, `$ 99.50`, `1 000`, `300만원`, `1억 2,000만`, `１２`, `١٢`.
//!
//! A comma, a space or an apostrophe separates thousands, a point starts the decimals. `1.234,56` and `12,5` follow the
//! other convention. `1.234` alone could be either, so no text of that convention is a number here.

use serde_json::Number;

use crate::domain::text::narrow;

/// Amounts are whole numbers of 10^-17, so that sums and signs are exact. An `i128` holds every `u64` at this scale.
const SCALE: u32 = 17;

const CURRENCIES: &[&str] = &[
    "₩", "\u{FFE6}", "US$", "$", "€", "£", "¥", "\u{FFE5}", "₹", "KRW", "USD", "EUR", "GBP", "JPY", "INR", "CNY", "원",
    "달러", "유로", "엔",
];

/// The number that `text` certainly is, as an integer if it is whole.
pub fn number(text: &str) -> Option<Number> {
    let text: String = text.trim().chars().map(narrow).collect::<String>().to_ascii_uppercase();
    // `1e21`, as JavaScript writes large numbers.
    if text.contains('E') && text.bytes().all(|b| b.is_ascii_digit() || b"+-.E".contains(&b)) {
        return serde_json::from_str(text.strip_prefix('+').filter(|rest| !rest.starts_with('-')).unwrap_or(&text))
            .ok();
    }
    let (mut rest, mut sign) = (text.as_str(), None);
    // `-$5`, `$-5` and `- 5` are the same.
    loop {
        rest = rest.trim_start();
        if sign.is_none() && rest.starts_with(['-', '+']) {
            sign = rest.chars().next();
            rest = &rest[1..];
        } else if let Some(amount) = CURRENCIES.iter().find_map(|currency| rest.strip_prefix(currency)) {
            rest = amount;
        } else {
            break;
        }
    }
    let amount = korean(CURRENCIES.iter().find_map(|currency| rest.strip_suffix(currency)).unwrap_or(rest).trim_end())?;
    json_number(if sign == Some('-') { -amount } else { amount })
}

/// `1억 2,000만 500`: each unit at most once, the larger first.
fn korean(text: &str) -> Option<i128> {
    let (mut sum, mut rest) = (0_i128, text);
    for (unit, zeros) in [("억", 8), ("만", 4)] {
        if let Some((amount, after)) = rest.split_once(unit) {
            sum = sum.checked_add(grouped(amount.trim())?.checked_mul(10_i128.pow(zeros))?)?;
            rest = after.trim_start();
        }
    }
    if rest.is_empty() && rest.len() < text.len() { Some(sum) } else { sum.checked_add(grouped(rest)?) }
}

/// Digits in groups of three, or in the Indian groups of two before the last three, and decimals.
fn grouped(text: &str) -> Option<i128> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let separator = whole.chars().find(|c| matches!(c, ',' | ' ' | '\'' | '’'));
    let groups: Vec<&str> = separator.map_or_else(|| vec![whole], |c| whole.split(c).collect());
    if let [first, middle @ .., last] = groups.as_slice() {
        let all_have = |length: usize| middle.iter().all(|group| group.len() == length);
        if !(1..=3).contains(&first.len()) || !(all_have(2) || all_have(3)) || last.len() != 3 {
            return None;
        }
    }
    let digits = groups.concat() + decimals;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let scale = SCALE.checked_sub(u32::try_from(decimals.len()).ok()?)?;
    digits.parse::<i128>().ok()?.checked_mul(10_i128.pow(scale))
}

/// Only an exact number: an integer that fits 64 bits, or a decimal of at most 15 digits, which a double distinguishes.
fn json_number(amount: i128) -> Option<Number> {
    let unit = 10_i128.pow(SCALE);
    if amount % unit == 0 {
        let whole = amount / unit;
        return i64::try_from(whole).map(Number::from).or_else(|_| u64::try_from(whole).map(Number::from)).ok();
    }
    let (mut digits, mut scale) = (amount, SCALE);
    while digits % 10 == 0 {
        digits /= 10;
        scale -= 1;
    }
    let exact = digits.unsigned_abs() < 10_u128.pow(15);
    #[allow(clippy::cast_precision_loss, reason = "below 2^53, and a power of ten that a double holds")]
    exact.then(|| digits as f64 / 10_u64.pow(scale) as f64).and_then(Number::from_f64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, expected) in [
            ("0", json!(0)),
            ("007", json!(7)),
            ("-5", json!(-5)),
            ("+5", json!(5)),
            ("\u{2212}5", json!(-5)),
            ("5.0", json!(5)),
            ("5.", json!(5)),
            (".5", json!(0.5)),
            ("0.1", json!(0.1)),
            ("99.50", json!(99.5)),
            ("-0.25", json!(-0.25)),
            ("1,234", json!(1234)),
            ("123,456", json!(123_456)),
            ("1,234,567.89", json!(1_234_567.89)),
            ("12,34,567", json!(1_234_567)),
            ("1 234 567", json!(1_234_567)),
            ("1\u{a0}234", json!(1234)),
            ("1'234'567", json!(1_234_567)),
            ("$ 1,000", json!(1000)),
            ("-$5", json!(-5)),
            ("$-5", json!(-5)),
            ("US$20", json!(20)),
            ("1000 usd", json!(1000)),
            ("€5", json!(5)),
            ("₩1,200,000", json!(1_200_000)),
            ("1,200,000원", json!(1_200_000)),
            ("１，２００", json!(1200)),
            ("12,00,000", json!(1_200_000)),
            ("١٢٠٠", json!(1200)),
            ("١٬٢٠٠٫٥", json!(1200.5)),
            ("۱۲۰۰", json!(1200)),
            ("१२,३४,५६७", json!(1_234_567)),
            ("๑๒๐๐", json!(1200)),
            ("300만원", json!(3_000_000)),
            ("300만 원", json!(3_000_000)),
            ("3.5만", json!(35_000)),
            ("1.1만", json!(11_000)),
            ("1.5만 500", json!(15_500)),
            ("2억", json!(200_000_000)),
            ("1억 2,000만원", json!(120_000_000)),
            ("1억2000만500", json!(120_000_500)),
            ("9223372036854775807", json!(i64::MAX)),
            ("18446744073709551615", json!(u64::MAX)),
            ("1e3", json!(1000.0)),
        ] {
            assert_eq!(number(text).map(serde_json::Value::Number), Some(expected), "{text}");
        }
    }

    #[test]
    fn doubtful_texts_are_not_numbers() {
        for text in [
            "",
            "-",
            "$",
            ".",
            ",",
            "원",
            "만원",
            "abc",
            "5 apples",
            "10%",
            "1-2",
            "$1,000 - $5,000",
            "--5",
            "1.234,56",
            "12,5",
            "1,23,4",
            "1,2345",
            "1,2345,678",
            "1234,567",
            ",567",
            ".-5",
            "1.234.567",
            "10 20",
            "1,234 567",
            "5천만원",
            "3만 2억",
            "1만 2만",
            "inf",
            "NaN",
            "1e999",
            "0x10",
            "18446744073709551616",
            "0.123456789012345678",
            "99999999999999999999999999999999999999999",
            "01/02",
        ] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
