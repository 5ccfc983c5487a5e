//! What a person should know of now: for the console, and for `/health`.

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::alerts::{Condition, Incident};
use super::core::{Outbox, Result};
use super::days::maybe_time;
use super::names;
use super::notes::{Alerted, Known};
use super::store::{self, Columns, Store};

/// An alert, for the operator.
#[derive(Debug, Clone, Serialize)]
pub struct AlertView {
    /// What it is about, as it is dismissed.
    pub condition: String,
    /// The destination that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// How many there are; at most a thousand are counted.
    pub count: u32,
    /// Since when, milliseconds since 1970, where that is known.
    #[serde(serialize_with = "maybe_time", skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    /// In words.
    pub text: String,
    /// The route that ends or silences it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// Why a form is not well. It holds names of the configuration only: `/health` needs no token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The form.
    pub form: String,
    /// What is wrong.
    pub condition: String,
    /// The destination that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
}

/// The conditions in which leads do not reach their CRM.
fn is_unwell(condition: &Condition) -> bool {
    match condition {
        Condition::Stuck(_)
        | Condition::Credentials(_)
        | Condition::Backlog
        | Condition::Silent(_)
        | Condition::TurnedAway(..) => true,
        Condition::Incident(incident) => matches!(incident, Incident::Unavailable | Incident::Full),
        Condition::Limited(_) | Condition::Expiring(_) | Condition::Quarantined | Condition::QuarantineExpiring => {
            false
        }
    }
}

impl Outbox {
    /// What a person should know of now and has not dismissed.
    pub fn alerts(&self) -> Result<Vec<AlertView>> {
        let known = self.store.alerted()?;
        let holds = self.conditions(&Alerted::new())?;
        let mut alerts = Vec::new();
        for (condition, count) in holds {
            let known = known.get(&condition.key()).copied().unwrap_or_default();
            if known.is_dismissed && count < known.count.saturating_mul(2) {
                continue;
            }
            alerts.push(AlertView {
                destination: condition.destination().map(str::to_owned),
                since: self.since(&condition)?,
                text: condition.begins(count),
                remedy: condition.remedy(&self.form).map(|(_, path)| path),
                condition: condition.key(),
                count,
            });
        }
        Ok(alerts)
    }

    fn since(&self, condition: &Condition) -> Result<Option<i64>> {
        Ok(match condition {
            Condition::Credentials(name) | Condition::Limited(name) => {
                let run = self.run.borrow();
                run.destinations.get(name).and_then(|state| Some(state.pause.as_ref()?.since))
            }
            Condition::Backlog => {
                self.store.oldest_pending()?.and_then(|id| crate::domain::submission::received_at(&id))
            }
            _ => None,
        })
    }

    /// Why this Outbox is not well; what the operator dismissed does not count.
    pub fn reasons(&self) -> Result<Vec<Reason>> {
        let known = self.store.alerted()?;
        let is_dismissed =
            |condition: &Condition| known.get(&condition.key()).is_some_and(|Known { is_dismissed, .. }| *is_dismissed);
        let holds = self.conditions(&known)?;
        let unwell = holds.into_keys().filter(|condition| is_unwell(condition) && !is_dismissed(condition));
        Ok(unwell
            .map(|condition| Reason {
                form: self.form.clone(),
                destination: condition.destination().map(str::to_owned),
                condition: condition.name().to_owned(),
            })
            .collect())
    }

    /// An Outbox was woken by the sweep and answered why it is not well, as JSON; `None`: it did not answer. In the registry.
    pub fn woken(&self, outbox: &str, reasons: Option<&Json>) -> Result<()> {
        let silent = || json!([{ "form": names::form_of(outbox), "condition": "unreachable" }]);
        let reasons = reasons.cloned().unwrap_or_else(silent);
        let text = reasons.as_array().is_some_and(|list| !list.is_empty()).then(|| reasons.to_string());
        // Written only when it changed: a sweep comes every five minutes.
        if self.store.unwell(outbox)? != text {
            self.store.set_unwell(outbox, text.as_deref())?;
        }
        Ok(())
    }

    /// Why the Outboxes are not well, by the last sweep. In the registry.
    pub fn health(&self) -> Result<Vec<Json>> {
        let mut all = Vec::new();
        for text in self.store.all_unwell()? {
            let reasons: Json = serde_json::from_str(&text).unwrap_or_default();
            // The shards of a form are one form.
            for reason in reasons.as_array().into_iter().flatten() {
                if !all.contains(reason) {
                    all.push(reason.clone());
                }
            }
        }
        Ok(all)
    }
}

impl Store {
    fn unwell(&self, outbox: &str) -> store::Result<Option<String>> {
        Ok(self.texts("SELECT reasons FROM unwell WHERE outbox = ?", &[outbox.into()])?.into_iter().next())
    }

    fn set_unwell(&self, outbox: &str, reasons: Option<&str>) -> store::Result<()> {
        match reasons {
            Some(reasons) => self
                .run("INSERT OR REPLACE INTO unwell (outbox, reasons) VALUES (?, ?)", &[outbox.into(), reasons.into()]),
            None => self.run("DELETE FROM unwell WHERE outbox = ?", &[outbox.into()]),
        }
    }

    fn all_unwell(&self) -> store::Result<Vec<String>> {
        let rows = self.database.query("SELECT reasons FROM unwell ORDER BY outbox", &[])?;
        Ok(rows.into_iter().filter_map(|row| Columns::new(row).text()).collect())
    }
}
