//! Links in a message: how many, to which hosts, in which markup. A messenger account is a link by another name.

/// Links that hide where they go, and pages that anybody makes in a minute. Map shorteners (`naver.me`, `kko.to`,
/// `maps.app.goo.gl`) are left out: people send where they are.
const SHORTENERS: &str =
    "bit.ly tinyurl.com cutt.ly is.gd rb.gy shorturl.at t.ly ow.ly vk.cc buly.kr me2.do telegra.ph graph.org";

/// Top-level domains that are cheap and mostly spam.
const RISKY: &str = "bet buzz casino cfd click cyou icu loan monster rest sbs top vip win xyz";

/// Top-level domains that make a link even without `https://` or `www.`.
const COMMON: &str = "com net org info shop site online club kr";

/// A message has more words than this beside its links.
const FEW_WORDS: usize = 3;

/// The signals of links with their weights; a weight of 0 means that a signal is absent.
pub(super) fn weigh(lower: &str) -> [(&'static str, u32); 7] {
    let hosts: Vec<&str> = hosts(lower).collect();
    let contains = |tags: &[&str], weight| if tags.iter().any(|tag| lower.contains(tag)) { weight } else { 0 };
    let any_host = |is: fn(&str) -> bool| u32::from(hosts.iter().any(|host| is(host)));
    let count = match hosts.len() {
        0 => 0,
        1 | 2 => 1,
        3 | 4 => 2,
        5..=9 => 4,
        _ => 6,
    };
    [
        ("links", count),
        ("shortener", 3 * any_host(|host| is_in(SHORTENERS, host.trim_start_matches("www.")))),
        ("risky_domain", 3 * any_host(|host| is_in(RISKY, top_level(host)))),
        ("bbcode", contains(&["[url=", "[/url]", "[link="], 6)),
        ("html_link", contains(&["<a href"], 4)),
        ("script", contains(&["<script", "<iframe", "javascript:", "onerror="], 3)),
        ("messenger", messenger(lower, &hosts)),
    ]
}

/// Whether a value is one link and nothing else, as in a field for a portfolio.
pub(super) fn is_one_link(value: &str) -> bool {
    let value = value.trim();
    !value.contains(char::is_whitespace) && host_of(value).is_some()
}

/// Whether a message is links and hardly a word more. Reads no further than the first word too many.
pub(super) fn is_only_links(message: &str) -> bool {
    let (mut links, mut words) = (0, 0);
    for piece in pieces(message).filter(|piece| piece.contains(char::is_alphanumeric)) {
        *(if host_of(piece).is_some() { &mut links } else { &mut words }) += 1;
        if words > FEW_WORDS {
            return false;
        }
    }
    links > 0
}

fn is_in(list: &str, word: &str) -> bool {
    list.split(' ').any(|listed| listed == word)
}

/// The hosts of all links, in order, with repeats.
fn hosts(lower: &str) -> impl Iterator<Item = &str> {
    pieces(lower).filter_map(host_of)
}

/// The text cut where a link can begin or end: at spaces, quotes, brackets, and before another `http`.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let borders = |c: char| c.is_whitespace() || "\"'<>()[]{}|,;=“”".contains(c);
    text.split(borders).flat_map(|piece| {
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
    let begins = |scheme: &str| piece.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    let marked =
        ["https://", "http://", "//"].iter().find(|scheme| begins(scheme)).map(|scheme| &piece[scheme.len()..]);
    let rest = marked.unwrap_or(piece);
    let host = rest.split(['/', '?', '#', ':', '\\']).next().unwrap_or_default().trim_end_matches('.');
    let is_label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    let is_host = host.contains('.') && host.split('.').all(is_label);
    let is_known = || {
        let (tld, others) = (top_level(host), [SHORTENERS, "t.me wa.me"]);
        host.starts_with("www.")
            || [COMMON, RISKY].iter().any(|list| is_in(list, tld))
            || others.iter().any(|list| is_in(list, host))
    };
    (is_host && (marked.is_some() || (host.is_ascii() && is_known()))).then_some(host)
}

fn top_level(host: &str) -> &str {
    host.rsplit('.').next().unwrap_or_default()
}

/// The weight of an account to write to. The mere name (`WhatsApp is fine too`) weighs nothing.
fn messenger(lower: &str, hosts: &[&str]) -> u32 {
    let near = |word: &str, reach: usize, is: fn(char) -> bool| {
        lower.match_indices(word).any(|(at, _)| lower[at + word.len()..].chars().take(reach).any(is))
    };
    if hosts.contains(&"t.me") || near("telegram", 16, |c| c == '@') || near("텔레그램", 8, |c| c == '@') {
        return 3;
    }
    let whatsapp = hosts.contains(&"wa.me") || near("whatsapp", 8, |c| c == '+' || c.is_ascii_digit());
    let kakao = hosts.contains(&"open.kakao.com") || near("카톡", 8, |c| c.is_ascii_alphabetic());
    u32::from(whatsapp || kakao) * 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_with_and_without_a_scheme() {
        for (text, expected) in [
            ("see https://www.example.com/a?b=c, or http://example.org.", &["www.example.com", "example.org"][..]),
            ("[url=https://a.bet/]x[/url] <a href=\"//b.example\">y</a>", &["a.bet", "b.example"]),
            ("https://a.exhttp://b.example", &["a.ex", "b.example"]),
            ("www.example.kr and bet-kr365.com and t.me/abc", &["www.example.kr", "bet-kr365.com", "t.me"]),
            ("ada@example.com, v3.2, e.g. this, 1.823 btc, node.js, index.php", &[]),
            ("wa.me/15550101 or bit.ly/abc", &["wa.me", "bit.ly"]),
            ("https:// http://x", &[]),
        ] {
            assert_eq!(hosts(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn a_value_can_be_one_link() {
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
    fn a_message_can_be_only_links() {
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
    fn a_messenger_counts_only_with_an_account() {
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
            assert_eq!(messenger(text, &hosts(text).collect::<Vec<_>>()), expected, "{text}");
        }
    }
}
