//! Text from strangers, made fit to map and to show: line ends are `\n`, control characters are visible.
//!
//! The decoder has replaced those of ASCII; the others (U+0085 and its kin) have no place in a note either. The character
//! is replaced, not removed, so that a person sees that something stood there.

use std::borrow::Cow;

/// `text` trimmed, with `\n` line ends, and with U+FFFD for every control character except `\n` and `\t`.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if !text.chars().any(is_unwanted) {
        return Cow::Borrowed(text);
    }
    let unix = text.replace("\r\n", "\n").replace('\r', "\n");
    Cow::Owned(unix.replace(is_unwanted, "\u{FFFD}"))
}

/// `text` on one line, for a label.
pub(crate) fn one_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_unwanted(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}
