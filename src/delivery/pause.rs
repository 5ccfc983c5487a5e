//! Pauses: what concerns a whole destination, not one delivery. Its deliveries wait, and none uses up an attempt.
//!
//! Too many calls: everything waits as long as the vendor says. Rejected credentials, an outage: the connector's probe is
//! sent at growing intervals; once it passes, one lead goes, then two, then four. A missing secret or setting: nothing is
//! sent until a deploy brings it. Only a delivered lead ends a pause.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::connectors::{Failure, FailureKind};

use super::queue::SLOW_MS;
use super::schedule;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;

/// A new lead brings the next check forward to this long after the last one.
const HURRY_MS: i64 = 10 * SECOND;

/// So many failures in a row may be an outage.
const SUSPICIOUS_FAILURES: u32 = 3;

/// So many submissions in a row that only the vendor's writes reject: the account lacks a right.
const FORBIDDEN_SUBMISSIONS: usize = 3;

/// A destination without a probe is not paused while a lead was delivered this recently.
const RECENT_MS: i64 = 5 * MINUTE;

/// After a slow call, a destination leaves its slot to others for this many times as long as the call took.
const REST: i64 = 5;

/// The rests of at most this many calls add up: no more run at once.
const MOST_RESTS: i64 = 6;

/// The most deliveries that run at once while a pause ends.
const RAMP: u32 = 4;

/// Why and since when a destination is paused. The stored format is pinned by a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// What is wrong.
    pub failure: Failure,
    /// Since when, milliseconds since 1970.
    pub since: i64,
    /// Nothing at all is sent before this.
    pub until: i64,
    /// How many deliveries may run while the pause ends; 0: none but checks.
    pub ramp: u32,
}

impl Pause {
    /// Whether it ends only when a person does something.
    pub fn needs_person(&self) -> bool {
        matches!(self.failure.kind, FailureKind::Credentials | FailureKind::Config)
    }

    /// Whether checks are sent: probes and trials.
    pub fn is_checked(&self) -> bool {
        self.ramp == 0 && self.failure.kind != FailureKind::Config
    }
}

/// What an Outbox knows of one of its destinations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DestinationState {
    /// The pause, if there is one.
    pub pause: Option<Pause>,
    /// What calls established about the account; the connector's.
    pub account: Json,
    /// Submissions in a row that were answered 401 or 403 while the probe passed.
    pub forbidden: Vec<String>,
    /// Failures in a row; in memory only.
    pub failures: u32,
    /// When a lead was last delivered; in memory only.
    pub delivered_at: i64,
    /// When a paused destination was last checked; in memory only.
    pub checked_at: i64,
    /// A lead came in since; in memory only.
    pub is_hurried: bool,
    /// The probe itself does not work; in memory only.
    pub is_probe_broken: bool,
    /// When the next pending delivery that is not in flight is due, at the earliest; `None` without one. In memory only.
    pub next_at: Option<i64>,
    /// How long its last call took, in milliseconds; in memory only.
    pub last_call_ms: Option<i64>,
    /// A slow one leaves its slot to others until then; in memory only.
    pub rests_until: i64,
}

impl DestinationState {
    /// How many more deliveries may start, with `running` under way; `None`: as many as the slots allow.
    pub fn allowance(&self, running: usize, now: i64) -> Option<usize> {
        let pause = self.pause.as_ref()?;
        if pause.until > now {
            return Some(0);
        }
        Some((pause.ramp as usize).saturating_sub(running))
    }

    /// A call took this long. A slow one is followed by a rest: it held up others. Calls that ran side by side add up.
    pub fn call_took(&mut self, ms: i64, now: i64) {
        self.last_call_ms = Some(ms);
        let rest = REST.saturating_mul(ms);
        let most = now.saturating_add(rest.saturating_mul(MOST_RESTS));
        self.rests_until = if ms > SLOW_MS { self.rests_until.max(now).saturating_add(rest).min(most) } else { 0 };
    }

    /// A delivery is due at this time.
    pub fn expect(&mut self, at: i64) {
        self.next_at = Some(self.next_at.map_or(at, |next_at| next_at.min(at)));
    }

    /// When the next check of a paused destination is due; `None` when it is not checked.
    pub fn check_at(&self) -> Option<i64> {
        let pause = self.pause.as_ref().filter(|pause| pause.is_checked())?;
        let last = self.checked_at.max(pause.since);
        let interval = match last - pause.since {
            ..5_000 => 5 * SECOND,
            5_000..20_000 => 15 * SECOND,
            20_000..50_000 => 30 * SECOND,
            50_000..3_600_000 => MINUTE,
            _ => 5 * MINUTE,
        };
        let interval = if self.is_hurried { interval.min(HURRY_MS) } else { interval };
        // A check never looked at by this object is due: a deploy may have fixed what was wrong.
        let at = if self.checked_at == 0 { pause.since } else { last + interval };
        Some(at.max(pause.until))
    }

    /// The check is being sent.
    pub fn begin_check(&mut self, now: i64) {
        (self.checked_at, self.is_hurried) = (now, false);
    }

    /// Whether the part that is stored differs.
    pub fn is_stored_differently(&self, other: &Self) -> bool {
        (&self.pause, &self.account, &self.forbidden) != (&other.pause, &other.account, &other.forbidden)
    }

    /// Whether this failure of a delivery may be the destination's: then a probe tells.
    pub fn is_suspicious(&mut self, kind: FailureKind) -> bool {
        match kind {
            FailureKind::Credentials => true,
            FailureKind::Unavailable | FailureKind::NoResponse => {
                self.failures += 1;
                self.failures >= SUSPICIOUS_FAILURES || self.pause.is_some()
            }
            _ => {
                self.failures = 0;
                false
            }
        }
    }

    /// Without a probe: a failure is the destination's unless leads got through recently.
    pub fn got_through_recently(&self, now: i64) -> bool {
        self.delivered_at > 0 && now - self.delivered_at < RECENT_MS
    }

    /// Pauses it until checks pass. A pause that was about to end continues at the interval it had reached.
    pub fn pause(&mut self, failure: Failure, now: i64) {
        self.failures = 0;
        let until = match &failure.wait_ms {
            Some(wait) => now.saturating_add(schedule::hinted_ms(Some(*wait), 0.0)),
            None => 0,
        };
        if self.pause.is_none() {
            self.checked_at = now;
        }
        let pause = self.pause.get_or_insert(Pause { failure: failure.clone(), since: now, until, ramp: 0 });
        pause.ramp = 0;
        pause.until = pause.until.max(until);
        pause.failure = Failure { wait_ms: None, ..failure };
    }

    /// Too many calls: everything waits as long as the vendor says. That says nothing about credentials or an outage, which
    /// are still checked afterward.
    pub fn pause_for_limit(&mut self, failure: Failure, now: i64, jitter: f64) -> i64 {
        let until = now.saturating_add(schedule::hinted_ms(failure.wait_ms, jitter));
        let pause = self.pause.get_or_insert(Pause {
            failure: Failure { wait_ms: None, ..failure },
            since: now,
            until,
            ramp: 1,
        });
        pause.until = pause.until.max(until);
        if pause.failure.kind == FailureKind::RateLimited {
            pause.ramp = 1;
        }
        pause.until
    }

    /// Nothing can be sent as the Worker is configured now.
    pub fn pause_for_config(&mut self, failure: Failure, now: i64) {
        let since = self.pause.as_ref().map_or(now, |pause| pause.since);
        self.pause = Some(Pause { failure, since, until: 0, ramp: 0 });
    }

    /// A probe passed: one lead goes.
    pub fn probe_passed(&mut self) {
        self.failures = 0;
        if let Some(pause) = self.pause.as_mut().filter(|pause| pause.ramp == 0) {
            pause.ramp = 1;
        }
    }

    /// A lead was delivered: twice as many may go, then the pause ends.
    pub fn delivered(&mut self, now: i64) {
        self.failures = 0;
        self.delivered_at = now;
        self.forbidden.clear();
        if let Some(pause) = self.pause.as_mut().filter(|pause| pause.until <= now) {
            pause.ramp = if pause.ramp == 0 { 2 } else { pause.ramp * 2 };
            if pause.ramp > RAMP {
                self.pause = None;
            }
        }
    }

    /// A submission was rejected with 401 or 403 while the probe passed. Returns whether it happens to every submission:
    /// the account may read and not write. A retry says nothing new: a firewall's verdict on a bot's posts stays the same.
    pub fn forbid(&mut self, submission_id: &str, is_retry: bool) -> bool {
        let is_new = !is_retry && !self.forbidden.iter().any(|id| id == submission_id);
        if is_new && self.forbidden.len() < FORBIDDEN_SUBMISSIONS {
            self.forbidden.push(submission_id.to_owned());
        }
        self.rejects_every_write()
    }

    /// Whether the last submissions were all rejected with 401 or 403 while probes passed.
    pub fn rejects_every_write(&self) -> bool {
        self.forbidden.len() >= FORBIDDEN_SUBMISSIONS
    }

    /// Ends the pause, for a person.
    pub fn resume(&mut self) {
        (self.pause, self.failures) = (None, 0);
        self.forbidden.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(kind: FailureKind, wait_ms: Option<u64>) -> Failure {
        Failure::new(kind, "no").wait(wait_ms)
    }

    #[test]
    fn checks_come_at_growing_intervals_and_sooner_for_a_new_lead() {
        let mut state = DestinationState::default();
        state.pause(failure(FailureKind::Unavailable, None), 1_000_000);
        let mut gaps = Vec::new();
        let mut now = 1_000_000;
        for _ in 0..6 {
            let next = state.check_at().unwrap();
            gaps.push((next - now) / 1000);
            now = next;
            state.begin_check(now);
        }
        assert_eq!(gaps, [5, 15, 30, 60, 60, 60]);
        state.is_hurried = true;
        assert_eq!(state.check_at(), Some(now + 10_000));
        state.begin_check(now + 3_600_000);
        assert_eq!(state.check_at(), Some(now + 3_600_000 + 300_000));
    }

    #[test]
    fn a_pause_ends_with_delivered_leads_in_a_ramp() {
        let mut state = DestinationState::default();
        state.pause(failure(FailureKind::Credentials, None), 1_000);
        assert_eq!((state.allowance(0, 1_000), state.pause.as_ref().unwrap().needs_person()), (Some(0), true));
        state.probe_passed();
        assert_eq!((state.allowance(0, 1_000), state.allowance(1, 1_000)), (Some(1), Some(0)));
        // A failure restores it, and the interval continues from where it was.
        state.pause(failure(FailureKind::Unavailable, None), 70_000);
        assert_eq!((state.allowance(0, 70_000), state.pause.as_ref().unwrap().since), (Some(0), 1_000));
        state.probe_passed();
        for allowance in [Some(2), Some(4), None] {
            state.delivered(71_000);
            assert_eq!(state.allowance(0, 71_000), allowance);
        }
        assert!(state.got_through_recently(72_000) && !state.got_through_recently(72_000 + RECENT_MS));
    }

    #[test]
    fn a_limit_waits_as_the_vendor_says_up_to_six_hours() {
        for (wait_ms, until) in [(None, 30_000), (Some(0), 1_000), (Some(7_000), 7_000), (Some(u64::MAX), 21_600_000)] {
            let mut state = DestinationState::default();
            assert_eq!(state.pause_for_limit(failure(FailureKind::RateLimited, wait_ms), 0, 0.0), until);
            assert_eq!((state.allowance(0, until - 1), state.allowance(0, until)), (Some(0), Some(1)));
            assert_eq!(state.check_at(), None, "a limit needs no probe");
            // A shorter wait does not shorten it.
            state.pause_for_limit(failure(FailureKind::RateLimited, Some(1_000)), 0, 0.0);
            assert_eq!(state.pause.as_ref().unwrap().until, until);
        }
        let mut state = DestinationState::default();
        state.pause(failure(FailureKind::Credentials, None), 0);
        state.pause_for_limit(failure(FailureKind::RateLimited, Some(90_000)), 1, 0.0);
        assert_eq!(state.pause.as_ref().unwrap().failure.kind, FailureKind::Credentials);
        assert_eq!((state.check_at(), state.allowance(0, 90_001)), (Some(90_001), Some(0)));
    }

    #[test]
    fn a_destination_whose_writes_are_forbidden_is_noticed() {
        let mut state = DestinationState::default();
        assert!(!state.forbid("a", false) && !state.forbid("a", false) && !state.forbid("b", false));
        assert!(!state.forbid("c", true) && state.forbid("d", false) && state.forbid("c", true));
        state.delivered(1);
        assert!(!state.rejects_every_write());
    }

    #[test]
    fn several_failures_in_a_row_are_suspicious() {
        use FailureKind::{Credentials, Invalid, NoResponse, Unavailable};
        let mut state = DestinationState::default();
        let found = [Unavailable, NoResponse, Unavailable, Invalid, Unavailable, Credentials];
        assert_eq!(found.map(|kind| state.is_suspicious(kind)), [false, false, true, false, false, true]);
    }

    #[test]
    fn stored_format_has_not_changed() {
        let pause = Pause { failure: failure(FailureKind::Credentials, None), since: 1, until: 3, ramp: 2 };
        let stored = r#"{"failure":{"kind":"credentials","detail":"no"},"since":1,"until":3,"ramp":2}"#;
        assert_eq!(serde_json::to_string(&pause).unwrap(), stored);
        assert_eq!(serde_json::from_str::<Pause>(stored).unwrap(), pause);
    }
}
