//! The spam filter: weighs signals in the text of a submission. Two corpora in `tests/corpora` guard it: no message of
//! `ham.jsonl` may be caught, and most of `spam.jsonl` must be.
//!
//! No signal that an honest message may well have is enough alone, nor are all the words of one topic with a link: a
//! bank's customer asks for a loan and names their shop, a victim names the fraud's site. Spam has a topic *and* its
//! seller's words, handle or links. Languages and countries are no signals. Every field is weighed, because a bot chooses
//! where it writes. `benches/intake.rs` measures the worst texts against the 10 ms of CPU time that a request has.

use std::cmp::Reverse;
use std::sync::LazyLock;

use crate::domain::sorted::{Map, Set};
use crate::domain::text::push_lower;
use crate::domain::{Lead, LeadField};

use super::validate::is_email;

/// The weight at which a message is suspected.
const SUSPICIOUS: u32 = 10;

/// The most that the phrases of one topic weigh: with a link or two still less than [`SUSPICIOUS`].
const TOPIC_MAX: u32 = 8;

/// The most that sales phrases weigh.
const PITCH_MAX: u32 = 6;

/// How much of a very long text is read at either end, to bound the CPU time.
const END_BYTES: usize = 64 * 1024;

/// A longer name is suspicious.
const NAME_CHARS: usize = 60;

/// Disposable mailboxes; only a few, because people use them for good reasons too.
#[rustfmt::skip]
const THROWAWAY: &[&str] = &[
    "mailinator.com", "guerrillamail.com", "1secmail.com", "yopmail.com", "10minutemail.com", "temp-mail.org",
    "trashmail.com", "sharklasers.com",
];

/// Texts that people try out a form with.
const TRIALS: &[&str] = &["test", "testing", "테스트", "テスト", "asdf"];

/// The phrases of `phrases.txt` by their first two letters, to try few at each place of a long text.
static PHRASES: LazyLock<Map<u64, Vec<Phrase>>> = LazyLock::new(|| {
    let mut phrases: Map<u64, Vec<Phrase>> = Map::new();
    let mut ids = 0..;
    for line in include_str!("phrases.txt").lines().filter(|line| !line.starts_with('#')) {
        let Some((signal, (weight, list))) =
            line.split_once(' ').and_then(|(signal, rest)| Some((signal, rest.split_once(": ")?)))
        else {
            continue;
        };
        for text in list.split(", ") {
            let weight = weight.parse().unwrap_or_default();
            let phrase = Phrase { id: ids.next().unwrap_or_default(), signal, weight, text };
            phrases.or_default(first_two(text)).push(phrase);
        }
    }
    phrases
});

/// The first two letters as one number: a cheap key.
fn first_two(text: &str) -> u64 {
    let mut letters = text.chars().map(|c| u64::from(u32::from(c)));
    letters.next().unwrap_or_default() << 32 | letters.next().unwrap_or_default()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Phrase {
    /// Makes comparing phrases cheap.
    id: u32,
    signal: &'static str,
    weight: u32,
    text: &'static str,
}

/// The signals that were found, with their weights.
#[derive(Debug, Default)]
struct Weights(Map<&'static str, u32>);

impl Weights {
    fn add(&mut self, signal: &'static str, weight: u32) {
        if weight > 0 {
            *self.0.or_default(signal) += weight;
        }
    }

    fn add_if(&mut self, is_found: bool, signal: &'static str, weight: u32) {
        self.add(signal, if is_found { weight } else { 0 });
    }

    fn total(&self) -> u32 {
        self.0.values().sum()
    }
}

/// The signals of a suspected message, the heaviest first; none if it is not suspected.
pub fn signals(lead: &Lead) -> Vec<&'static str> {
    let weights = weigh(lead);
    if weights.total() < SUSPICIOUS {
        return Vec::new();
    }
    let mut signals: Vec<_> = weights.0.into_iter().collect();
    signals.sort_by_key(|(_, weight)| Reverse(*weight));
    signals.into_iter().map(|(signal, _)| signal).collect()
}

fn weigh(lead: &Lead) -> Weights {
    let mut weights = Weights::default();
    let text = Text::new(&written(lead));
    weigh_phrases(&text, &mut weights);
    for (signal, weight) in weigh_links(&text.lower) {
        weights.add(signal, weight);
    }
    weigh_shape(lead, &text, &mut weights);
    weights
}

/// Every value that is not just an email address or a link; of a very long text the beginning and the end.
fn written(lead: &Lead) -> String {
    let mut text = String::new();
    for (_, value) in &lead.submission.fields.0 {
        if !is_email(value.trim()) && !is_one_link(value) {
            text.push_str(value);
            text.push('\n');
        }
    }
    if text.len() > 2 * END_BYTES {
        text.drain(text.floor_char_boundary(END_BYTES)..text.ceil_char_boundary(text.len() - END_BYTES));
    }
    text
}

/// A text prepared for the signals: lower case and without disguises.
#[derive(Debug)]
struct Text {
    /// Otherwise as written: links and markup are found here.
    lower: String,
    /// Words with one space before and after each: ` online casino `.
    words: String,
    /// Letters and digits only, if there is any Hangul, since Korean is spaced freely: `카.지.노 사이트` is `카지노사이트`.
    compact: String,
    /// How many words mix the Latin and the Cyrillic alphabet.
    mixed_words: usize,
    /// How many letters are mathematical symbols.
    styled_letters: usize,
}

impl Text {
    fn new(text: &str) -> Self {
        let mut styled_letters = 0;
        let mut lower = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                // Invisible characters split a word for a filter but not for a reader.
                '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => {}
                _ => {
                    styled_letters += usize::from(plain(c) != c);
                    push_lower(&mut lower, plain(c));
                }
            }
        }
        let mut words = String::with_capacity(lower.len() + 2);
        words.push(' ');
        let mut mixed_words = 0;
        let (mut has_latin, mut has_cyrillic, mut has_hangul) = (false, false, false);
        for c in lower.chars().chain([' ']) {
            if c.is_alphanumeric() {
                words.push(c);
                has_latin |= c.is_ascii_alphabetic();
                has_cyrillic |= ('\u{400}'..='\u{4ff}').contains(&c);
                has_hangul |= ('가'..='힣').contains(&c);
            } else if c != '\'' && c != '’' {
                // An apostrophe does not end a word: `don't`.
                if !words.ends_with(' ') {
                    words.push(' ');
                }
                mixed_words += usize::from(has_latin && has_cyrillic);
                (has_latin, has_cyrillic) = (false, false);
            }
        }
        let compact = if has_hangul { words.replace(' ', "") } else { String::new() };
        Self { lower, words, compact, mixed_words, styled_letters }
    }
}

/// The letter behind a mathematical bold, italic or script letter (U+1D400 to U+1D6A3, 52 letters a style).
fn plain(c: char) -> char {
    let Some(offset) = u32::from(c).checked_sub(0x1_D400).filter(|offset| *offset < 52 * 13) else { return c };
    let place = u8::try_from(offset % 52).unwrap_or_default();
    char::from(if place < 26 { b'A' + place } else { b'a' + (place - 26) })
}

fn weigh_phrases(text: &Text, weights: &mut Weights) {
    let words = text.words.match_indices(' ').map(|(at, _)| (&text.words[at + 1..], " "));
    let letters = text.compact.char_indices().map(|(at, _)| (&text.compact[at..], ""));
    let mut found: Set<Phrase> = Set::new();
    for (rest, end) in words.chain(letters) {
        let Some(phrases) = PHRASES.get(&first_two(rest)) else { continue };
        for phrase in phrases {
            if rest.strip_prefix(phrase.text).is_some_and(|after| after.starts_with(end)) {
                found.insert(*phrase);
            }
        }
    }
    for phrase in found {
        weights.add(phrase.signal, phrase.weight);
    }
    for (signal, weight) in &mut weights.0 {
        *weight = (*weight).min(if *signal == "pitch" { PITCH_MAX } else { TOPIC_MAX });
    }
}

/// Implausible names, random letters, unfilled templates, repeated words.
fn weigh_shape(lead: &Lead, text: &Text, weights: &mut Weights) {
    let get = |field| lead.get(field).unwrap_or_default();
    let message = get(LeadField::Message).trim();
    let names = [get(LeadField::Name), get(LeadField::FirstName), get(LeadField::LastName)];
    let lower_names = names.map(str::to_lowercase);
    let any_name = |is: &dyn Fn(&str) -> bool| lower_names.iter().any(|name| is(name));

    let has_link = any_name(&|name| name.contains("http://") || name.contains("https://"));
    // A visitor may well be named after their website.
    let has_host = any_name(&|name| name.split_whitespace().any(is_one_link));
    weights.add("link_in_name", if has_link { 10 } else { u32::from(has_host) * 3 });
    let has_markup = any_name(&|name| ["<script", "<a ", "<img", "[url"].iter().any(|tag| name.contains(tag)));
    weights.add_if(has_markup, "markup_in_name", 10);
    weights.add_if(any_name(&|name| name.chars().count() > NAME_CHARS), "long_name", 4);

    let is_name = !message.is_empty() && names[0].trim().eq_ignore_ascii_case(message);
    weights.add_if(is_name && !TRIALS.contains(&message.to_lowercase().as_str()), "all_same", 5);
    weights.add_if(names.iter().any(|name| is_random(name)), "gibberish", 5);
    weights.add_if(is_random(message), "gibberish", 5);
    weights.add_if(text.mixed_words >= 2, "mixed_script", 6);
    weights.add_if(text.styled_letters >= 5, "styled_letters", 5);
    weights.add_if(is_only_links(message), "only_links", 5);
    weights.add_if(is_repetitive(&text.words), "repeats", 4);
    weights.add("spintax", [0, 0, 6, 9][choices(&text.lower)]);
    let mailbox = get(LeadField::Email).rsplit('@').next().unwrap_or_default().to_lowercase();
    weights.add_if(THROWAWAY.contains(&mailbox.as_str()), "throwaway", 3);
}

/// One word with capitals anywhere: `LnqWzRtYpVbXk`. `MacKenzieDeLaCruz` has as many, so one such value is not enough.
fn is_random(value: &str) -> bool {
    let value = value.trim();
    let rises = value.as_bytes().windows(2).filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    value.len() >= 10 && value.bytes().all(|byte| byte.is_ascii_alphabetic()) && rises.count() >= 3
}

/// How many words are searched for repetition: what makes up a third of a text shows at its beginning.
const REPEATED_WORDS: usize = 2000;

/// How many links are looked at. More weigh no more.
const LINKS: usize = 500;

/// Whether one long word occurs five times and makes up a third of the text.
fn is_repetitive(words: &str) -> bool {
    let all = words.split_whitespace().take(REPEATED_WORDS);
    let count = all.clone().count();
    let mut long: Vec<&str> = all.filter(|word| word.chars().nth(3).is_some()).collect();
    long.sort_unstable();
    long.chunk_by(|a, b| a == b).any(|same| same.len() >= 5 && same.len() * 3 >= count)
}

/// As many choices as weigh anything.
const CHOICES: usize = 3;

/// How many choices of words an unfilled template offers, up to [`CHOICES`]: `{Hi|Hello}`. Code does not count:
/// `{{ name|upper }}` has two braces, `{ id: string | null }` a space before its bar.
fn choices(lower: &str) -> usize {
    let mut inner = false;
    let inside = lower.split('{').skip(1).filter_map(|rest| {
        let is_doubled = std::mem::replace(&mut inner, rest.is_empty());
        rest.split_once('}').filter(|_| !is_doubled)
    });
    let is_choice = |inside: &str| inside.contains('|') && !inside.contains(" |") && !inside.contains('\n');
    inside.filter(|(inside, _)| is_choice(inside)).take(CHOICES).count()
}

/// Links that hide where they go, and pages made in a minute. Map shorteners (`naver.me`, `kko.to`, `maps.app.goo.gl`) are
/// left out: people send locations.
#[rustfmt::skip]
const SHORTENERS: &[&str] = &[
    "bit.ly", "tinyurl.com", "cutt.ly", "is.gd", "rb.gy", "shorturl.at", "t.ly", "ow.ly", "vk.cc", "buly.kr",
    "me2.do", "telegra.ph", "graph.org",
];

/// Top-level domains that are cheap and mostly spam.
#[rustfmt::skip]
const RISKY: &[&str] = &[
    "bet", "buzz", "casino", "cfd", "click", "cyou", "icu", "loan", "monster", "rest", "sbs", "top", "vip", "win",
    "xyz",
];

/// Top-level domains that make a link even without `https://` or `www.`.
#[rustfmt::skip]
const COMMON: &[&str] = &[
    "com", "net", "org", "info", "shop", "site", "online", "club", "kr",
];

/// A message has more words than this beside its links.
const FEW_WORDS: usize = 3;

/// The signals of links with their weights; a weight of 0 means that a signal is absent.
fn weigh_links(lower: &str) -> [(&'static str, u32); 7] {
    let hosts: Vec<&str> = hosts(lower).take(LINKS).collect();
    // A search for one character is much cheaper than for a text, and most texts have neither bracket.
    let may_have = |tag: &str| tag.chars().next().is_none_or(|first| first.is_alphabetic() || lower.contains(first));
    let has = |tag: &&str| may_have(tag) && lower.contains(*tag);
    let contains = |tags: &[&str], weight| if tags.iter().any(has) { weight } else { 0 };
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
        ("shortener", 3 * any_host(|host| SHORTENERS.contains(&host.trim_start_matches("www.")))),
        ("risky_domain", 3 * any_host(|host| RISKY.contains(&top_level(host)))),
        ("bbcode", contains(&["[url=", "[/url]", "[link="], 6)),
        ("html_link", contains(&["<a href"], 4)),
        ("script", contains(&["<script", "<iframe", "javascript:", "onerror="], 3)),
        ("messenger", messenger(lower, &hosts)),
    ]
}

/// Whether a value is one link and nothing else, as in a field for a portfolio.
fn is_one_link(value: &str) -> bool {
    let value = value.trim();
    !value.contains(char::is_whitespace) && host_of(value).is_some()
}

/// Whether a message is links and hardly a word more. Reads no further than the first word too many.
fn is_only_links(message: &str) -> bool {
    let (mut links, mut words) = (0, 0);
    for piece in pieces(message).filter(|piece| piece.contains(char::is_alphanumeric)) {
        *(if host_of(piece).is_some() { &mut links } else { &mut words }) += 1;
        if words > FEW_WORDS {
            return false;
        }
    }
    links > 0
}

/// The hosts of all links, in order, with repeats.
fn hosts(lower: &str) -> impl Iterator<Item = &str> {
    pieces(lower).filter_map(host_of)
}

/// The text cut where a link can begin or end: at spaces, quotes, brackets, and before another `http`.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let borders = |c: char| {
        let is_border =
            matches!(c, '"' | '\'' | '<' | '>' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | ',' | ';' | '=' | '“' | '”');
        is_border || c.is_whitespace()
    };
    text.split(borders).flat_map(|piece| {
        let mut rest = Some(piece);
        std::iter::from_fn(move || {
            let text = rest?;
            let next = text.as_bytes().windows(4).skip(1).position(|window| window == b"http").map(|at| at + 1);
            rest = next.map(|at| &text[at..]);
            Some(next.map_or(text, |at| &text[..at]))
        })
    })
}

/// The host that a piece of text links to.
fn host_of(piece: &str) -> Option<&str> {
    // Most pieces are words.
    if !piece.contains('.') {
        return None;
    }
    let begins = |scheme: &str| piece.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    let marked =
        ["https://", "http://", "//"].iter().find(|scheme| begins(scheme)).map(|scheme| &piece[scheme.len()..]);
    let rest = marked.unwrap_or(piece);
    let host = rest.split(['/', '?', '#', ':', '\\']).next().unwrap_or_default().trim_end_matches('.');
    let is_label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    let is_host = host.contains('.') && host.split('.').all(is_label);
    let is_known = || {
        let tld = top_level(host);
        let is_account = || SHORTENERS.contains(&host) || ["t.me", "wa.me"].contains(&host);
        host.starts_with("www.") || COMMON.contains(&tld) || RISKY.contains(&tld) || is_account()
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
mod tests;
