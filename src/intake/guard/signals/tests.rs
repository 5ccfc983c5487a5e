//! The corpora: nothing honest is caught, and so much spam is.

use serde_json::Value;

use super::*;
use crate::config::{Config, Lookup};
use crate::form::{Fields, Submission};
use crate::lead;

const HAM: &str = include_str!("../../../../tests/corpora/ham.jsonl");
const SPAM: &str = include_str!("../../../../tests/corpora/spam.jsonl");

/// How many of the hundred spam messages are caught. It may rise; it must not fall.
const CAUGHT: usize = 77;

fn lead_of(fields: &[(&str, &str)]) -> Lead {
    let vars = serde_json::json!({ "FORM_A": { "destinations": "crm" }, "DESTINATION_CRM": { "type": "stateset" } });
    let vars = vars.as_object().unwrap();
    let config = Config::from_vars(vars.iter().map(|(name, value)| (name.as_str(), value)));
    let Lookup::Found(form) = config.form("a") else { panic!("{:?}", config.errors) };
    let submission = Submission {
        id: "0192a0d4-0000-7000-8000-000000000000".into(),
        form: "a".into(),
        received_at: 0,
        fields: Fields(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()),
        page: None,
        country: None,
        locale: None,
        ignored: Vec::new(),
    };
    lead::from_submission(&submission, form)
}

fn corpus(text: &str) -> Vec<(String, Lead)> {
    let read = |line: &str| {
        let fields: serde_json::Map<String, Value> = serde_json::from_str(line).unwrap();
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
        (line.to_owned(), lead_of(&fields))
    };
    text.lines().map(read).collect()
}

fn shown(lead: &Lead) -> String {
    let weights = weigh(lead);
    let parts: Vec<_> = weights.0.iter().map(|(signal, weight)| format!("{} {weight}", signal.name())).collect();
    format!("{} = {}", weights.total(), parts.join(", "))
}

#[test]
fn no_honest_message_is_caught() {
    let ham = corpus(HAM);
    assert_eq!(ham.len(), 100);
    let caught: Vec<_> = ham.iter().filter(|(_, lead)| !found(lead).is_empty()).collect();
    let caught: Vec<_> = caught.iter().map(|(line, lead)| format!("{}\n  {line}", shown(lead))).collect();
    assert!(caught.is_empty(), "{}", caught.join("\n"));
    let heaviest = ham.iter().max_by_key(|(_, lead)| weigh(lead).total()).unwrap();
    println!("the heaviest honest message: {}\n  {}", shown(&heaviest.1), heaviest.0);
}

/// The customers of every trade that spam pretends to be, and its victims, say its words and name a page.
#[test]
fn the_words_of_a_topic_and_a_link_are_not_enough() {
    for message in [
        "We run a bakery, https://www.minas.example. Traffic fell and our website is not ranking any more. We need SEO \
         services: an audit report, link building, better domain authority. What do your SEO packages cost?",
        "안녕하세요. 토토사이트 먹튀 피해로 상담을 받고 싶습니다. 카지노사이트 주소는 https://bet.example.com 이고 삼천만 원을 입금했습니다.",
        "상품권 현금화 사기를 당했습니다. 소액결제 현금화 업체 https://cash.example.kr 를 신고하고 싶습니다.",
        "We were refused for bad credit. Do you offer a working capital loan, what is the interest rate, can we be pre \
         approved? Our shop: www.anas-shop.com",
        "Someone called about my bitcoin investment: I should connect your wallet and go to withdrawal at \
         https://fraud.example.com. Is this you?",
        "My doctor prescribed Tramadol and Xanax. Is https://www.your-pharmacy.com yours? It is an online pharmacy that \
         sells without prescription.",
        "I got this: you have been selected, claim your prize, with https://prizes.example.com. Is it from you?",
        "You are using my copyrighted photo. My evidence: https://www.example.com/a.jpg. It is copyright infringement.",
        "{{ product.title | escape }} and {{product.price|money}} work, {{ product.vendor|upcase }} is empty: \
         https://shop.example.com/a",
        "`{ id: string | null }` clashes with `{ id: string | number }` and `{ a: A | B }`: https://github.com/x/y/issues/4",
        "Portfolio: https://janedoe.xyz",
        "https://bit.ly/3abcDEF",
    ] {
        let lead = lead_of(&[("name", "Jane Doe"), ("email", "jane@example.com"), ("message", message)]);
        assert!(found(&lead).is_empty(), "{}\n  {message}", shown(&lead));
    }
}

/// The corpora hold the sum; this holds what they have no message for: each signal's weight at its border.
#[test]
fn what_a_signal_weighs() {
    use Signal::{AllSame, Bbcode, Gibberish, LinkInName, Links, LongName, Pitch, Spintax};
    let links = |count: usize| "https://a.example ".repeat(count);
    let name = |letters: usize| "x".repeat(letters);
    for (name, message, signal, weight) in [
        ("Ada", links(2).as_str(), Links, 1),
        ("Ada", &links(4), Links, 2),
        ("Ada", &links(9), Links, 4),
        ("Ada", &links(10), Links, 6),
        ("Ada", "[url=a]", Bbcode, 6),
        ("Ada", "a[/url]", Bbcode, 6),
        ("Ada", "[link=a]", Bbcode, 6),
        ("http://a.example", "Hi", LinkInName, 10),
        ("https://a.example", "Hi", LinkInName, 10),
        ("Ada www.a.example", "Hi", LinkInName, 3),
        (&name(60), "Hi", LongName, 0),
        (&name(61), "Hi", LongName, 4),
        ("Hello there", "Hello there", AllSame, 5),
        ("Test", "test", AllSame, 0),
        ("", "", AllSame, 0),
        ("LnqWzRtYpVbXk", "Hi", Gibberish, 5),
        ("LnqWzRtYpVbXk", "oQZFlMDsWnnUfVaR", Gibberish, 10),
        ("Ada", "{Hi|Hello} {a|b}", Spintax, 6),
        ("Ada", "Click here, order now, buy now, apply now", Pitch, 6),
    ] {
        let lead = lead_of(&[("name", name), ("message", message)]);
        assert_eq!(weigh(&lead).0.get(&signal).copied().unwrap_or(0), weight, "{name} {message}: {}", shown(&lead));
    }
    // What stands in a field of the form's own is read too, unless it is a link and nothing else.
    let lead = lead_of(&[("details", "[url=a]"), ("portfolio", "https://a.example")]);
    assert_eq!(shown(&lead), "6 = bbcode 6");
}

#[test]
fn a_long_text_is_read_at_its_beginning() {
    let junk = "[url=https://a.bet/] online casino no deposit bonus free spins [/url] ";
    let filler = "가나다라 마바사 ".repeat(READ_BYTES / 10);
    let lead = |message: &str| lead_of(&[("name", "Ada"), ("message", message)]);
    assert!(!found(&lead(&format!("{junk}{filler}"))).is_empty());
    assert_eq!(found(&lead(&format!("{filler}{junk}"))), []);
}

#[test]
fn names_of_signals_are_stored_and_stay_as_they_are() {
    let names: Vec<_> = Signal::ALL.iter().map(|signal| signal.name()).collect();
    assert_eq!(
        names.join(" "),
        "links only_links link_in_name markup_in_name long_name bbcode html_link script shortener risky_domain messenger \
         seo marketing gambling crypto pharma loans easy_money adult counterfeit fraud pitch all_same gibberish repeats \
         throwaway mixed_script styled_letters spintax"
    );
}

#[test]
fn so_much_spam_is_caught() {
    let spam = corpus(SPAM);
    assert_eq!(spam.len(), 100);
    let (caught, missed): (Vec<_>, Vec<_>) = spam.iter().partition(|(_, lead)| !found(lead).is_empty());
    for (line, lead) in &missed {
        println!("missed: {}\n  {line}", shown(lead));
    }
    println!("caught {} of {}", caught.len(), spam.len());
    assert!(caught.len() >= CAUGHT, "caught {}", caught.len());
}
