//! What an Outbox does besides delivering, at the end of each alarm: it tells the operator what he has to know, and lets
//! go of what was delivered long ago.
//!
//! What needs an answer (the alert, the registry) goes on beside the alarm: a silent receiver of alerts holds up no lead.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use worker::{Result, State, Storage};

use crate::config::Lookup;
use crate::delivery::alerts::{self, Condition};
use crate::delivery::outboxes;
use crate::domain::submission as id;
use crate::edge::store::Store;
use crate::edge::{clock, environment, http, log};
use crate::intake::form::Form;

use super::agenda::Agenda;
use super::client::Client;
use super::run::Runner;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Submissions looked at in one alarm.
const PURGE_AT_A_TIME: usize = 200;

/// The pause between two parts of a purge, so that deliveries come first.
const PURGE_PAUSE_MS: i64 = 1000;

/// How often old submissions that may not go yet (they wait for a person) are looked at again.
const PURGE_AGAIN_MS: i64 = DAY_MS;

/// How soon an alert that did not get through is tried again.
const ALERT_AGAIN_MS: i64 = 5 * 60 * 1000;

/// How long an alert may take.
const ALERT_PATIENCE: Duration = Duration::from_secs(8);

/// Where the purge stands: the next time, and the id behind which it goes on.
const PURGE_AT: &str = "purge_at";
const PURGE_AFTER: &str = "purge_after";
/// When an alert that failed is tried again.
const ALERT_AT: &str = "alert_at";
/// When a submission was last left unverified.
const UNVERIFIED_AT: &str = "unverified_at";
/// Whether the registry knows of this Outbox.
const REGISTERED: &str = "registered";

/// Does what is due, and says when it wants to be called again.
pub fn upkeep(runner: &Rc<Runner>, state: &State) -> Result<Option<i64>> {
    let agenda = &runner.agenda;
    let purge_at = retention_ms(agenda).map(|retention| purge(&agenda.store, retention)).transpose()?.flatten();
    let alert_at = alert(runner, state)?;
    register(runner, state)?;
    Ok([purge_at, alert_at].into_iter().flatten().min())
}

/// Enters this Outbox in the registry, once: from then on the cron sweep knows of it, whatever the config says.
fn register(runner: &Rc<Runner>, state: &State) -> Result<()> {
    let agenda = &runner.agenda;
    let is_done = agenda.outbox == outboxes::REGISTRY || agenda.store.note(REGISTERED)?.is_some();
    if is_done || runner.is_registering.replace(true) {
        return Ok(());
    }
    let runner = Rc::clone(runner);
    state.wait_until(async move {
        let agenda = &runner.agenda;
        let registered = Client::new(&agenda.env, outboxes::REGISTRY).register(&agenda.outbox).await;
        if let Err(error) = registered.and_then(|()| agenda.store.set_note(REGISTERED, Some("yes"))) {
            log::failure("register", &error);
        }
        runner.is_registering.set(false);
    });
    Ok(())
}

/// Remembers that a submission could not be verified, for the alert at the end of the next alarm.
pub fn left_unverified(store: &Store, now: i64) -> Result<()> {
    store.set_note(UNVERIFIED_AT, Some(&now.to_string()))
}

/// When there is something to let go of, or an alert to send again.
pub fn due(agenda: &Agenda) -> Result<Option<i64>> {
    let purge_at = retention_ms(agenda).map(|retention| purge_due(&agenda.store, retention)).transpose()?.flatten();
    let alert_at = agenda.store.note(ALERT_AT)?.and_then(|at| at.parse().ok());
    Ok([purge_at, alert_at].into_iter().flatten().min())
}

/// How long the form keeps what was delivered. `None` while its config has a mistake: it may say longer than the default,
/// and what goes is gone.
fn retention_ms(agenda: &Agenda) -> Option<i64> {
    let days = match agenda.config.form(&agenda.form) {
        Lookup::Found(form) => form.retention_days,
        Lookup::Unknown => Form::RETENTION_DAYS,
        Lookup::Broken => return None,
    };
    Some(i64::from(days) * DAY_MS)
}

fn purge_due(store: &Store, retention_ms: i64) -> Result<Option<i64>> {
    let Some(oldest) = store.oldest()? else { return Ok(None) };
    let ripe_at = id::received_at(&oldest).unwrap_or(0).saturating_add(retention_ms);
    let not_before = store.note(PURGE_AT)?.and_then(|at| at.parse().ok()).unwrap_or(0);
    Ok(Some(ripe_at.max(not_before)))
}

/// Deletes what was delivered and is old enough; returns when there is something to delete again.
fn purge(store: &Store, retention_ms: i64) -> Result<Option<i64>> {
    let now = clock::now();
    let Some(due) = purge_due(store, retention_ms)? else { return Ok(None) };
    if due > now {
        return Ok(Some(due));
    }
    let after = store.note(PURGE_AFTER)?.unwrap_or_default();
    let purged = store.purge(&after, &id::floor(now - retention_ms), PURGE_AT_A_TIME)?;
    log::purged(purged.count);
    let next = now + if purged.next.is_some() { PURGE_PAUSE_MS } else { PURGE_AGAIN_MS };
    // Whatever is left behind the cursor waits for a person; the next round starts from the oldest again.
    store.set_note(PURGE_AFTER, purged.next.as_deref())?;
    store.set_note(PURGE_AT, purged.next.is_none().then(|| next.to_string()).as_deref())?;
    Ok(store.oldest()?.map(|_| next))
}

/// Tells the operator what changed, in one message; returns when there may be something to tell without any delivery.
fn alert(runner: &Rc<Runner>, state: &State) -> Result<Option<i64>> {
    let agenda = &runner.agenda;
    let store = &agenda.store;
    let Some(url) = environment::secret(&agenda.env, "ALERT_WEBHOOK_URL") else { return Ok(None) };
    let now = clock::now();
    let oldest = store.oldest_pending()?.and_then(|oldest| id::received_at(&oldest));
    let backlog_at = oldest.map(|oldest| oldest + alerts::BACKLOG_MS);
    let mut holds = conditions(agenda, backlog_at.is_some_and(|at| at <= now))?;
    let verified_at =
        store.note(UNVERIFIED_AT)?.and_then(|at| at.parse::<i64>().ok()).map(|at| at + alerts::UNVERIFIED_MS);
    if verified_at.is_some_and(|at| at > now) {
        holds.insert(Condition::Unverified);
    }
    let next = [backlog_at, verified_at].into_iter().flatten().filter(|at| *at > now).min();
    let Some(message) = alerts::message(&agenda.form, &store.told()?, &holds) else { return Ok(next) };
    let again = store.note(ALERT_AT)?.and_then(|at| at.parse().ok()).unwrap_or(0);
    if again > now {
        return Ok(Some(next.map_or(again, |next: i64| next.min(again))));
    }
    // First the time of the next try, then this one: should the object die meanwhile, it is made again.
    let again = now + ALERT_AGAIN_MS;
    store.set_note(ALERT_AT, Some(&again.to_string()))?;
    let (runner, storage) = (Rc::clone(runner), state.storage());
    state.wait_until(async move {
        let agenda = &runner.agenda;
        let (config, body) = (&agenda.config, message.to_string());
        let answer = http::post(config, "alerts", &url, "application/json", &body, ALERT_PATIENCE).await;
        // The platform's error may quote the address, which is a secret.
        if !answer.is_ok_and(|answer| answer.is_success()) {
            return log::failure("alert", &"ALERT_WEBHOOK_URL did not take the message");
        }
        if let Err(error) = told(&agenda.store, &holds, &storage).await {
            log::failure("alert", &error);
        }
    });
    Ok(Some(next.map_or(again, |next: i64| next.min(again))))
}

/// The operator knows; what has changed meanwhile is told at once.
async fn told(store: &Store, holds: &BTreeSet<Condition>, storage: &Storage) -> Result<()> {
    store.set_told(holds)?;
    store.set_note(ALERT_AT, None)?;
    storage.set_alarm(0).await
}

/// What the operator should know of as things stand.
fn conditions(agenda: &Agenda, is_late: bool) -> Result<BTreeSet<Condition>> {
    let store = &agenda.store;
    let mut holds: BTreeSet<Condition> = store.stuck()?.into_iter().map(Condition::Stuck).collect();
    for lane in store.lanes()?.into_iter().filter(|lane| lane.next_at.is_some()) {
        let parked = store.parking(&lane.name)?.is_some_and(|parking| parking.needs_person());
        if parked || agenda.obstacle(&lane.name).is_some() {
            holds.insert(Condition::Credentials(lane.name));
        }
    }
    if is_late {
        holds.insert(Condition::Backlog);
    }
    Ok(holds)
}
