//! Content signals: what is written, weighed.
//!
//! - Conservative: no signal that a real message can well have is enough by itself, and neither is any number of words
//!   of one topic with a link. A bank's customer asks for a loan and names their shop, an agency's for SEO and names their
//!   website, a victim names the fraud's. Spam has a topic *and* its handle, its pitch or a link of a bad kind. Languages
//!   and countries are no signals.
//! - Two corpora hold the line: `tests/corpora/ham.jsonl`, of which nothing may be caught, and `spam.jsonl`.
//! - Only the beginning is read: spam says early what it wants, and a request has 10 ms of CPU time.

mod links;
mod phrases;
mod shape;
mod text;

use std::collections::BTreeMap;

use crate::domain::LeadField;
use crate::lead::Lead;

use text::Text;

/// From this weight on a message is suspected.
const ENOUGH: u32 = 10;

/// The most that the words of one topic weigh: with a link or two still less than [`ENOUGH`].
const TOPIC_MOST: u32 = 8;

/// The most that the manners of advertising weigh.
const PITCH_MOST: u32 = 6;

/// How much is read of all texts together.
const READ_BYTES: usize = 16 * 1024;

macro_rules! signals {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// Something that spam often has. The names are stored with what is in quarantine, so they stay as they are.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Signal { $($(#[$doc])* $variant,)+ }

        impl Signal {
            /// Every signal.
            pub const ALL: &'static [Signal] = &[$(Signal::$variant,)+];

            /// The name that is stored.
            pub const fn name(self) -> &'static str {
                match self { $(Signal::$variant => $name,)+ }
            }
        }
    };
}

signals! {
    /// Links, the more the heavier.
    Links = "links",
    /// Links and hardly a word.
    OnlyLinks = "only_links",
    /// A link where a name belongs.
    LinkInName = "link_in_name",
    /// Markup where a name belongs.
    MarkupInName = "markup_in_name",
    /// A sentence where a name belongs.
    LongName = "long_name",
    /// `[url=…]`.
    Bbcode = "bbcode",
    /// `<a href=…>`.
    HtmlLink = "html_link",
    /// `<script>` and its kin.
    Script = "script",
    /// A link that hides where it goes.
    Shortener = "shortener",
    /// A link to a top-level domain that is mostly spam.
    RiskyDomain = "risky_domain",
    /// An account of a messenger to write to.
    Messenger = "messenger",
    /// Search engine optimisation for sale.
    Seo = "seo",
    /// Addresses, followers and reviews for sale.
    Marketing = "marketing",
    /// Casinos and betting.
    Gambling = "gambling",
    /// Coins that double and robots that trade.
    Crypto = "crypto",
    /// Pills.
    Pharma = "pharma",
    /// Loans, cash and accounts.
    Loans = "loans",
    /// Easy money and prizes.
    EasyMoney = "easy_money",
    /// Sex.
    Adult = "adult",
    /// Copies of brands.
    Counterfeit = "counterfeit",
    /// Heirs without a will, last notices, spells.
    Fraud = "fraud",
    /// The manners of advertising.
    Pitch = "pitch",
    /// The name is the message.
    AllSame = "all_same",
    /// A name and a message of random letters.
    Gibberish = "gibberish",
    /// One word over and over.
    Repeats = "repeats",
    /// A mailbox for ten minutes.
    Throwaway = "throwaway",
    /// Letters of two alphabets in one word, to look like a word that is filtered.
    MixedScript = "mixed_script",
    /// Letters that are mathematical symbols.
    StyledLetters = "styled_letters",
    /// A text template that nobody filled in: `{Hi|Hello}`.
    Spintax = "spintax",
}

/// What was found so far, and how much each weighs.
#[derive(Debug, Default)]
struct Weights(BTreeMap<Signal, u32>);

impl Weights {
    fn add(&mut self, signal: Signal, weight: u32) {
        if weight > 0 {
            *self.0.entry(signal).or_default() += weight;
        }
    }

    fn cap(&mut self) {
        for (signal, weight) in &mut self.0 {
            let most = match signal {
                Signal::Pitch => PITCH_MOST,
                signal if phrases::is_topic(*signal) => TOPIC_MOST,
                _ => continue,
            };
            *weight = (*weight).min(most);
        }
    }

    fn total(&self) -> u32 {
        self.0.values().sum()
    }
}

/// The signals of a message that is suspected, the heaviest first; none when it is not.
pub fn found(lead: &Lead) -> Vec<Signal> {
    let weights = weigh(lead);
    if weights.total() < ENOUGH {
        return Vec::new();
    }
    let mut signals: Vec<_> = weights.0.into_iter().collect();
    signals.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    signals.into_iter().map(|(signal, _)| signal).collect()
}

fn weigh(lead: &Lead) -> Weights {
    let mut weights = Weights::default();
    let text = Text::new(&everything(lead));
    phrases::weigh(&text, &mut weights);
    links::weigh(&text, &mut weights);
    shape::weigh(lead, &text, &mut weights);
    weights.cap();
    weights
}

/// All that a visitor wrote in words. Values with a form of their own (addresses, numbers, the visitor's website, campaign
/// parameters) are no text.
fn everything(lead: &Lead) -> String {
    const WORDS: &[LeadField] = &[
        LeadField::Message,
        LeadField::Name,
        LeadField::FirstName,
        LeadField::LastName,
        LeadField::Company,
        LeadField::JobTitle,
    ];
    let known = WORDS.iter().filter_map(|field| lead.get(*field));
    let others = lead.unmapped.0.iter().map(|(_, value)| value.as_str()).filter(|value| !links::is_one_link(value));
    let mut all = String::new();
    for value in known.chain(others) {
        let room = READ_BYTES.saturating_sub(all.len());
        let end = (0..=room.min(value.len())).rev().find(|at| value.is_char_boundary(*at)).unwrap_or(0);
        all.push_str(&value[..end]);
        all.push('\n');
    }
    all
}

#[cfg(test)]
mod tests;
