//! Links: how many, to what hosts, in what dress; and accounts of messengers, which are links by another name.

use super::text::Text;
use super::{Signal, Weights};

/// Links that hide where they go, and pages that anybody makes in a minute to lead on to others. Shorteners of maps
/// (`naver.me`, `kko.to`, `maps.app.goo.gl`) are left out: people send where they are.
const SHORTENERS: &[&str] = &[
    "bit.ly",
    "tinyurl.com",
    "cutt.ly",
    "is.gd",
    "rb.gy",
    "shorturl.at",
    "t.ly",
    "ow.ly",
    "vk.cc",
    "buly.kr",
    "me2.do",
    "telegra.ph",
    "graph.org",
];

/// Top-level domains that are cheap and mostly spam.
const RISKY: &[&str] = &[
    "bet", "buzz", "casino", "cfd", "click", "cyou", "icu", "loan", "monster", "rest", "sbs", "top", "vip", "win",
    "xyz",
];

/// Top-level domains under which a host counts as a link even without `https://` or `www.`.
const BARE: &[&str] = &["com", "net", "org", "info", "shop", "site", "online", "club", "kr"];

/// How many words may stand beside links that are said to stand alone.
const FEW_WORDS: usize = 3;

/// Whether a value is one link and nothing else, as in a field for a portfolio.
pub(super) fn is_one_link(value: &str) -> bool {
    let value = value.trim();
    !value.contains(char::is_whitespace) && host_of(value).is_some()
}

/// Whether a message is links and hardly a word more. It is read until there is a word too many.
pub(super) fn is_only_links(message: &str) -> bool {
    let (mut links, mut words) = (0, 0);
    for piece in pieces(message).filter(|piece| piece.chars().any(char::is_alphanumeric)) {
        match host_of(piece) {
            Some(_) => links += 1,
            None => words += 1,
        }
        if words > FEW_WORDS {
            return false;
        }
    }
    links > 0
}

pub(super) fn weigh(text: &Text, weights: &mut Weights) {
    let hosts = hosts(&text.lower);
    weights.add(
        Signal::Links,
        match hosts.len() {
            0 => 0,
            1 | 2 => 1,
            3 | 4 => 2,
            5..=9 => 4,
            _ => 6,
        },
    );
    if hosts.iter().any(|host| SHORTENERS.contains(&host.trim_start_matches("www."))) {
        weights.add(Signal::Shortener, 3);
    }
    if hosts.iter().any(|host| host.rsplit('.').next().is_some_and(|tld| RISKY.contains(&tld))) {
        weights.add(Signal::RiskyDomain, 3);
    }
    if text.lower.contains("[url=") || text.lower.contains("[/url]") || text.lower.contains("[link=") {
        weights.add(Signal::Bbcode, 6);
    }
    if text.lower.contains("<a href") {
        weights.add(Signal::HtmlLink, 4);
    }
    if ["<script", "<iframe", "javascript:", "onerror="].iter().any(|tag| text.lower.contains(tag)) {
        weights.add(Signal::Script, 3);
    }
    weights.add(Signal::Messenger, messenger(&text.lower, &hosts));
}

/// The hosts of all links, in order, with repeats.
fn hosts(lower: &str) -> Vec<&str> {
    pieces(lower).filter_map(host_of).collect()
}

/// Where a link can begin and end: at spaces, quotes, brackets, and before another `http`.
fn pieces(lower: &str) -> impl Iterator<Item = &str> {
    let borders = |c: char| c.is_whitespace() || "\"'<>()[]{}|,;=“”".contains(c);
    lower.split(borders).flat_map(|piece| {
        let mut rest = Some(piece);
        std::iter::from_fn(move || {
            let text = rest?;
            let next = text.char_indices().skip(1).map(|(at, _)| at).find(|at| text[*at..].starts_with("http"));
            rest = next.map(|at| &text[at..]);
            Some(next.map_or(text, |at| &text[..at]))
        })
    })
}

/// The host that a piece of text links to.
fn host_of(piece: &str) -> Option<&str> {
    let after = |scheme: &str| piece.strip_prefix(scheme);
    let marked = after("https://").or_else(|| after("http://")).or_else(|| after("//")).or_else(|| {
        // `Https://` in a value that was not made lower case, as in a field of its own.
        let (scheme, rest) = piece.split_once("://")?;
        scheme.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http")).then_some(rest)
    });
    let rest = marked.unwrap_or(piece);
    let host = rest.split(['/', '?', '#', ':', '\\']).next().unwrap_or_default().trim_end_matches('.');
    let is_host = host.contains('.')
        && host.split('.').all(|label| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-'));
    let tld = host.rsplit('.').next().unwrap_or_default();
    let is_bare =
        host.is_ascii() && (host.starts_with("www.") || BARE.contains(&tld) || RISKY.contains(&tld) || is_known(host));
    (is_host && (marked.is_some() || is_bare)).then_some(host)
}

fn is_known(host: &str) -> bool {
    host == "t.me" || host == "wa.me" || SHORTENERS.contains(&host)
}

/// An account to write to. The mere word (`WhatsApp is fine too`) is none.
fn messenger(lower: &str, hosts: &[&str]) -> u32 {
    let near = |word: &str, reach: usize, is: &dyn Fn(char) -> bool| {
        lower.match_indices(word).any(|(at, _)| lower[at + word.len()..].chars().take(reach).any(is))
    };
    let telegram =
        hosts.contains(&"t.me") || near("telegram", 16, &|c| c == '@') || near("텔레그램", 8, &|c| c == '@');
    let whatsapp = hosts.contains(&"wa.me") || near("whatsapp", 8, &|c| c == '+' || c.is_ascii_digit());
    let kakao = hosts.contains(&"open.kakao.com") || near("카톡", 8, &|c| c.is_ascii_alphabetic());
    if telegram {
        3
    } else if whatsapp || kakao {
        2
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_link() {
        for (text, expected) in [
            ("see https://www.example.com/a?b=c, or http://example.org.", &["www.example.com", "example.org"][..]),
            ("[url=https://a.bet/]x[/url] <a href=\"//b.example\">y</a>", &["a.bet", "b.example"]),
            ("https://a.exhttp://b.example", &["a.ex", "b.example"]),
            ("www.example.kr and bet-kr365.com and t.me/abc", &["www.example.kr", "bet-kr365.com", "t.me"]),
            ("ada@example.com, v3.2, e.g. this, 1.823 btc, node.js, index.php", &[]),
            ("wa.me/15550101 or bit.ly/abc", &["wa.me", "bit.ly"]),
            ("https:// http://x", &[]),
        ] {
            assert_eq!(hosts(text), expected, "{text}");
        }
    }

    #[test]
    fn one_link_and_nothing_else() {
        for (value, expected) in [
            (" HTTPS://example.com/portfolio ", true),
            ("www.example.com", true),
            ("my site: https://example.com", false),
            ("Ada", false),
        ] {
            assert_eq!(is_one_link(value), expected, "{value}");
        }
    }

    #[test]
    fn hardly_a_word() {
        for (message, expected) in [
            ("Hello. And bye. https://a.example", true),
            ("http://a.example http://b.example", true),
            ("https://a.example is this the right one?", false),
            ("Hello.", false),
        ] {
            assert_eq!(is_only_links(message), expected, "{message}");
        }
    }

    #[test]
    fn an_account_and_a_mere_word() {
        for (text, expected) in [
            ("telegram: @boss", 3),
            ("https://t.me/boss", 3),
            ("텔레그램 문의 @bossvip", 3),
            ("whatsapp +1 555 0101", 2),
            ("카톡 fast777", 2),
            ("whatsapp is fine too", 0),
            ("telegram is fine too", 0),
            ("카톡으로 상담 가능할까요", 0),
            ("텔레그램으로만 연락하자고 합니다", 0),
        ] {
            assert_eq!(messenger(text, &hosts(text)), expected, "{text}");
        }
    }
}
