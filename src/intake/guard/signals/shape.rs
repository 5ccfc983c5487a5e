//! The shape of a message: names that are none, letters that are none, and templates that nobody filled in.

use crate::domain::LeadField;
use crate::lead::Lead;

use super::text::Text;
use super::{Signal, Weights, links};

/// Longer than any name of a person.
const NAME_CHARS: usize = 60;

/// Mailboxes for ten minutes. Few: people with reasons of their own use them too.
const THROWAWAY: &[&str] = &[
    "mailinator.com",
    "guerrillamail.com",
    "1secmail.com",
    "yopmail.com",
    "10minutemail.com",
    "temp-mail.org",
    "trashmail.com",
    "sharklasers.com",
];

/// What somebody writes who tries out a form.
const TRYING_OUT: &[&str] = &["test", "testing", "테스트", "テスト", "asdf"];

pub(super) fn weigh(lead: &Lead, text: &Text, weights: &mut Weights) {
    let get = |field| lead.get(field).unwrap_or_default();
    let names = [get(LeadField::Name), get(LeadField::FirstName), get(LeadField::LastName)];
    let message = get(LeadField::Message);
    names_that_are_none(&names, weights);
    letters(&names, message, text, weights);
    if links::is_only_links(message) {
        weights.add(Signal::OnlyLinks, 5);
    }

    let same = !message.is_empty() && names[0].trim().eq_ignore_ascii_case(message.trim());
    if same && !TRYING_OUT.contains(&message.trim().to_lowercase().as_str()) {
        weights.add(Signal::AllSame, 5);
    }
    if most_repeated(&text.words) {
        weights.add(Signal::Repeats, 4);
    }
    weights.add(
        Signal::Spintax,
        match choices(&text.lower) {
            0 | 1 => 0,
            2 => 6,
            _ => 9,
        },
    );
    let domain = get(LeadField::Email).rsplit('@').next().unwrap_or_default().to_lowercase();
    if THROWAWAY.contains(&domain.as_str()) {
        weights.add(Signal::Throwaway, 3);
    }
}

fn names_that_are_none(names: &[&str], weights: &mut Weights) {
    let lower: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    let any = |is: &dyn Fn(&str) -> bool| lower.iter().any(|name| is(name));
    if any(&|name| name.contains("http://") || name.contains("https://")) {
        weights.add(Signal::LinkInName, 10);
    } else if any(&|name| name.split_whitespace().any(links::is_one_link)) {
        // Somebody may well be called after their website.
        weights.add(Signal::LinkInName, 3);
    }
    if any(&|name| ["<script", "<a ", "<img", "[url"].iter().any(|tag| name.contains(tag))) {
        weights.add(Signal::MarkupInName, 10);
    }
    if any(&|name| name.chars().count() > NAME_CHARS) {
        weights.add(Signal::LongName, 4);
    }
}

fn letters(names: &[&str], message: &str, text: &Text, weights: &mut Weights) {
    let random = |value: &str| if is_random(value) { 5 } else { 0 };
    weights.add(Signal::Gibberish, names.iter().map(|name| random(name)).max().unwrap_or(0) + random(message));
    if text.mixed_words >= 2 {
        weights.add(Signal::MixedScript, 6);
    }
    if text.styled_letters >= 5 {
        weights.add(Signal::StyledLetters, 5);
    }
}

/// One word whose capitals stand anywhere: `LnqWzRtYpVbXk`. `MacKenzieDeLaCruz` has as many, so this is one half only.
fn is_random(value: &str) -> bool {
    let value = value.trim();
    let rises = value.as_bytes().windows(2).filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    value.len() >= 10 && value.bytes().all(|byte| byte.is_ascii_alphabetic()) && rises.count() >= 3
}

/// Whether one long word is said five times and makes up a third of the text.
fn most_repeated(words: &str) -> bool {
    let mut all: Vec<&str> = words.split_whitespace().collect();
    let count = all.len();
    all.sort_unstable();
    all.chunk_by(|a, b| a == b).any(|same| same[0].chars().count() >= 4 && same.len() >= 5 && same.len() * 3 >= count)
}

/// How often the text offers a choice of words: `{Hi|Hello}`. What programmers ask about is none: `{{ name|upper }}` has two
/// braces, `{ id: string | null }` a space before its bar.
fn choices(lower: &str) -> usize {
    let mut inner = false;
    let inside = lower.split('{').skip(1).filter_map(|rest| {
        let is_doubled = std::mem::replace(&mut inner, rest.is_empty());
        rest.split_once('}').filter(|_| !is_doubled)
    });
    inside.filter(|(inside, _)| inside.contains('|') && !inside.contains(" |") && !inside.contains('\n')).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_letters() {
        for (value, expected) in [
            ("LnqWzRtYpVbXk", true),
            ("oQZFlMDsWnnUfVaR", true),
            ("RobertHaisp", false),
            ("McDonaldSmith", false),
            ("Margaret Holloway", false),
            ("AbCdEfGh", false),
            ("SELECT", false),
            ("이름이아주긴사람입니다", false),
        ] {
            assert_eq!(is_random(value), expected, "{value}");
        }
    }

    #[test]
    fn templates_and_repeats() {
        assert_eq!(choices("{{ title | escape }} {{name|upper}} {{ city|title }} { id: string | null } {a: b |c}"), 0);
        assert_eq!(choices("{hi|hello}{great|nice} {site|blog}"), 3);
        assert_eq!(choices("{hi|hello}, {great|nice} site {\"a\": 1} {utm_source} {a|\n}"), 2);
        assert!(most_repeated(" casino casino casino casino online casino "));
        assert!(most_repeated(" casino a casino b casino c casino d casino e f g h i j "));
        assert!(!most_repeated(" no no no no no "));
        assert!(!most_repeated(" please please please please help "));
    }
}
