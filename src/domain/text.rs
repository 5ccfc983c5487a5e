//! Text from visitors, made safe to map, to compare and to show.

use std::borrow::Cow;

/// `text` trimmed, with `\n` line ends, and with U+FFFD for every control character except `\n` and `\t`: a person sees that
/// something was there.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if !text.chars().any(is_unwanted) {
        return Cow::Borrowed(text);
    }
    let unix = text.replace("\r\n", "\n").replace('\r', "\n");
    Cow::Owned(unix.replace(is_unwanted, "\u{FFFD}"))
}

/// Whether a character is invisible: fillers, joiners, zero-width spaces, direction marks.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180E}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}'
        | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E007F}')
}

/// `text` on one line, for a label.
pub(crate) fn one_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most `chars` characters of a text that a vendor or a stranger wrote, cleaned.
pub(crate) fn bounded(text: &str, chars: usize) -> String {
    let end = text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at);
    clean(&text[..end]).into_owned()
}

/// Adds the lower case of a character. Most are ASCII, for which the tables of Unicode are slow.
pub(crate) fn push_lower(text: &mut String, c: char) {
    if c.is_ascii() { text.push(c.to_ascii_lowercase()) } else { text.extend(c.to_lowercase()) }
}

/// JSON with DEL and the C1 controls escaped. JSON escapes only those below U+0020, and a terminal obeys the others too.
pub fn escape_controls(json: &str) -> Cow<'_, str> {
    let is_raw = |c: char| ('\u{7f}'..='\u{9f}').contains(&c);
    if !json.contains(is_raw) {
        return Cow::Borrowed(json);
    }
    let escaped = |c: char| if is_raw(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    Cow::Owned(json.chars().map(escaped).collect())
}

/// `text` for HTML, in an element or a quoted attribute.
pub(crate) fn escape_html(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            // A parser turns a bare CR into LF; a reference keeps what the visitor sent.
            '\r' => html.push_str("&#13;"),
            other => html.push(other),
        }
    }
    html
}

/// The zeros of scripts with decimal digits; the other nine digits follow each zero.
const ZEROS: &str = "٠۰०০੦૦୦௦౦೦൦๐໐༠၀០";

/// A decimal without a sign, to four places: `0.8`, `1.`, `.5`. More digits before the point are as good as infinite. The
/// standard parser brings 10 KB of tables.
pub(crate) fn decimal(text: &str) -> Option<f64> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let is_number = [whole, fraction].iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()));
    if !is_number || whole.len() + fraction.len() == 0 {
        return None;
    }
    if whole.len() > 15 {
        return Some(f64::INFINITY);
    }
    let fraction = &fraction[..fraction.len().min(4)];
    let unit = 10_u64.pow(u32::try_from(fraction.len()).unwrap_or_default());
    let integer = |digits: &str| digits.parse::<u64>().unwrap_or(0);
    #[allow(clippy::cast_precision_loss, reason = "seconds and weights are short")]
    Some((integer(whole) * unit + integer(fraction)) as f64 / unit as f64)
}

/// The ASCII form of a digit or a sign between digits: `٣`, `３`, `（`, `−`, `٫`. White space becomes a space.
pub(crate) fn narrow(c: char) -> char {
    let ascii = |offset: u32| char::from_u32(offset).unwrap_or(c);
    match c {
        c if c.is_whitespace() => ' ',
        c if c.is_ascii() => c,
        '\u{FF01}'..='\u{FF5E}' => ascii(u32::from(c) - 0xFEE0),
        '\u{2212}' => '-',
        '\u{066B}' => '.',
        '\u{066C}' => ',',
        c => {
            let digit =
                ZEROS.chars().find_map(|zero| u32::from(c).checked_sub(u32::from(zero)).filter(|digit| *digit < 10));
            digit.map_or(c, |digit| ascii(u32::from('0') + digit))
        }
    }
}

/// Whether a checkbox, a radio button or a person says yes or no in a word; `None` for neither.
pub fn yes_or_no(text: &str) -> Option<bool> {
    let word = text.trim().trim_end_matches(['.', '!', '。', '！']).to_lowercase();
    if YES.contains(&word.as_str()) {
        Some(true)
    } else if NO.contains(&word.as_str()) {
        Some(false)
    } else {
        None
    }
}

#[rustfmt::skip]
const YES: &[&str] = &[
    "on", "true", "yes", "y", "1", "t", "ok", "checked", "agree", "agreed", "accept", "accepted",
    "예", "네", "동의", "동의함", "동의합니다", "수락", "참", "ja", "oui", "sí", "si", "sì", "sim", "da", "да",
    "はい", "同意", "同意する", "同意します", "是", "✓", "✔", "☑",
];

#[rustfmt::skip]
const NO: &[&str] = &[
    "off", "false", "no", "n", "0", "f", "unchecked", "disagree", "decline", "declined",
    "아니오", "아니요", "아뇨", "미동의", "비동의", "동의안함", "동의 안함", "동의하지 않음", "동의하지 않습니다",
    "거부", "거절", "거짓", "nein", "non", "não", "nao", "nee", "net", "нет",
    "いいえ", "同意しない", "同意しません", "不同意", "否",
];

/// Whether a sentence agrees; `None` when it says neither. A sentence that negates anything does not agree.
///
/// ```
/// use formcourier::domain::text::says_yes;
/// assert_eq!(says_yes("I agree to the privacy policy"), Some(true));
/// assert_eq!(says_yes("I do not agree"), Some(false));
/// assert_eq!(says_yes("privacy policy, 2nd edition"), None);
/// ```
pub fn says_yes(text: &str) -> Option<bool> {
    if let Some(word) = yes_or_no(text) {
        return Some(word);
    }
    let text = text.to_lowercase();
    let words = || text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’');
    // Korean, Japanese and Chinese words are not separated by spaces.
    let has = |whole: &[&str], stems: &[&str], parts: &[&str]| {
        words().any(|word| whole.contains(&word) || stems.iter().any(|stem| word.starts_with(stem)))
            || parts.iter().any(|part| text.contains(part))
    };
    if has(NOT, REFUSE, REFUSE_PARTS) { Some(false) } else { has(AGREED, AGREE, AGREE_PARTS).then_some(true) }
}

#[rustfmt::skip]
const NOT: &[&str] = &[
    "no", "not", "don't", "don’t", "dont", "doesn't", "doesn’t", "won't", "won’t", "can't", "can’t", "cannot", "never",
    "without", "out", "nein", "nicht", "kein", "keine", "keinen", "ne", "pas", "non", "niet", "geen", "não", "nao", "не", "нет",
];

const REFUSE: &[&str] = &["disagree", "declin", "refus", "reject", "withdraw", "revok", "unsubscri", "ablehn", "lehne"];

const REFUSE_PARTS: &[&str] =
    &["않", "안함", "안 함", "안 합", "미동의", "비동의", "거부", "거절", "못", "不", "ません", "しない", "拒"];

const AGREED: &[&str] = &["yes", "ja", "oui", "sí", "sim"];

#[rustfmt::skip]
const AGREE: &[&str] = &[
    "agree", "accept", "consent", "allow", "authori", "approve", "optin", "subscri", "einverstanden", "zustimm", "stimme",
    "akzept", "einwillig", "accord", "consens", "acept", "acuerdo", "accett", "acconsent", "aceit", "concordo", "akkoord",
    "соглас",
];

const AGREE_PARTS: &[&str] = &["opt-in", "opt in", "동의", "수락", "허용", "승낙", "同意", "承諾", "了承"];

fn is_unwanted(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_leniently() {
        for (text, number) in
            [("0.8", Some(0.8)), (" 05 ", Some(5.0)), ("1.", Some(1.0)), (".5", Some(0.5)), ("2.123456", Some(2.1234))]
        {
            assert_eq!(decimal(text), number, "{text}");
        }
        for text in ["", ".", "-1", "+1", "1e3", "1.2.3", "one"] {
            assert_eq!(decimal(text), None, "{text}");
        }
        assert_eq!(decimal("99999999999999999999"), Some(f64::INFINITY));
    }

    #[test]
    fn control_characters_become_visible_and_line_ends_unix() {
        for (text, cleaned) in [
            ("plain", "plain"),
            (" a\tb\r\nc\rd\n\n", "a\tb\nc\nd"),
            (
                "nul\0 bell\u{7} esc\u{1b}[31m del\u{7f} c1\u{85}x",
                "nul\u{FFFD} bell\u{FFFD} esc\u{FFFD}[31m del\u{FFFD} c1\u{FFFD}x",
            ),
            ("안녕 😀 \u{200f}مرحبا", "안녕 😀 \u{200f}مرحبا"),
        ] {
            assert_eq!(clean(text), cleaned);
        }
        assert_eq!(one_line(" 예산\r\n email:\t x "), "예산 email: x");
        assert_eq!([bounded("가나다", 2), bounded("a\u{9b}b", 9)], ["가나", "a\u{FFFD}b"]);
    }

    #[test]
    fn json_has_no_raw_control_characters() {
        for text in ["plain", "esc\u{1b}[31m del\u{7f} csi\u{9b}31m nel\u{85}x 가😀"] {
            let json = serde_json::to_string(text).unwrap();
            let escaped = escape_controls(&json);
            assert!(!escaped.contains(char::is_control), "{escaped}");
            assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
        }
    }

    #[test]
    fn consent_is_a_yes_without_a_no() {
        for (text, said) in [
            ("on", Some(true)),
            ("Yes!", Some(true)),
            ("동의합니다.", Some(true)),
            ("개인정보 수집 및 이용에 동의합니다.", Some(true)),
            ("I have read and accept the terms", Some(true)),
            ("gdpr_accepted", Some(true)),
            ("Yes, I want the newsletter", Some(true)),
            ("Ich stimme der Datenschutzerklärung zu", Some(true)),
            ("プライバシーポリシーに同意します", Some(true)),
            ("0", Some(false)),
            ("No.", Some(false)),
            ("Nein", Some(false)),
            ("Ich stimme nicht zu", Some(false)),
            ("I don’t agree", Some(false)),
            ("opt-out", Some(false)),
            ("동의하지 않습니다.", Some(false)),
            ("마케팅 수신 미동의", Some(false)),
            ("不同意收集", Some(false)),
            ("同意しません。", Some(false)),
            ("opt-in", Some(true)),
            ("option A", None),
            ("privacy policy 1", None),
            ("?", None),
            ("", None),
        ] {
            assert_eq!(says_yes(text), said, "{text}");
        }
    }

    #[test]
    fn escaped_text_cannot_leave_its_element_or_attribute() {
        assert_eq!(
            escape_html("<b>\"Ada\" & 'Bob'</b>\r\n이름"),
            "&lt;b&gt;&quot;Ada&quot; &amp; &#39;Bob&#39;&lt;/b&gt;&#13;\n이름"
        );
    }
}
