//! Posts that were turned away, by code and never with a value. When they are more than half of the recent posts, the
//! operator is told what to change.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::intake::RefusalKind;

/// The posts among which those that were turned away are counted.
pub(super) const POSTS: usize = 20;

/// How long a post is recent, in milliseconds.
pub(super) const RECENT_MS: i64 = 24 * 60 * 60 * 1000;

/// Why a post was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// A website that may not post.
    Origin,
    /// The captcha was not passed.
    Captcha,
    /// What the visitor wrote, or how it was sent.
    Validation,
    /// It is too large.
    Size,
    /// A rate limit.
    Rate,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 5] = [Self::Origin, Self::Captcha, Self::Validation, Self::Size, Self::Rate];

    /// The code of a refusal that tells something about the form.
    pub const fn of(kind: RefusalKind) -> Option<Self> {
        match kind {
            RefusalKind::Origin => Some(Self::Origin),
            RefusalKind::Captcha => Some(Self::Captcha),
            RefusalKind::Malformed
            | RefusalKind::Empty
            | RefusalKind::Type
            | RefusalKind::Invalid
            | RefusalKind::KeyReused => Some(Self::Validation),
            RefusalKind::TooLarge => Some(Self::Size),
            RefusalKind::TooMany => Some(Self::Rate),
            RefusalKind::Unauthorized
            | RefusalKind::UnknownForm
            | RefusalKind::Method
            | RefusalKind::Timeout
            | RefusalKind::BrokenForm
            | RefusalKind::NotStored => None,
        }
    }

    /// The name of the alert about it, as it is stored.
    pub const fn condition(self) -> &'static str {
        match self {
            Self::Origin => "refused_origin",
            Self::Captcha => "refused_captcha",
            Self::Validation => "refused_validation",
            Self::Size => "refused_size",
            Self::Rate => "refused_rate",
        }
    }

    /// The fewest recent ones that are worth an alert. A website is never a typing mistake.
    const fn fewest(self) -> usize {
        match self {
            Self::Origin => 2,
            Self::Captcha | Self::Validation | Self::Size | Self::Rate => 10,
        }
    }
}

/// What an isolate counted since its last note.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// How many, by code.
    pub counts: BTreeMap<Code, u32>,
    /// The website that was refused last.
    pub origin: Option<String>,
    /// Whether a visitor got 503.
    pub is_unavailable: bool,
    /// The Worker's address.
    pub base: String,
}

impl Note {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty() && !self.is_unavailable
    }
}

/// What an Outbox knows of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Tally {
    /// When the last ones came, oldest first.
    recent: Vec<(i64, Code)>,
    /// The website that was refused last.
    pub(super) origin: Option<String>,
    /// When this was written last.
    pub(super) written_at: i64,
    /// Counts that are not written yet.
    #[serde(skip)]
    pub(super) unwritten: BTreeMap<Code, u32>,
    /// Whether they were more than half of the recent posts when that was looked at last.
    #[serde(skip)]
    pub(super) is_excess: bool,
}

impl Tally {
    /// Adds what an isolate counted.
    pub(super) fn add(&mut self, note: &Note, now: i64) {
        for (code, count) in &note.counts {
            *self.unwritten.entry(*code).or_default() += count;
            let count = usize::try_from(*count).unwrap_or(POSTS).min(POSTS);
            self.recent.extend(std::iter::repeat_n((now, *code), count));
        }
        let extra = self.recent.len().saturating_sub(POSTS);
        self.recent.drain(..extra);
        if note.origin.is_some() {
            self.origin.clone_from(&note.origin);
        }
    }

    /// Until when there are recent ones.
    pub(super) fn recent_until(&self) -> Option<i64> {
        self.recent.last().map(|(at, _)| at + RECENT_MS)
    }

    /// The code of most refusals, when they are more than half of the last posts; `accepted` are the times of the others.
    pub(super) fn excess(&self, accepted: impl IntoIterator<Item = i64>, now: i64) -> Option<Code> {
        let refused = self.recent.iter().map(|(at, code)| (*at, Some(*code)));
        let mut posts: Vec<(i64, Option<Code>)> =
            refused.chain(accepted.into_iter().map(|at| (at, None))).filter(|(at, _)| at + RECENT_MS > now).collect();
        posts.sort_by_key(|(at, _)| -at);
        posts.truncate(POSTS);
        let refused: Vec<Code> = posts.iter().filter_map(|(_, code)| *code).collect();
        if refused.len() * 2 <= posts.len() {
            return None;
        }
        let of = |code: Code| refused.iter().filter(|refused| **refused == code).count();
        Code::ALL.into_iter().max_by_key(|code| of(*code)).filter(|code| of(*code) >= code.fewest())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_763_000_000_000;
    const MINUTE: i64 = 60 * 1000;

    #[test]
    fn more_than_half_of_the_last_twenty_posts() {
        type Row<'a> = (&'a [(Code, u32)], i64, usize, Option<Code>);
        let rows: &[Row<'_>] = &[
            (&[(Code::Origin, 1)], 0, 0, None),
            (&[(Code::Origin, 2)], 0, 0, Some(Code::Origin)),
            (&[(Code::Origin, 2)], 0, 1, Some(Code::Origin)),
            (&[(Code::Origin, 2)], 0, 2, None),
            (&[(Code::Origin, 10)], 0, 20, None),
            (&[(Code::Origin, 11)], 0, 20, Some(Code::Origin)),
            (&[(Code::Origin, 9000)], 0, 20, Some(Code::Origin)),
            // Accepted since.
            (&[(Code::Origin, 9000)], 2 * MINUTE, 20, None),
            (&[(Code::Origin, 2)], RECENT_MS, 0, None),
            (&[(Code::Validation, 9)], 0, 0, None),
            (&[(Code::Validation, 10)], 0, 9, Some(Code::Validation)),
            (&[(Code::Origin, 3), (Code::Captcha, 11)], 0, 3, Some(Code::Captcha)),
        ];
        for (counts, age, accepted, expected) in rows {
            let mut tally = Tally::default();
            let counts = counts.iter().copied().collect();
            tally.add(&Note { counts, ..Note::default() }, NOW - age);
            let accepted = (0..*accepted).map(|number| NOW - MINUTE - i64::try_from(number).unwrap());
            assert_eq!(tally.excess(accepted, NOW), *expected, "{tally:?}");
        }
    }

    #[test]
    fn stored_words_have_not_drifted() {
        let names = Code::ALL.map(|code| serde_json::to_string(&code).unwrap()).join(" ");
        assert_eq!(names, r#""origin" "captcha" "validation" "size" "rate""#);
        let mut tally = Tally::default();
        let counts = BTreeMap::from([(Code::Rate, 1)]);
        tally.add(&Note { counts, origin: Some("https://a.example".into()), ..Note::default() }, NOW);
        let stored = r#"{"recent":[[1763000000000,"rate"]],"origin":"https://a.example","written_at":0}"#;
        assert_eq!(serde_json::to_string(&tally).unwrap(), stored);
    }
}
