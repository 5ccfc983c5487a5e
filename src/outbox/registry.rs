//! The registry: an Outbox that stores no submissions. It knows every Outbox that ever stored something, keeps the
//! deployment's key, and sweeps: it makes sure that every alarm is set, in case one was lost.

use crate::intake::guard::key::Key;

use super::core::{Chore, Outbox, Result};

/// Outboxes woken in one alarm: the free plan allows 50 subrequests.
const AT_A_TIME: usize = 45;

/// The time between two parts of a sweep, in milliseconds.
const PART_MS: i64 = 10_000;

/// The interval between sweeps per hundred Outboxes, in milliseconds; also that of the cron trigger. Each wake is a request,
/// and the free plan has 100,000 a day.
const SWEEP_MS: i64 = 5 * 60 * 1000;

/// How much earlier than planned the trigger may come, in milliseconds.
const EARLY_MS: i64 = 30_000;

/// When the last sweep began.
const SWEPT_AT: &str = "swept_at";

/// The name after which the current sweep continues.
const SWEEP_AFTER: &str = "sweep_after";

impl Outbox {
    /// Registers another Outbox; the deployment's key for it.
    pub fn register(&self, outbox: &str) -> Result<Key> {
        self.store.register(outbox)?;
        self.deployment_key()
    }

    /// The deployment's key, made by the first one who asks.
    pub fn deployment_key(&self) -> Result<Key> {
        if let Some(key) = self.store.key()? {
            return Ok(key);
        }
        let key = Key::new(&self.host.random_key());
        self.store.set_key(&key)?;
        Ok(key)
    }

    /// Every Outbox that ever registered.
    pub fn outboxes(&self) -> Result<Vec<String>> {
        Ok(self.store.outboxes("", usize::MAX)?)
    }

    /// The cron trigger came: a sweep begins, unless there are many Outboxes and the last sweep began a short while ago.
    pub fn begin_sweep(&self) -> Result<()> {
        // One that is under way goes on: begun again and again, it would never reach the last.
        if self.store.note(SWEEP_AFTER)?.is_some_and(|after| !after.is_empty()) {
            return Ok(());
        }
        let now = self.host.now();
        let count = i64::try_from(self.outboxes()?.len()).unwrap_or(i64::MAX);
        let interval = count.saturating_mul(SWEEP_MS) / 100;
        let last = self.store.time_note(SWEPT_AT)?;
        // The trigger comes a little early or late.
        if interval > SWEEP_MS && last.is_some_and(|last| now < last + interval - EARLY_MS) {
            return Ok(());
        }
        self.store.set_note(SWEPT_AT, Some(&now.to_string()))?;
        Ok(self.store.set_note(SWEEP_AFTER, Some(""))?)
    }

    /// The next part of the sweep, if it is due.
    pub(super) fn sweep(&self) -> Result<Option<Chore>> {
        let now = self.host.now();
        let Some(after) = self.store.note(SWEEP_AFTER)? else { return Ok(None) };
        if self.run.borrow().sweep_at > now {
            return Ok(None);
        }
        let part = self.store.outboxes(&after, AT_A_TIME)?;
        let next = part.last().filter(|_| part.len() == AT_A_TIME);
        self.store.set_note(SWEEP_AFTER, next.map(String::as_str))?;
        self.run.borrow_mut().sweep_at = now + PART_MS;
        Ok((!part.is_empty()).then_some(Chore::Wake(part)))
    }

    /// When the next part of the sweep is due.
    pub(super) fn sweep_at(&self) -> Result<Option<i64>> {
        let is_under_way = self.store.note(SWEEP_AFTER)?.is_some();
        Ok(is_under_way.then(|| self.run.borrow().sweep_at))
    }
}
