//! Numbers as people write them: `₩1,200,000`, `$ 99.50`, `1 000`, `300만원`, `1억 2,000만`, `１２`.
//!
//! A comma, a space or an apostrophe separates thousands, a point begins the decimals. `1.234,56` and `12,5` follow
//! the other convention; since `1.234` alone could be either, nothing of that convention is read and they are unfit.

use serde_json::Number;

/// A decimal number, exact: `digits` / 10^`scale`.
#[derive(Debug, Clone, Copy)]
struct Decimal {
    digits: i128,
    scale: u32,
}

/// The number that `text` is, whole when it is whole; `None` when it is none, or not for certain.
pub fn number(text: &str) -> Option<Number> {
    let text: String = text.trim().chars().map(narrow).collect();
    if let Some(number) = scientific(&text) {
        return Some(number);
    }
    let (negative, amount) = bare_amount(&text)?;
    let Decimal { digits, scale } = korean(amount)?;
    let digits = if negative { -digits } else { digits };
    json_number(digits, scale)
}

/// The full-width form of a character as its plain one.
fn narrow(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => u32::from(c).checked_sub(0xFEE0).and_then(char::from_u32).unwrap_or(c),
        '\u{2212}' => '-',
        c if c.is_whitespace() => ' ',
        c => c,
    }
}

/// `1e21`, as JavaScript writes large numbers.
fn scientific(text: &str) -> Option<Number> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) && text.contains(['e', 'E']);
    let value: f64 = plain.then(|| text.parse().ok())??;
    Number::from_f64(value)
}

/// The amount without its sign and its currency.
fn bare_amount(text: &str) -> Option<(bool, &str)> {
    let (mut rest, mut sign) = (text, None);
    // `-$5`, `$-5` and `- 5` are the same; a second sign is not a number.
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(['-', '+']) {
            if sign.replace(rest.starts_with('-')).is_some() {
                return None;
            }
            rest = after;
        } else if let Some(after) = without_currency(rest, |text, word| text.strip_prefix(word)) {
            rest = after;
        } else {
            break;
        }
    }
    let rest = rest.trim_end();
    let rest = without_currency(rest, |text, word| text.strip_suffix(word)).unwrap_or(rest).trim_end();
    Some((sign == Some(true), rest))
}

fn without_currency<'a>(text: &'a str, strip: impl Fn(&'a str, &str) -> Option<&'a str>) -> Option<&'a str> {
    CURRENCIES.iter().find_map(|word| strip(text, word).or_else(|| strip(text, &word.to_lowercase())))
}

const CURRENCIES: &[&str] = &[
    "₩", "\u{FFE6}", "US$", "$", "€", "£", "¥", "\u{FFE5}", "₹", "₫", "฿", "KRW", "USD", "EUR", "GBP", "JPY", "INR",
    "CNY", "원", "달러", "유로", "엔",
];

/// `1억 2,000만 500`: each unit once, the larger first.
fn korean(text: &str) -> Option<Decimal> {
    let mut sum: Option<Decimal> = None;
    let mut rest = text;
    for (unit, zeros) in [("억", 8), ("만", 4)] {
        if let Some((amount, after)) = rest.split_once(unit) {
            let amount = grouped(amount.trim())?;
            let digits = amount.digits.checked_mul(10_i128.pow(zeros))?;
            sum = Some(add(sum, Decimal { digits, ..amount })?);
            rest = after.trim_start();
        }
    }
    if rest.is_empty() { sum } else { add(sum, grouped(rest)?) }
}

fn add(sum: Option<Decimal>, more: Decimal) -> Option<Decimal> {
    let Some(sum) = sum else { return Some(more) };
    let scale = sum.scale.max(more.scale);
    let scaled = |d: Decimal| d.digits.checked_mul(10_i128.checked_pow(scale - d.scale)?);
    Some(Decimal { digits: scaled(sum)?.checked_add(scaled(more)?)?, scale })
}

/// Digits with separators between thousands (or, as in India, after the first three in twos), and decimals.
fn grouped(text: &str) -> Option<Decimal> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let separator = whole.chars().find(|c| !c.is_ascii_digit());
    if separator.is_some_and(|c| !matches!(c, ',' | ' ' | '\'' | '’' | '_')) {
        return None;
    }
    let groups: Vec<&str> = separator.map_or_else(|| vec![whole], |c| whole.split(c).collect());
    if let [first, middle @ .., last] = groups.as_slice() {
        let two_or_three = |length: usize| middle.iter().all(|group| group.len() == length);
        if last.len() != 3 || first.is_empty() || first.len() > 3 || !(two_or_three(2) || two_or_three(3)) {
            return None;
        }
    }
    let digits = groups.concat() + decimals;
    let all_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let scale = u32::try_from(decimals.len()).ok()?;
    // No leading `.5` trouble: an empty whole part is zero. Parsing refuses what an i128 cannot hold.
    all_digits.then(|| digits.parse().ok())?.map(|digits| Decimal { digits, scale })
}

fn json_number(mut digits: i128, mut scale: u32) -> Option<Number> {
    while scale > 0 && digits % 10 == 0 {
        digits /= 10;
        scale -= 1;
    }
    if scale == 0 {
        // What no integer type holds would be rounded on its way: not the number that was written.
        return i64::try_from(digits).map(Number::from).or_else(|_| u64::try_from(digits).map(Number::from)).ok();
    }
    // 17 digits are what a double can tell apart.
    let exact = digits.unsigned_abs() < 10_u128.pow(17);
    exact.then(|| format!("{digits}e-{scale}").parse().ok())?.and_then(Number::from_f64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_as_people_write_them() {
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
    fn what_is_no_number_or_not_for_certain() {
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
            "٣",
        ] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
