//! The language of a reply: English or Korean.

use crate::domain::text::decimal;

/// A language of pages and messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English, the default.
    #[default]
    En,
    /// Korean.
    Ko,
}

impl Language {
    /// Every language.
    pub const ALL: &'static [Language] = &[Language::En, Language::Ko];

    /// The best match for an `Accept-Language` header: the highest q-value wins, among equals the first.
    pub fn from_header(accept_language: Option<&str>) -> Self {
        let mut best: Option<(f64, Self)> = None;
        for item in accept_language.unwrap_or_default().split(',') {
            let (tag, q) = weighted(item);
            let primary = tag.split('-').next().unwrap_or_default();
            let language = match primary.to_ascii_lowercase().as_str() {
                "en" => Self::En,
                "ko" => Self::Ko,
                _ => continue,
            };
            if q > 0.0 && best.is_none_or(|(highest, _)| q > highest) {
                best = Some((q, language));
            }
        }
        best.map(|(_, language)| language).unwrap_or_default()
    }

    /// For `lang` and `Content-Language`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ko => "ko",
        }
    }
}

/// One item of an `Accept` or `Accept-Language` header and its q-value; an invalid q-value counts as 1.
pub(super) fn weighted(item: &str) -> (&str, f64) {
    let mut parts = item.split(';').map(str::trim);
    let what = parts.next().unwrap_or_default();
    let q = parts
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
        .and_then(|(_, value)| decimal(value))
        .unwrap_or(1.0);
    (what, q.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_q_wins_and_english_is_the_default() {
        for (header, language) in [
            (None, Language::En),
            (Some(""), Language::En),
            (Some("ko"), Language::Ko),
            (Some("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7"), Language::Ko),
            (Some("en-US,en;q=0.9,ko;q=0.8"), Language::En),
            (Some("en;q=0.4, ko;q=0.5"), Language::Ko),
            (Some("ko,en"), Language::Ko),
            (Some("KO-kr"), Language::Ko),
            (Some("de-DE,ko;q=0.3"), Language::Ko),
            (Some("fr, *;q=0.5"), Language::En),
            (Some("ko;q=0"), Language::En),
            (Some("ko;q=0, en;q=0.1"), Language::En),
            (Some("ko ; q = 0.2 , en;q=0.1"), Language::Ko),
            (Some("ko;q=x"), Language::Ko),
            (Some("kok"), Language::En),
            (Some(";;,=,q"), Language::En),
        ] {
            assert_eq!(Language::from_header(header), language, "{header:?}");
        }
    }
}
