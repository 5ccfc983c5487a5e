//! Posts that were turned away, by code and never with a value. When they are more than half of the recent posts, the
//! operator learns what to change.

use serde::{Deserialize, Serialize};

use crate::intake::RefusalKind;

/// The posts among which those that were turned away are counted.
pub(super) const POSTS: usize = 20;

/// How long a post is recent, in milliseconds.
pub(super) const RECENT_MS: i64 = 24 * 60 * 60 * 1000;

/// Why a post was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

    /// The name of the alert about it, as it is stored: its own name behind `refused_`.
    pub const fn condition(self) -> &'static str {
        match self {
            Self::Origin => "refused_origin",
            Self::Captcha => "refused_captcha",
            Self::Validation => "refused_validation",
            Self::Size => "refused_size",
            Self::Rate => "refused_rate",
        }
    }

    /// Its name in statistics.
    pub fn name(self) -> &'static str {
        self.condition().trim_start_matches("refused_")
    }

    /// The counts of one post.
    pub fn once(self) -> Counts {
        Self::ALL.map(|code| u32::from(code == self))
    }

    /// The fewest recent ones that are worth an alert. A website is never a typing mistake.
    const fn fewest(self) -> u32 {
        match self {
            Self::Origin => 2,
            Self::Captcha | Self::Validation | Self::Size | Self::Rate => 10,
        }
    }
}

/// How many posts were turned away, in the order of [`Code::ALL`].
pub type Counts = [u32; Code::ALL.len()];

/// What an isolate counted since its last note.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// How many, by code.
    pub counts: Counts,
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
        self.counts == Counts::default() && !self.is_unavailable
    }
}

/// What an Outbox knows of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    /// When the last ones came, oldest first, each with its place in [`Code::ALL`].
    recent: Vec<(i64, usize)>,
    /// The website that was refused last.
    pub(super) origin: Option<String>,
    /// When this was written last.
    pub(super) written_at: i64,
    /// Counts that are not written yet.
    pub(super) unwritten: Counts,
    /// Whether they were more than half of the recent posts when that was looked at last.
    pub(super) is_excess: bool,
}

/// A [`Tally`], as it is stored.
pub(super) type Stored = (i64, Option<String>, Vec<(i64, usize)>);

impl Tally {
    /// What was stored.
    pub(super) fn read((written_at, origin, recent): Stored) -> Self {
        Self { recent, origin, written_at, ..Self::default() }
    }

    /// As it is stored.
    pub(super) fn stored(&self) -> Stored {
        (self.written_at, self.origin.clone(), self.recent.clone())
    }

    /// Adds what an isolate counted.
    pub(super) fn add(&mut self, note: &Note, now: i64) {
        add(&mut self.unwritten, &note.counts);
        for (place, count) in note.counts.iter().enumerate() {
            let count = usize::try_from(*count).unwrap_or(POSTS).min(POSTS);
            self.recent.extend(std::iter::repeat_n((now, place), count));
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

    /// The code of most refusals, when they are more than half of the last posts; `accepted` are the times of the others,
    /// newest first.
    pub(super) fn excess(&self, accepted: impl IntoIterator<Item = i64>, now: i64) -> Option<Code> {
        let is_recent = |at: i64| at + RECENT_MS > now;
        let mut accepted = accepted.into_iter().filter(|at| is_recent(*at)).peekable();
        let mut refused = self.recent.iter().rev().filter(|(at, _)| is_recent(*at)).peekable();
        let (mut counts, mut others) = (Counts::default(), 0);
        for _ in 0..POSTS {
            match (refused.peek(), accepted.peek()) {
                (Some((at, _)), Some(accepted_at)) if at < accepted_at => {
                    others += u32::from(accepted.next().is_some());
                }
                (Some((_, place)), _) => {
                    counts.iter_mut().skip(*place).take(1).for_each(|count| *count += 1);
                    refused.next();
                }
                (None, Some(_)) => others += u32::from(accepted.next().is_some()),
                (None, None) => break,
            }
        }
        if counts.iter().sum::<u32>() <= others {
            return None;
        }
        let (code, count) = Code::ALL.into_iter().zip(counts).max_by_key(|(_, count)| *count)?;
        Some(code).filter(|code| count >= code.fewest())
    }
}

/// Adds counts to counts.
pub fn add(sum: &mut Counts, counts: &Counts) {
    for (sum, count) in sum.iter_mut().zip(counts) {
        *sum = sum.saturating_add(*count);
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
            let count = |code| counts.iter().filter(|(counted, _)| *counted == code).map(|(_, count)| *count).sum();
            tally.add(&Note { counts: Code::ALL.map(count), ..Note::default() }, NOW - age);
            let accepted = (0..*accepted).map(|number| NOW - MINUTE - i64::try_from(number).unwrap());
            assert_eq!(tally.excess(accepted, NOW), *expected, "{tally:?}");
        }
    }

    #[test]
    fn stored_words_have_not_drifted() {
        assert_eq!(Code::ALL.map(Code::name).join(" "), "origin captcha validation size rate");
        let mut tally = Tally::default();
        let origin = Some("https://a.example".to_owned());
        tally.add(&Note { counts: Code::Rate.once(), origin, ..Note::default() }, NOW);
        let stored = serde_json::to_string(&tally.stored()).unwrap();
        assert_eq!(stored, r#"[0,"https://a.example",[[1763000000000,4]]]"#);
        let again = Tally::read(serde_json::from_str(&stored).unwrap());
        assert_eq!((again.recent, again.origin), (tally.recent, tally.origin));
    }
}
