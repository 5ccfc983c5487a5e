//! What an Outbox does besides delivering: it alerts the operator, deletes what was delivered long ago, and registers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::config::Lookup;
use crate::connectors::FailureKind;
use crate::delivery::Pause;
use crate::domain::submission as id;
use crate::intake::Form;
use crate::intake::guard::key::Key;

use super::alerts::{self, Condition, Holds, Incident};
use super::core::{BASE, Chore, Outbox, Result};
use super::days::{DAY_MS, Until};
use super::names;
use super::notes::{Alerted, Known};
use super::visitors::Visitors;

/// Submissions looked at in one alarm.
const PURGE_AT_A_TIME: usize = 200;

/// The pause between two parts of a purge, so that deliveries come first.
const PURGE_PAUSE_MS: i64 = 1000;

/// How soon an alert that did not get through is sent again.
const ALERT_AGAIN_MS: i64 = 5 * 60 * 1000;

/// The oldest pending submission of a backlog is looked for once in this time, in milliseconds.
const BACKLOG_AGAIN_MS: i64 = 5 * 60 * 1000;

/// An incident is written down once in this time, however often it happens.
const INCIDENT_AGAIN_MS: i64 = 60 * 1000;

/// When the next part of a purge is due, and the id after which it continues.
const PURGE_AT: &str = "purge_at";
const PURGE_AFTER: &str = "purge_after";
/// When an alert that failed is sent again.
const ALERT_AT: &str = "alert_at";

impl Outbox {
    /// Does what is due besides deliveries, and says what else to do.
    pub fn upkeep(&self) -> Result<Vec<Chore>> {
        self.count_arrivals()?;
        self.write_turned_away()?;
        self.purge()?;
        self.fold()?;
        let mut chores = Vec::new();
        chores.extend(self.alert()?);
        chores.extend(self.registration());
        chores.extend(self.sweep()?);
        Ok(chores)
    }

    /// Enters this Outbox in the registry, unless that is done or under way.
    pub fn registration(&self) -> Option<Chore> {
        let mut run = self.run.borrow_mut();
        if self.name == names::REGISTRY || run.key.is_some() || run.is_registering {
            return None;
        }
        run.is_registering = true;
        Some(Chore::Register)
    }

    /// When upkeep is due.
    pub(super) fn upkeep_at(&self) -> Result<Option<i64>> {
        let condition_at = {
            let run = self.run.borrow();
            if run.is_news && self.has_receiver { Some(0) } else { run.condition_at }
        };
        let alert_at = match self.store.time_note(ALERT_AT)? {
            Some(at) => Some(at),
            // Before the first upkeep of an instance, no condition was looked at.
            None => condition_at.into_iter().chain(self.silence_wakes_at()?).min(),
        };
        Ok([self.purge_at()?, alert_at, self.sweep_at()?, self.turned_away_at()].into_iter().flatten().min())
    }

    /// The registry has entered this Outbox and given the deployment's key, or has not answered. What was stored before
    /// there was a key is keyed now.
    pub fn registered(&self, key: Option<Key>) -> Result<()> {
        let mut run = self.run.borrow_mut();
        run.is_registering = false;
        let Some(key) = key else { return Ok(()) };
        self.store.transaction(|| {
            if !self.is_overflow() {
                self.store.map_visitors(|visitor| keyed(&key, visitor))?;
            }
            self.store.set_key(&key)
        })?;
        run.visitors = Visitors::read(&self.store)?;
        run.key = Some(key);
        Ok(())
    }

    /// The digest of a visitor, as it is stored. An overflow stores it unkeyed, for the Outbox to which it hands it over.
    pub(super) fn keyed(&self, visitor: &str) -> String {
        match &self.run.borrow().key {
            Some(key) if !self.is_overflow() => keyed(key, visitor),
            _ => visitor.to_owned(),
        }
    }

    /// How long the form keeps what was delivered, and what waits for a person, in milliseconds. `None` while its config has
    /// errors: it may say longer than the default, and what is deleted is gone. An overflow deletes nothing.
    fn retention_ms(&self) -> Option<(i64, i64)> {
        let (delivered, waiting) = match self.config.form(&self.form) {
            _ if self.is_overflow() => return None,
            Lookup::Found(form) => (form.retention_days, form.quarantine_days),
            Lookup::Unknown => (Form::RETENTION_DAYS, Form::RETENTION_DAYS),
            Lookup::Broken => return None,
        };
        Some((i64::from(delivered) * DAY_MS, i64::from(waiting) * DAY_MS))
    }

    /// The oldest submission, or an older one that is gone.
    pub(super) fn oldest(&self) -> Result<Option<String>> {
        if let Some(oldest) = self.run.borrow().oldest.clone() {
            return Ok(Some(oldest));
        }
        let oldest = self.store.oldest(1)?.pop();
        self.run.borrow_mut().oldest.clone_from(&oldest);
        Ok(oldest)
    }

    fn purge_at(&self) -> Result<Option<i64>> {
        let Some((delivered, waiting)) = self.retention_ms() else { return Ok(None) };
        let Some(oldest) = self.oldest()? else { return Ok(None) };
        let ripe_at = id::received_at(&oldest).unwrap_or(0).saturating_add(delivered.min(waiting));
        Ok(Some(ripe_at.max(self.store.time_note(PURGE_AT)?.unwrap_or(0))))
    }

    /// Deletes what is old enough, a part at a time. What stays is looked at again in a day.
    fn purge(&self) -> Result<()> {
        let now = self.host.now();
        let (Some((delivered, waiting)), Some(due)) = (self.retention_ms(), self.purge_at()?) else { return Ok(()) };
        if due > now {
            return Ok(());
        }
        let after = self.store.note(PURGE_AFTER)?.unwrap_or_default();
        let until = Until { delivered: now - delivered, waiting: now - waiting };
        let purged = self.store.purge(&after, until, PURGE_AT_A_TIME)?;
        if purged.count > 0 {
            self.host.log(json!({ "event": "purged", "form": self.form, "submissions": purged.count }));
        }
        {
            let mut run = self.run.borrow_mut();
            (run.quarantined_bytes, run.oldest, run.is_news) = (None, None, true);
        }
        let next = now + if purged.next.is_some() { PURGE_PAUSE_MS } else { DAY_MS };
        self.store.set_note(PURGE_AFTER, purged.next.as_deref())?;
        Ok(self.store.set_note(PURGE_AT, Some(&next.to_string()))?)
    }

    /// The message about what changed since the last one. Before it is sent, the time of the next try is stored: should the
    /// object die meanwhile, it is sent again.
    fn alert(&self) -> Result<Option<Chore>> {
        let now = self.host.now();
        {
            let run = self.run.borrow();
            let is_due = run.condition_at.is_some_and(|at| at <= now);
            if !run.is_news && !is_due && self.store.time_note(ALERT_AT)?.is_none() {
                return Ok(None);
            }
        }
        let known = self.store.alerted()?;
        // Without a receiver only what was dismissed is kept up to date.
        if !self.has_receiver && known.is_empty() {
            {
                let mut run = self.run.borrow_mut();
                (run.is_news, run.condition_at) = (false, None);
            }
            self.clear_alert_retry(now)?;
            return Ok(None);
        }
        let holds = self.conditions(&known)?;
        let condition_at = self.next_condition_at(&holds)?;
        {
            let mut run = self.run.borrow_mut();
            (run.is_news, run.condition_at) = (false, condition_at);
        }
        let base = self.base()?;
        let message = alerts::message(&self.form, base.as_deref(), &known, &holds).filter(|_| self.has_receiver);
        let Some(message) = message else {
            let meanwhile = alerts::known_meanwhile(&known, &holds);
            if meanwhile != known {
                self.store.set_alerted(&meanwhile)?;
            }
            self.clear_alert_retry(now)?;
            return Ok(None);
        };
        if self.store.time_note(ALERT_AT)?.is_some_and(|at| at > now) {
            return Ok(None);
        }
        self.store.set_note(ALERT_AT, Some(&(now + ALERT_AGAIN_MS).to_string()))?;
        Ok(Some(Chore::Alert { message, known: alerts::known_after(&known, &holds) }))
    }

    /// Nothing is left to report, and a retry time in the past would keep the alarm firing. One in the future stays: a message
    /// may be on its way, and only one is sent at a time.
    fn clear_alert_retry(&self, now: i64) -> Result<()> {
        match self.store.time_note(ALERT_AT)? {
            Some(at) if at <= now => Ok(self.store.set_note(ALERT_AT, None)?),
            _ => Ok(()),
        }
    }

    /// The operator knows of these conditions, or the receiver of alerts did not take the message.
    pub fn alert_sent(&self, known: Option<&Alerted>) -> Result<()> {
        let Some(known) = known else {
            self.log_failure("alert", None, &"ALERT_WEBHOOK_URL did not take the message");
            return Ok(());
        };
        let (mut known, meanwhile) = (known.clone(), self.store.alerted()?);
        for (key, known) in &mut known {
            // Dismissed while the message was on its way.
            known.is_dismissed |=
                meanwhile.get(key).is_some_and(|stored| stored.is_dismissed && stored.count >= known.count);
        }
        self.store.set_alerted(&known)?;
        // A change since then is sent at once.
        self.run.borrow_mut().is_news = true;
        Ok(self.store.set_note(ALERT_AT, None)?)
    }

    /// Silences an alert until its number has doubled. Returns whether there was one.
    pub fn dismiss(&self, condition: &str) -> Result<bool> {
        let mut alerted = self.store.alerted()?;
        let now = self.conditions(&Alerted::new())?;
        let count = Condition::from_key(condition).and_then(|condition| now.get(&condition).copied());
        // It may hold although no message went out, for want of a receiver.
        let Some(count) = count.or(alerted.get(condition).map(|known| known.count)) else { return Ok(false) };
        alerted.insert(condition.to_owned(), Known { count, is_dismissed: true });
        self.store.set_alerted(&alerted)?;
        self.run.borrow_mut().is_news = true;
        Ok(true)
    }

    /// Something happened that the operator should know of.
    pub fn happened(&self, incident: Incident) -> Result<()> {
        let (now, key) = (self.host.now(), incident_note(incident));
        if self.store.time_note(&key)?.is_some_and(|at| now < at + INCIDENT_AGAIN_MS) {
            return Ok(());
        }
        self.run.borrow_mut().is_news = true;
        Ok(self.store.set_note(&key, Some(&now.to_string()))?)
    }

    /// A request came in at this address. It is written down when this instance first sees another than the last.
    pub fn came_in_at(&self, base: &str) -> Result<()> {
        let mut run = self.run.borrow_mut();
        if run.base.is_none() && self.store.note(BASE)?.is_none_or(|known| known != base) {
            self.store.set_note(BASE, Some(base))?;
        }
        run.base = Some(base.to_owned());
        Ok(())
    }

    fn base(&self) -> Result<Option<String>> {
        let seen = self.run.borrow().base.clone();
        Ok(if seen.is_some() { seen } else { self.store.note(BASE)? })
    }

    /// What the operator should know of now. It is counted as far as it may be news.
    pub(super) fn conditions(&self, known: &Alerted) -> Result<Holds> {
        let now = self.host.now();
        let mut holds = Holds::new();
        let limit = |condition: &Condition| match known.get(&condition.key()) {
            Some(known) => {
                usize::try_from(known.count).unwrap_or(alerts::MOST).saturating_mul(2).clamp(1, alerts::MOST)
            }
            None => alerts::MOST,
        };
        let mut add = |condition: Condition, count: usize| {
            if count > 0 {
                holds.insert(condition, u32::try_from(count).unwrap_or(u32::MAX));
            }
        };
        let run = self.run.borrow();
        for (name, state) in run.destinations.iter() {
            let stuck = Condition::Stuck(name.clone());
            let ids = self.store.stuck(name, limit(&stuck))?;
            let is_expiring = self.expiring_at(&ids).is_some_and(|at| at <= now);
            add(Condition::Expiring(name.clone()), usize::from(is_expiring));
            add(stuck, ids.len());
            let has_any = state.next_at.is_some() || run.running(name) > 0;
            let waits = |is_meant: fn(&Pause) -> bool| has_any && state.pause.as_ref().is_some_and(is_meant);
            let needs_person = state.rejects_every_write() || waits(Pause::needs_person);
            add(Condition::Credentials(name.clone()), usize::from(needs_person));
            add(Condition::Limited(name.clone()), usize::from(waits(is_long)));
        }
        drop(run);
        // An overflow hands its suspects over.
        if !self.is_overflow() {
            let ids = self.store.quarantined(limit(&Condition::Quarantined))?;
            let is_expiring = self.expiring_at(&ids).is_some_and(|at| at <= now);
            add(Condition::QuarantineExpiring, usize::from(is_expiring));
            add(Condition::Quarantined, ids.len());
        }
        add(Condition::Backlog, usize::from(self.backlog_at()?.is_some_and(|at| at <= now)));
        if let Some(days) = self.silent_days()? {
            add(Condition::Silent(days), 1);
        }
        if let Some((code, origin)) = self.turns_away()? {
            add(Condition::TurnedAway(code, origin), 1);
        }
        for incident in Incident::ALL {
            add(Condition::Incident(incident), usize::from(self.over_at(incident)?.is_some_and(|at| at > now)));
        }
        Ok(holds)
    }

    /// When that may change without any delivery.
    fn next_condition_at(&self, holds: &Holds) -> Result<Option<i64>> {
        let now = self.host.now();
        let mut times = vec![self.backlog_at()?, self.expiring_at(&self.store.quarantined(1)?)];
        for name in self.run.borrow().destinations.keys() {
            times.push(self.expiring_at(&self.store.stuck(name, 1)?));
        }
        times.extend([self.silence_wakes_at()?, self.turned_away_until()]);
        for incident in Incident::ALL {
            times.push(self.over_at(incident)?);
        }
        // A backlog ends unnoticed.
        times.push(holds.contains_key(&Condition::Backlog).then_some(now + BACKLOG_AGAIN_MS));
        Ok(times.into_iter().flatten().filter(|at| *at > now).min())
    }

    /// When the oldest pending submission becomes a backlog. Finding it reads everything pending, so this is done rarely.
    fn backlog_at(&self) -> Result<Option<i64>> {
        let now = self.host.now();
        let at = |id: &str| id::received_at(id).map(|at| at + alerts::BACKLOG_MS);
        {
            let mut run = self.run.borrow_mut();
            if !run.has_pending() && !self.is_overflow() {
                run.oldest_pending = None;
                return Ok(None);
            }
            if let Some((looked_at, oldest)) = &run.oldest_pending
                && (at(oldest).is_some_and(|at| at > now) || looked_at + BACKLOG_AGAIN_MS > now)
            {
                return Ok(at(oldest));
            }
        }
        let oldest = self.store.oldest_pending()?;
        let backlog_at = oldest.as_deref().and_then(at);
        self.run.borrow_mut().oldest_pending = oldest.map(|oldest| (now, oldest));
        Ok(backlog_at)
    }

    /// When the alert that the first of these, the oldest, will be deleted is due.
    fn expiring_at(&self, waiting: &[String]) -> Option<i64> {
        let (_, kept) = self.retention_ms()?;
        let received_at = id::received_at(waiting.first()?)?;
        Some(received_at.saturating_add(kept - alerts::EXPIRING_MS.min(kept / 2)))
    }

    /// When an incident is over; `None` when there was none.
    fn over_at(&self, incident: Incident) -> Result<Option<i64>> {
        Ok(self.store.time_note(&incident_note(incident))?.map(|at| at + alerts::INCIDENT_MS))
    }
}

fn incident_note(incident: Incident) -> String {
    format!("{}_at", incident.name())
}

/// Whether a vendor asks for a wait that the operator should know of.
fn is_long(pause: &Pause) -> bool {
    pause.failure.kind == FailureKind::RateLimited && pause.until - pause.since >= alerts::LONG_WAIT_MS
}

/// A keyed digest: without the key, a visitor's address cannot be guessed from it.
fn keyed(key: &Key, visitor: &str) -> String {
    URL_SAFE_NO_PAD.encode(key.sign("visitor", &[visitor.as_bytes()]))
}
