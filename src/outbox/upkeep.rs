//! What an Outbox does besides delivering: it alerts the operator, deletes what was delivered long ago, and registers.

use std::collections::BTreeSet;

use serde_json::json;

use crate::config::Lookup;
use crate::domain::submission as id;
use crate::intake::Form;

use super::alerts::{self, Condition};
use super::core::{Chore, Outbox, Result, UNVERIFIED_AT};
use super::names;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Submissions looked at in one alarm.
const PURGE_AT_A_TIME: usize = 200;

/// The pause between two parts of a purge, so that deliveries come first.
const PURGE_PAUSE_MS: i64 = 1000;

/// How soon an alert that did not get through is sent again.
const ALERT_AGAIN_MS: i64 = 5 * 60 * 1000;

/// The next part of a purge: when, and behind which id it goes on.
const PURGE_AT: &str = "purge_at";
const PURGE_AFTER: &str = "purge_after";
/// When an alert that failed is sent again.
const ALERT_AT: &str = "alert_at";
/// Whether the registry knows of this Outbox.
const REGISTERED: &str = "registered";

impl Outbox {
    /// Does what is due besides deliveries, and says what else to do.
    pub fn upkeep(&self) -> Result<Vec<Chore>> {
        self.purge()?;
        let mut chores = Vec::new();
        chores.extend(self.alert()?);
        let is_registered = self.name == names::REGISTRY || self.store.note(REGISTERED)?.is_some();
        let mut run = self.run.borrow_mut();
        if !is_registered && !run.is_registering {
            run.is_registering = true;
            chores.push(Chore::Register);
        }
        Ok(chores)
    }

    /// When upkeep is due.
    pub(super) fn upkeep_at(&self) -> Result<Option<i64>> {
        let alert_at = match self.store.time_note(ALERT_AT)? {
            Some(at) => Some(at),
            None => self.conditions()?.1,
        };
        Ok([self.purge_at()?, alert_at].into_iter().flatten().min())
    }

    /// The registry has entered this Outbox, or has not answered.
    pub fn registered(&self, is_done: bool) -> Result<()> {
        self.run.borrow_mut().is_registering = false;
        if is_done {
            self.store.set_note(REGISTERED, Some("yes"))?;
        }
        Ok(())
    }

    /// How long the form keeps what was delivered. `None` while its config has errors: it may say longer than the default,
    /// and what is deleted is gone. An overflow deletes nothing.
    fn retention_ms(&self) -> Option<i64> {
        let days = match self.config.form(&self.form) {
            _ if self.is_overflow() => return None,
            Lookup::Found(form) => form.retention_days,
            Lookup::Unknown => Form::RETENTION_DAYS,
            Lookup::Broken => return None,
        };
        Some(i64::from(days) * DAY_MS)
    }

    fn purge_at(&self) -> Result<Option<i64>> {
        let Some(retention) = self.retention_ms() else { return Ok(None) };
        let Some(oldest) = self.store.oldest(1)?.pop() else { return Ok(None) };
        let ripe_at = id::received_at(&oldest).unwrap_or(0).saturating_add(retention);
        Ok(Some(ripe_at.max(self.store.time_note(PURGE_AT)?.unwrap_or(0))))
    }

    /// Deletes what was delivered and is old enough, a part at a time. What waits for a person is looked at again in a day.
    fn purge(&self) -> Result<()> {
        let now = self.host.now();
        let (Some(retention), Some(due)) = (self.retention_ms(), self.purge_at()?) else { return Ok(()) };
        if due > now {
            return Ok(());
        }
        let after = self.store.note(PURGE_AFTER)?.unwrap_or_default();
        let purged = self.store.purge(&after, &id::floor(now - retention), PURGE_AT_A_TIME)?;
        if purged.count > 0 {
            self.host.log(json!({ "event": "purged", "form": self.form, "submissions": purged.count }));
        }
        let next = now + if purged.next.is_some() { PURGE_PAUSE_MS } else { DAY_MS };
        self.store.set_note(PURGE_AFTER, purged.next.as_deref())?;
        Ok(self.store.set_note(PURGE_AT, Some(&next.to_string()))?)
    }

    /// The message about what changed since the last one. Before it is sent, the time of the next try is stored: should the
    /// object die meanwhile, it is sent again.
    fn alert(&self) -> Result<Option<Chore>> {
        if !self.host.has_secret(alerts::URL_SECRET) {
            return Ok(None);
        }
        let now = self.host.now();
        let (holds, _) = self.conditions()?;
        let Some(message) = alerts::message(&self.form, &self.known()?, &holds) else {
            return Ok(None);
        };
        if self.store.time_note(ALERT_AT)?.is_some_and(|at| at > now) {
            return Ok(None);
        }
        self.store.set_note(ALERT_AT, Some(&(now + ALERT_AGAIN_MS).to_string()))?;
        let conditions: BTreeSet<String> = holds.iter().map(Condition::key).collect();
        Ok(Some(Chore::Alert { message, conditions }))
    }

    fn known(&self) -> Result<BTreeSet<Condition>> {
        Ok(self.store.alerted()?.iter().filter_map(|key| Condition::from_key(key)).collect())
    }

    /// The operator knows of these conditions, or the receiver of alerts did not take the message.
    pub fn alert_sent(&self, conditions: Option<&BTreeSet<String>>) -> Result<()> {
        let Some(conditions) = conditions else {
            self.log_failure("alert", None, &"ALERT_WEBHOOK_URL did not take the message");
            return Ok(());
        };
        self.store.set_alerted(conditions)?;
        Ok(self.store.set_note(ALERT_AT, None)?)
    }

    /// What the operator should know of now, and when that may change without any delivery.
    fn conditions(&self) -> Result<(BTreeSet<Condition>, Option<i64>)> {
        let now = self.host.now();
        let mut holds: BTreeSet<Condition> = self.store.stuck()?.into_iter().map(Condition::Stuck).collect();
        for (name, state) in &self.run.borrow().destinations {
            let needs_person = state.pause.as_ref().is_some_and(crate::delivery::Pause::needs_person);
            if state.rejects_every_write() || (needs_person && self.store.next_at(name)?.is_some()) {
                holds.insert(Condition::Credentials(name.clone()));
            }
        }
        let oldest = self.store.oldest_pending()?.and_then(|oldest| id::received_at(&oldest));
        let backlog_at = oldest.map(|oldest| oldest + alerts::BACKLOG_MS);
        if backlog_at.is_some_and(|at| at <= now) {
            holds.insert(Condition::Backlog);
        }
        let verified_at = self.store.time_note(UNVERIFIED_AT)?.map(|at| at + alerts::UNVERIFIED_MS);
        if verified_at.is_some_and(|at| at > now) {
            holds.insert(Condition::Unverified);
        }
        let next = [backlog_at, verified_at].into_iter().flatten().filter(|at| *at > now).min();
        let is_told = self.host.has_secret(alerts::URL_SECRET);
        Ok((holds, next.filter(|_| is_told)))
    }
}
