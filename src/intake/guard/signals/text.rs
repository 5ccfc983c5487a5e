//! A text as the signals read it: in lower case, disguises taken off, and twice, because Korean is written with spaces
//! anywhere and other languages between words.

/// A text, prepared.
#[derive(Debug)]
pub(super) struct Text {
    /// In lower case, otherwise as written: links and markup are found here.
    pub(super) lower: String,
    /// Words with one space before and after each: ` online casino `.
    pub(super) words: String,
    /// Letters and digits only, when there is any Hangul: `카.지.노 사이트` is `카지노사이트`.
    pub(super) compact: String,
    /// Words that mix the Latin and the Cyrillic alphabet.
    pub(super) mixed_words: usize,
    /// Letters that are mathematical symbols.
    pub(super) styled_letters: usize,
}

impl Text {
    pub(super) fn new(text: &str) -> Self {
        let styled_letters = text.chars().filter(|c| plain(*c) != *c).count();
        let lower: String =
            text.chars().filter(|c| !is_invisible(*c)).map(plain).flat_map(char::to_lowercase).collect();
        let mut words = String::from(" ");
        let mut mixed_words = 0;
        // An apostrophe is no border: `don't` is one word.
        for word in lower.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’').filter(|word| !word.is_empty())
        {
            let before = words.len();
            words.extend(word.chars().filter(|c| c.is_alphanumeric()));
            if words.len() > before {
                words.push(' ');
            }
            let is_mixed = word.chars().any(|c| c.is_ascii_alphabetic()) && word.chars().any(is_cyrillic);
            mixed_words += usize::from(is_mixed);
        }
        let has_hangul = lower.chars().any(|c| ('가'..='힣').contains(&c));
        let compact = if has_hangul { lower.chars().filter(|c| c.is_alphanumeric()).collect() } else { String::new() };
        Self { lower, words, compact, mixed_words, styled_letters }
    }
}

/// The letter that a mathematical bold, italic, script … letter stands for (U+1D400 to U+1D6A3, 52 letters a style).
fn plain(c: char) -> char {
    let Some(offset) = u32::from(c).checked_sub(0x1_D400).filter(|offset| *offset < 52 * 13) else { return c };
    let place = u8::try_from(offset % 52).unwrap_or_default();
    char::from(if place < 26 { b'A' + place } else { b'a' + (place - 26) })
}

/// Characters without a width, which cut a word in two for a filter and not for a reader.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

fn is_cyrillic(c: char) -> bool {
    ('\u{400}'..='\u{4ff}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disguises_come_off() {
        let text = Text::new("On\u{200b}line  CA-SINO, don't! 𝐅𝐑𝐄𝐄 𝒈𝒊𝒇𝒕 𝐙𝐚");
        assert_eq!(text.words, " online ca sino dont free gift za ");
        assert_eq!((text.compact.as_str(), text.styled_letters, text.mixed_words), ("", 10, 0));
        let text = Text::new("카.지.노 / 바 카 라 VIP");
        assert_eq!((text.words.as_str(), text.compact.as_str()), (" 카 지 노 바 카 라 vip ", "카지노바카라vip"));
        assert_eq!(Text::new("Сasinо bоnus бонус bonus").mixed_words, 2);
        assert_eq!(Text::new(" ,;").words, " ");
    }
}
